import { DEVICE_IPVLAN_PRIVATE, DEVICE_IPVLAN_VEPA, DEVICE_UP, DeviceKind, IpvlanMode, MacvlanMode } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import type { DeviceRecord } from "../../engine/program";
import { formatIpv4 } from "../../net/ip";
import { formatMac } from "../../net/mac";
import { ipv4Mask } from "../../net/cidr";
import { devicesOf, interfaceNumber, localName, type RenderedProgram } from "./device-names";

/** `ip addr`: two lines per device and one per address; for devices on top of others, and dummies, also the line that `ip -d` adds. */
export function renderAddresses(program: RenderedProgram, namespace: number): string[] {
  return devicesOf(program, namespace).flatMap((device) => [
    ...renderDevice(program, device, program.devices[device]!),
    ...program.addresses.filter((address) => address.device === device).map(({ ip, prefix }) => {
      const name = localName(program, device);
      const isLoopback = program.devices[device]!.kind === DeviceKind.Loopback;
      const broadcast = isLoopback || prefix >= 31 ? "" : ` brd ${formatIpv4((ip | ~ipv4Mask(prefix)) >>> 0)}`;
      return `    inet ${formatIpv4(ip)}/${prefix}${broadcast} scope ${isLoopback ? "host" : "global"} ${name}`;
    }),
  ]);
}

function renderDevice(program: RenderedProgram, index: number, device: DeviceRecord): string[] {
  const isLoopback = device.kind === DeviceKind.Loopback;
  const hasCarrier = device.kind !== DeviceKind.Bridge || program.devices.some(({ master }) => master === index);
  const isUp = (device.flags & DEVICE_UP) !== 0;
  const flags = [
    ...(hasCarrier ? [] : ["NO-CARRIER"]),
    addressing(device),
    ...(isUp ? ["UP"] : []),
    ...(isUp && hasCarrier ? ["LOWER_UP"] : []),
  ].join(",");
  const peer = device.peer === NONE || device.kind === DeviceKind.Physical ? "" : `@${peerName(program, device)}`;
  const master = device.master === NONE ? "" : ` master ${localName(program, device.master)}`;
  const state = isLoopback || device.kind === DeviceKind.Dummy ? "UNKNOWN" : isUp && hasCarrier ? "UP" : "DOWN";
  const mac = formatMac(device.macHigh * 2 ** 32 + device.macLow);
  return [
    `${interfaceNumber(program, index)}: ${localName(program, index)}${peer}: <${flags}> mtu ${device.mtu}${master} state ${state}`,
    `    link/${isLoopback ? "loopback" : "ether"} ${mac} brd ${isLoopback ? formatMac(0) : "ff:ff:ff:ff:ff:ff"}`,
    ...renderKind(device),
  ];
}

/** The interface below or at the other end: by name where it is in the same namespace (iproute2 print_name_and_link). */
function peerName(program: RenderedProgram, { namespace, peer, kind }: DeviceRecord): string {
  const isHere = kind !== DeviceKind.Veth && program.devices[peer]!.namespace === namespace;
  return isHere ? localName(program, peer) : `if${interfaceNumber(program, peer)}`;
}

/** What it does with frames for all (Linux dummy_setup, ipvlan_set_port_mode). */
function addressing({ kind, mode = 0 }: DeviceRecord): string {
  if (kind === DeviceKind.Loopback) return "LOOPBACK";
  if (kind === DeviceKind.Dummy) return "BROADCAST,NOARP";
  return kind === DeviceKind.Ipvlan && mode !== IpvlanMode.L2 ? "BROADCAST,MULTICAST,NOARP" : "BROADCAST,MULTICAST";
}

/** What `ip -d link` says of the kind. */
function renderKind({ kind, mode = 0, vlan = 0, flags }: DeviceRecord): string[] {
  switch (kind) {
    case DeviceKind.Macvlan:
      return [`    macvlan mode ${MacvlanMode[mode]!.toLowerCase()}`];
    case DeviceKind.Ipvlan: {
      const flag = (flags & DEVICE_IPVLAN_PRIVATE) !== 0 ? "private" : (flags & DEVICE_IPVLAN_VEPA) !== 0 ? "vepa" : "bridge";
      return [`    ipvlan  mode ${IpvlanMode[mode]!.toLowerCase()} ${flag}`];
    }
    case DeviceKind.Vlan:
      return [`    vlan protocol 802.1Q id ${vlan} <REORDER_HDR>`];
    case DeviceKind.Dummy:
      return ["    dummy"];
    default:
      return [];
  }
}
