import { RouteType } from "../../../../assembly/abi/program";
import { type AddressTable, LOOPBACK6, UNSPECIFIED } from "../memory/address-table";
import type { Address6 } from "../tables/address6";
import type { Device } from "../tables/device";
import type { Route } from "../tables/fib";
import type { Namespace } from "../tables/namespace";
import { commonPrefix, isOfLink, scopeOf } from "./scope";

/** The source that a route gives: its preferred one, the destination if that is ours, else chosen; UNSPECIFIED if there is none. */
export function sourceOfRoute6(addresses: AddressTable, namespace: Namespace, route: Route, device: Device, destination: number): number {
  if (route.source !== UNSPECIFIED) return route.source;
  return route.type === RouteType.Local ? destination : chooseSource6(addresses, namespace, device, destination);
}

/**
 * ipv6_dev_get_saddr: the address of the namespace that suits a destination best.
 *
 * Differs from Linux: no labels (RFC 6724 rule 6).
 */
export function chooseSource6(addresses: AddressTable, namespace: Namespace, device: Device, destination: number): number {
  const isNear = isOfLink(addresses, destination);
  const scope = scopeOf(addresses, destination);
  let best: Address6 | null = null;
  for (const address of isNear ? device.addresses6 : namespace.addresses6) {
    if (!address.isUsable || (address.ip === LOOPBACK6 && !device.isLoopback)) continue;
    if (best === null || isBetter(addresses, address, best, device, destination, scope)) best = address;
  }
  return best === null ? UNSPECIFIED : best.ip;
}

function isBetter(addresses: AddressTable, a: Address6, b: Address6, device: Device, destination: number, scope: number): boolean {
  if (a.ip === destination || b.ip === destination) return a.ip === destination && b.ip !== destination;
  const [ofA, ofB] = [scopeOf(addresses, a.ip), scopeOf(addresses, b.ip)];
  if (ofA !== ofB) return ofA < ofB ? ofA >= scope : ofB < scope;
  const [isOnA, isOnB] = [a.device === device, b.device === device];
  if (isOnA !== isOnB) return isOnA;
  return common(addresses, a, destination) > common(addresses, b, destination);
}

function common(addresses: AddressTable, { ip, prefix }: Address6, destination: number): number {
  return Math.min(prefix, commonPrefix(addresses, ip, destination));
}
