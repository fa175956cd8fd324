import { isIp, isIpv4 } from "../../net/ip";
import { refuse } from "../refusal";
import type { NetworkSpec } from "../spec";
import type { Cluster } from "./cluster";
import type { NodeAvailability } from "./objects";
import { SWARM_WORDS } from "./words";

/** moby daemon/cluster/convert: what is no subnet at all. */
export function checkSubnets({ name, ipam }: NetworkSpec): void {
  for (const { subnet } of ipam) {
    const [address = "", length = ""] = subnet?.split("/") ?? [];
    if (subnet === undefined || (isIp(address) && /^\d+$/.test(length) && Number(length) <= (isIpv4(address) ? 32 : 128))) continue;
    refuse(400, `network ${name}`, `Invalid subnet ${subnet} : invalid CIDR address: ${subnet}`);
  }
}

/** @throws SimulationError for a word that is none. */
export function readAvailability(text = "active"): NodeAvailability {
  return text === "active" || text === "pause" || text === "drain" ? text : refuse(400, "swarm", `invalid Availability: ${JSON.stringify(text)}`);
}

/** moby daemon/cluster/swarm.go: Leave. */
export function refuseLeave({ roster }: Cluster): never {
  const reachable = roster.reachable.length;
  const unreachable = roster.managers.length - reachable;
  if (roster.managers.length === 1) refuse(503, "swarm", SWARM_WORDS.lastManager);
  const losesQuorum = roster.hasQuorum && reachable - 2 <= unreachable;
  const loss = `Removing this node leaves ${reachable - 1} managers out of ${reachable + unreachable}. Without a Raft quorum your swarm will be inaccessible. `;
  return refuse(503, "swarm", `${SWARM_WORDS.leaveManager}${losesQuorum ? loss : ""}${SWARM_WORDS.forceNewCluster}`);
}

/** Differs from Docker: all hosts have the same memory, which nothing but reservations of services looks at. */
export const HOST_MEMORY = 16 * 1024 ** 3;
/** How long a node that wants to join waits between two tries (swarmkit: grpc's backoff, about). */
export const RETRY_NS = 2e9;
