import type { NetworkSpec, Positioned } from "../spec";
import type { IpsecOptions } from "./keyring";
import type { NodeAvailability, NodeRole } from "./objects";
import type { ServiceSpec } from "./service-spec";

/** A swarm as somebody describes it. Frozen plain data, as a `TopologySpec`. */
export interface SwarmSpec {
  /** Hosts in the order in which they join. The first one makes the swarm, so it is a manager. */
  readonly nodes: readonly SwarmNodeSpec[];
  /** `--default-addr-pool`, and the length of the subnets' prefixes. */
  readonly pools?: readonly string[];
  readonly maskLength?: number;
  /** The UDP port of VXLAN. */
  readonly dataPathPort?: number;
  /** How encrypted networks seal; the simulator's own. */
  readonly ipsec?: IpsecOptions;
  /** In the order of creation. One that is to be the ingress network takes the place of the one that there is. */
  readonly networks: readonly NetworkSpec[];
  /** In the order of creation; networks by their names. */
  readonly services: readonly SwarmServiceSpec[];
}

export interface SwarmNodeSpec extends Positioned {
  readonly host: string;
  readonly role: NodeRole;
  /** `"active"` unless given. */
  readonly availability?: NodeAvailability;
  /** `docker node update --label-add`. */
  readonly labels?: Readonly<Record<string, string>>;
}

export type SwarmServiceSpec = ServiceSpec & Positioned;
