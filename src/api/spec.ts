/**
 * The data that the front doors make and the runtime takes. The types live where they are used first, because `model` and
 * `compile` never import `api`.
 */
export type * from "../model/spec";
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
  TopologyDescription,
  TrafficCursor,
} from "../compile/compiled";
export { type Daemons, stateOf } from "../model/decide";
export { parseIptables } from "../model/firewall";
export { compile } from "../compile/index";
export { emptyWorld } from "../model/world";
