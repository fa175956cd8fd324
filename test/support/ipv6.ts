/** IPv6 for programs built by hand. */
import { Family } from "../../assembly/abi/netfilter";
import { ADDRESS6_NODAD, RouteType } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { type AddressWords, NO_ADDRESS6 } from "../../src/engine/program";
import { parseIpv6 } from "../../src/net/ip";
import type { Endpoint, ProgramDraft } from "./program";

/** "fd00::2" as four words. */
export function ip6(text: string): AddressWords {
  const value = parseIpv6(text, "address");
  const word = (index: bigint) => Number((value >> (96n - 32n * index)) & 0xffffffffn);
  return [word(0n), word(1n), word(2n), word(3n)];
}

function masked(address: AddressWords, prefix: number): AddressWords {
  const word = (index: number) => {
    const bits = Math.min(32, Math.max(0, prefix - 32 * index));
    return bits === 0 ? 0 : ((address[index]! & (-1 << (32 - bits))) >>> 0);
  };
  return [word(0), word(1), word(2), word(3)];
}

/** fe80::/64 with the EUI-64 of a MAC (RFC 4291, appendix A). */
export function linkLocal(macHigh: number, macLow: number): AddressWords {
  const first = ((macHigh ^ 0x0200) << 16) >>> 0;
  return [0xfe800000, 0, (first | ((macLow >>> 16) & 0xff00) | 0xff) >>> 0, (0xfe000000 | (macLow & 0xffffff)) >>> 0];
}

export interface Address6Options {
  readonly dad?: boolean;
}

/** An address with the routes that the kernel makes for it. */
export function address6(draft: ProgramDraft, device: number, ip: AddressWords, prefix: number, { dad = false }: Address6Options = {}): void {
  const { namespace } = draft.devices[device]!;
  draft.addresses6.push({ device, ip, prefix, flags: dad ? 0 : ADDRESS6_NODAD });
  route6(draft, namespace, ip, 128, { type: RouteType.Local, device });
  if (prefix < 128) route6(draft, namespace, masked(ip, prefix), prefix, { device });
}

export interface Route6Options {
  readonly type?: RouteType;
  readonly device?: number;
  readonly gateway?: AddressWords;
  readonly metric?: number;
}

export function route6(draft: ProgramDraft, namespace: number, destination: AddressWords, prefix: number, options: Route6Options = {}): void {
  const { type = RouteType.Unicast, device = NONE, gateway = NO_ADDRESS6, metric = 256 } = options;
  draft.routes6.push({ namespace, destination, prefix, type, device, gateway, source: NO_ADDRESS6, metric });
}

/** ::1 on a namespace's loopback device. */
export function loopback6(draft: ProgramDraft, namespace: number): void {
  const lo = draft.devices.findIndex((device) => device.namespace === namespace);
  address6(draft, lo, ip6("::1"), 128);
}

/** A link-local address, and one more if given. */
export function device6(draft: ProgramDraft, device: number, address?: string, options?: Address6Options): void {
  const { macHigh, macLow } = draft.devices[device]!;
  address6(draft, device, linkLocal(macHigh, macLow), 64, options);
  if (address !== undefined) address6(draft, device, ip6(address), 64, options);
}

/** Gives a bridge and containers behind it addresses of a prefix: the bridge `prefix::1`, the others from `::2` on, and default routes. */
export function network6(draft: ProgramDraft, bridge: number, containers: readonly Endpoint[], prefix: string, options?: Address6Options): AddressWords[] {
  device6(draft, bridge, `${prefix}::1`, options);
  return containers.map(({ device, namespace }, index) => {
    const address = `${prefix}::${(index + 2).toString(16)}`;
    loopback6(draft, namespace);
    device6(draft, device, address, options);
    route6(draft, namespace, NO_ADDRESS6, 0, { device, gateway: ip6(`${prefix}::1`), metric: 1024 });
    return ip6(address);
  });
}

/** Makes a flow of the draft one of IPv6, with the sockets at both its ends. */
export function overIpv6(draft: ProgramDraft, flow: number, destination6: AddressWords): number {
  const record = draft.flows[flow]!;
  draft.flows[flow] = { ...record, family: Family.Ipv6, destination6 };
  draft.sockets.forEach((socket, index) => {
    const isServer = socket.flow === NONE && socket.port === record.destinationPort && socket.protocol === record.protocol;
    if (socket.flow === flow || isServer) draft.sockets[index] = { ...socket, family: Family.Ipv6 };
  });
  return flow;
}
