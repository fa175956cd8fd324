import type { Identity } from "../model/identity";
import type { DockerState, SwarmNetworkState } from "../model/state";
import type { Memo } from "./memo";
import type { OverlayLayer } from "./overlays";
import type { ProgramBuilder } from "./program-builder";

/** What is laid out so far. */
export interface Laying {
  readonly builder: ProgramBuilder;
  readonly state: DockerState;
  readonly memo: Memo;
  readonly identity: Identity;
  readonly namespaces: Map<string, number>;
  readonly places: Map<string, number>;
  readonly owners: Map<number | bigint, number>;
  /** First address of hosts and machines with cables, by name. */
  readonly machines: Map<string, number>;
  /** The same of IPv6. */
  readonly machines6: Map<string, bigint>;
  readonly kernelDevices: Map<number, Map<string, number>>;
  /** The bridge devices of networks, by `bridgeKey`. */
  readonly bridges: Map<string, number>;
  readonly overlays: OverlayLayer | undefined;
  /** Overlay networks by host and ID. */
  readonly overlayNetworks: Map<string, OverlayPlace>;
  /** net.ipv4.ip_forward that new namespaces have. */
  readonly forwards: boolean;
}

/** Where an overlay network is on one host. */
export interface OverlayPlace {
  readonly network: SwarmNetworkState;
  readonly namespace: number;
  /** A bridge and a VXLAN device for each subnet, in their order. */
  readonly bridges: readonly number[];
  readonly tunnels: readonly number[];
}

/** Where an endpoint's device goes. */
export interface EndpointPlace {
  readonly host: string;
  readonly namespace: number;
  readonly label: string;
  readonly key: string;
}

/** Knows a device by the name that the kernel of its namespace has for it. */
export function nameDevice({ kernelDevices, builder }: Pick<Laying, "kernelDevices" | "builder">, device: number, name: string): void {
  const { namespace } = builder.devices[device]!;
  const names = kernelDevices.get(namespace) ?? new Map<string, number>();
  kernelDevices.set(namespace, names.set(name, device));
}

/** Of `Laying.bridges`. */
export function bridgeKey({ host, name }: { readonly host: string; readonly name: string }): string {
  return `${host}/${name}`;
}
