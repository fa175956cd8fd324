import { DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA, DeviceKind, IpvlanMode, MacvlanMode } from "../../assembly/abi/program";
import type { EndpointState, ParentNetworkState } from "../model/state";
import { type EndpointPlace, type Laying, nameDevice } from "./laying";

/** What the endpoints of a macvlan or ipvlan network sit on. */
interface ParentNetwork {
  readonly network: ParentNetworkState;
  readonly parent: number;
}

/** The networks with a parent of one host, by name. */
export type ParentDevices = ReadonlyMap<string, ParentNetwork>;

const MACVLAN_MODES: Readonly<Record<string, MacvlanMode>> = {
  private: MacvlanMode.Private,
  vepa: MacvlanMode.Vepa,
  bridge: MacvlanMode.Bridge,
  passthru: MacvlanMode.Passthru,
};
const IPVLAN_MODES: Readonly<Record<string, IpvlanMode>> = { l2: IpvlanMode.L2, l3: IpvlanMode.L3, l3s: IpvlanMode.L3s };
const IPVLAN_FLAGS: Readonly<Record<string, number>> = { private: DEVICE_IPVLAN_PRIVATE, vepa: DEVICE_IPVLAN_VEPA };

/** Finds the parents of the networks, and makes those that Docker makes: VLAN sub-interfaces, and dummies where none was named. */
export function addParents(laying: Laying, namespace: number, host: string, networks: readonly ParentNetworkState[]): ParentDevices {
  return new Map(networks.map((network) => [network.name, { network, parent: parentDevice(laying, namespace, host, network) }]));
}

function parentDevice(laying: Laying, namespace: number, host: string, { parent, mtu }: ParentNetworkState): number {
  const { builder, identity, kernelDevices } = laying;
  const { device: name, kind, vlan } = parent;
  const known = kernelDevices.get(namespace)?.get(name);
  if (known !== undefined) return known;
  const displayName = `${host}:${name}`;
  const add = (settings: { readonly kind: DeviceKind; readonly mtu: number; readonly mac: number; readonly peer?: number; readonly vlan?: number }): number => {
    const device = builder.device({ namespace, displayName, ...settings });
    nameDevice(laying, device, name);
    return device;
  };
  if (kind === "dummy") return add({ kind: DeviceKind.Dummy, mtu: mtu || 1500, mac: identity.randomMac("dummy", host, name) });
  const lower = vlan && kernelDevices.get(namespace)?.get(vlan.link);
  if (!vlan || lower === undefined) throw new Error(`host ${host} has no interface ${vlan?.link ?? name} for a network to sit on`);
  const { mtu: lowerMtu, macHigh, macLow } = builder.devices[lower]!;
  return add({ kind: DeviceKind.Vlan, mtu: lowerMtu, mac: macHigh * 2 ** 32 + macLow, peer: lower, vlan: vlan.id });
}

/** The device of an endpoint of a network with a parent. */
export function addChild({ builder }: Laying, parents: ParentDevices, endpoint: EndpointState, { namespace, label, key }: EndpointPlace): number {
  const found = parents.get(endpoint.network);
  if (!found) throw new Error(`${label} is on ${endpoint.network}, which its host does not have`);
  const { network, parent } = found;
  const lower = builder.devices[parent]!;
  const shared = { namespace, displayName: `${label}:${endpoint.interfaceName}`, mtu: endpoint.mtu, peer: parent, key };
  if (network.driver === "ipvlan") {
    const mac = lower.macHigh * 2 ** 32 + lower.macLow;
    return builder.device({ ...shared, kind: DeviceKind.Ipvlan, mac, mode: IPVLAN_MODES[network.mode] ?? IpvlanMode.L2, flags: IPVLAN_FLAGS[network.flag] ?? 0 });
  }
  const mode = MACVLAN_MODES[network.mode] ?? MacvlanMode.Bridge;
  const device = builder.device({ ...shared, kind: DeviceKind.Macvlan, mac: endpoint.mac, mode });
  // The MAC of a passthru device is that of the device below it, whichever is set (Linux macvlan_sync_address).
  const { macHigh, macLow } = builder.devices[device]!;
  if (mode === MacvlanMode.Passthru) builder.devices[parent] = { ...lower, macHigh, macLow };
  return device;
}
