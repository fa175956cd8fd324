/** Overlay networks of two hosts, as Docker builds them: a namespace for each host with a bridge, a VXLAN device and a veth per container. */
import { DEVICE_UP, DEVICE_VXLAN_L2MISS, DEVICE_VXLAN_L3MISS, DEVICE_VXLAN_LEARNING, DEVICE_VXLAN_PROXY, DeviceKind } from "../../assembly/abi/program";
import type { LinkRecord } from "../../src/engine/program";
import { CABLE, type Endpoint, ip, ProgramDraft } from "./program";

export const VXLAN_FLAGS = DEVICE_UP | DEVICE_VXLAN_LEARNING | DEVICE_VXLAN_PROXY | DEVICE_VXLAN_L2MISS | DEVICE_VXLAN_L3MISS;
export const VNI = 4097;
export const VXLAN_PORT = 4789;

export interface OverlayOptions {
  /** Containers on each host; addresses 10.0.1.2, … on the first, 10.0.1.102, … on the second. */
  readonly containers?: number;
  readonly mtu?: number;
  /** Of the hosts' NICs. */
  readonly underlayMtu?: number;
  readonly link?: LinkRecord;
  readonly flags?: number;
  /** Leaves out what one host knows of the other's containers. */
  readonly ignorant?: boolean;
  /** 0: netfilter does not see what crosses bridges. */
  readonly bridgeNf?: number;
  readonly port?: number;
}

/** One host's half of an overlay. */
export interface OverlayHost {
  readonly root: number;
  readonly nic: Endpoint;
  readonly sandbox: number;
  readonly bridge: number;
  readonly vxlan: number;
  readonly containers: readonly Endpoint[];
}

export interface Overlay {
  readonly draft: ProgramDraft;
  readonly left: OverlayHost;
  readonly right: OverlayHost;
}

/** Hosts 192.168.0.1 and .2 on one cable, with the network 10.0.1.0/24 across both. */
export function overlay(options: OverlayOptions = {}): Overlay {
  const { link = CABLE, underlayMtu = 1500, ignorant = false } = options;
  const draft = new ProgramDraft();
  const roots = [0, 1].map(() => draft.namespace(draft.host(), { forwarding: 1 }));
  const nics = draft.cable(roots[0], roots[1], ["192.168.0.1", "192.168.0.2"], 24, link, underlayMtu);
  const [left, right] = roots.map((root, side) => half(draft, root, nics[side], side, options));
  if (!ignorant) {
    introduce(draft, left, right);
    introduce(draft, right, left);
  }
  return { draft, left, right };
}

/** What gossip brings: a host learns of every container of the other one. */
export function introduce(draft: ProgramDraft, host: OverlayHost, other: OverlayHost): void {
  for (const container of other.containers) introduceOne(draft, host, container, other.nic.ip);
}

export function introduceOne(draft: ProgramDraft, { vxlan }: OverlayHost, container: Endpoint, remote: number): void {
  const { macHigh, macLow } = draft.devices[container.device];
  draft.neighbours.push({ device: vxlan, ip: container.ip, macHigh, macLow });
  draft.vxlanRemotes.push({ device: vxlan, macHigh, macLow, remote });
}

function half(draft: ProgramDraft, root: number, nic: Endpoint, side: number, options: OverlayOptions): OverlayHost {
  const { containers = 1, mtu = 1450, flags = VXLAN_FLAGS, bridgeNf = 0, port = VXLAN_PORT } = options;
  const { host } = draft.namespaces[root];
  const sandbox = draft.namespace(host, { forwarding: 1, bridgeNf });
  const bridge = draft.device(sandbox, DeviceKind.Bridge, { mtu }, "br0");
  draft.address(bridge, ip("10.0.1.1"), 24);
  const vxlan = draft.device(sandbox, DeviceKind.Vxlan, { mtu, flags, master: bridge, underlay: root, port, vni: VNI }, "vxlan0");
  const endpoints = Array.from({ length: containers }, (_, number) => draft.container(bridge, `10.0.1.${2 + side * 100 + number}`, { prefix: 24 }));
  return { root, nic, sandbox, bridge, vxlan, containers: endpoints };
}

/** Capacities that an overlay of this size needs. */
export function overlayCapacity({ draft }: Overlay): { readonly frameBytes: number; readonly vxlanRemotes: number } {
  const largest = Math.max(...draft.devices.map(({ kind, mtu }) => (kind === DeviceKind.Loopback ? 0 : mtu)));
  return { frameBytes: largest + 68, vxlanRemotes: draft.vxlanRemotes.length + 16 };
}
