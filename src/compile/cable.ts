import { DEVICE_HAIRPIN, DeviceKind } from "../../assembly/abi/program";
import type { SourcePosition } from "../errors";
import type { EndpointState } from "../model/state";
import { type EndpointPlace, type Laying, nameDevice } from "./laying";
import { linkRecord, shapes } from "./link";

/** The end of a cable outside of a sandbox: a port of a bridge. */
export interface CablePort {
  readonly bridge: number;
  readonly displayName: string;
  /** For its namespace. */
  readonly name: string;
  readonly mac: number;
  readonly flags?: number;
  /** What the cable is called in errors, and where it was described. */
  readonly field: string;
  readonly position?: SourcePosition | undefined;
}

/** A veth pair from a sandbox to a bridge; returns the device inside. */
export function addVethCable(laying: Laying, { mtu, link, mac, interfaceName }: EndpointState, { namespace, label, key }: EndpointPlace, port: CablePort): number {
  const { builder } = laying;
  const inside = builder.device({ namespace, kind: DeviceKind.Veth, displayName: `${label}:${interfaceName}`, mtu, mac, key });
  const { bridge: master, displayName, mac: portMac, flags = 0 } = port;
  const outside = builder.device({ namespace: builder.devices[master]!.namespace, kind: DeviceKind.Veth, displayName, mtu, mac: portMac, master, flags, key: `${key}/port` });
  nameDevice(laying, inside, interfaceName);
  nameDevice(laying, outside, port.name);
  builder.pair(inside, outside, shapes(link) ? linkRecord(link, port.field, port.position) : undefined);
  return inside;
}

/** The cable of an endpoint of a bridge network. */
export function addBridgeCable(laying: Laying, endpoint: EndpointState, place: EndpointPlace, { bridge, field, position }: Pick<CablePort, "bridge" | "field" | "position">): number {
  const { identity, state } = laying;
  const { host } = place;
  const { vethName } = endpoint;
  const isHairpin = state.hosts.some(({ name, flags }) => name === host && !flags.userlandProxy);
  return addVethCable(laying, endpoint, place, {
    bridge,
    displayName: `${host}:${vethName}`,
    name: vethName,
    // The kernel's choice for a new veth (Linux eth_hw_addr_random), in both generations.
    mac: identity.randomMac("veth", host, vethName),
    // A container's connection to a published port of its own network comes back out of its port (libnetwork bridge.go: setHairpinMode).
    flags: isHairpin ? DEVICE_HAIRPIN : 0,
    field,
    position,
  });
}
