import { refuse, unsupported } from "../refusal";
import type { SwarmPart } from "./operations";
import { OUTSIDE_WORDS } from "./outside-words";

const noManager = () => refuse(503, "swarm", OUTSIDE_WORDS.noManager);
const noWorld = () => unsupported("swarm", "swarms for a daemon that was made without a registry of them");

/** The part of a daemon whose world has no swarms. */
export const OUTSIDE: SwarmPart = {
  now: 0,
  localState: "inactive",
  ownId: "",
  nextAt: undefined,
  advanceTo: () => undefined,
  setReachable: () => undefined,
  isActive: false,
  isManager: false,
  init: noWorld,
  join: noWorld,
  leave: () => refuse(503, "swarm", OUTSIDE_WORDS.noSwarm),
  update: noManager,
  token: noManager,
  rotateToken: noManager,
  unlockKey: noManager,
  rotateUnlockKey: noManager,
  unlock: () => refuse(400, "swarm", OUTSIDE_WORDS.noSwarm),
  nodes: noManager,
  findNode: noManager,
  updateNode: noManager,
  removeNode: noManager,
  createService: noManager,
  updateService: noManager,
  rollBackService: noManager,
  removeService: noManager,
  services: noManager,
  findService: noManager,
  tasksOf: noManager,
  tasksOn: noManager,
  files: noManager,
  rotateKeys: noManager,
  settle: () => undefined,
  wait: () => undefined,
  containerEnded: () => undefined,
  attach: noManager,
  detach: () => undefined,
  refuseSecondWayOut: noManager,
  gatewayBridge: noManager,
  clusterNetworks: () => [],
  findClusterNetwork: () => undefined,
  createNetwork: noManager,
  removeNetwork: noManager,
  pruneNetworks: () => [],
  state: () => undefined,
};
