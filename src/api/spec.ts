/**
 * The data that the front doors make and the runtime takes. The types live where they are used first, because `model` and
 * `compile` never import `api`.
 */
import type { SwarmLayers } from "../compile/index";
import { knowGeneration } from "../model/generations";
import type { TopologySpec } from "../model/spec";

export type * from "../model/spec";
export type { NamesSpec, NameTable } from "../model/underlay";
export type { IpsecOptions } from "../model/swarm/keyring";
export type { SwarmNodeSpec, SwarmServiceSpec, SwarmSpec } from "../model/swarm/swarm-spec";
export type { DockerState } from "../model/state";
export type {
  CompiledTopology,
  ContainerDescription,
  EndpointDescription,
  FlowDescription,
  FollowedTopology,
  MovedTraffic,
  PlacedFlow,
  NetworkDescription,
  PublishedPortDescription,
  ResolvedTraffic,
  ServiceDescription,
  ServicePortDescription,
  TopologyDescription,
  TrafficCursor,
} from "../compile/compiled";
export { type Daemons, stateOf } from "../model/decide";
export { compile, type SwarmLayers } from "../compile/index";
export { hasOverlays } from "../compile/overlays";
export { DEFAULT_FABRIC, defaultUnderlay, type FabricSettings, type HostSurroundings, hostWorld, type UplinkSettings } from "../model/default-underlay";
export { readListener, readRoute } from "../model/host-text";
export { isOfSwarm, publishersOf } from "../model/state";
export { emptyWorld } from "../model/world";

/** For those who look into containers. */
export const loadContainerFiles = async () => (await import("../model/inspect/container-files")).containerFiles;

/** What labs with swarms take besides: few have some, and it is large. */
export const loadSwarmLayers = async () => (await import("../compile/overlay")).swarmLayers;

/** What reads rules of hosts' users: few hosts have some. */
export const loadRuleParser = async () => (await import("../model/firewall/parse")).parseIptables;

const loadDaemonReader = async () => (await import("../model/daemon-file")).readDaemonFile;

/** What a description takes besides. */
export async function layersFor({ generation, swarm, hosts, underlay }: TopologySpec): Promise<SwarmLayers> {
  if (generation === "20.10") knowGeneration((await import("../model/generation-20.10")).generation20);
  const hasRules = hosts.some(({ rules = [] }) => rules.length > 0);
  const hasFile = hosts.some(({ daemon }) => daemon !== undefined);
  return {
    ...(swarm && (await loadSwarmLayers())),
    ...(hasRules && { parseRules: await loadRuleParser() }),
    ...(underlay?.names && { names: (await import("../compile/name-servers")).nameLayer }),
    ...(hasFile && { readDaemon: await loadDaemonReader() }),
  };
}

let layersAtHand: SwarmLayers = {};

/** From now on descriptions can be compiled at once that take this. A page loads it when it starts one. */
export function haveAtHand(layers: SwarmLayers): void {
  layersAtHand = layers;
}

export const layersNow = (): SwarmLayers => layersAtHand;
