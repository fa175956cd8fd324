import { RouteType } from "../../../../assembly/abi/program";
import type { Route6Record } from "../../program";
import type { AddressTable } from "../memory/address-table";
import type { Device } from "./device";
import type { Route } from "./fib";

interface PrefixLength {
  readonly prefix: number;
  readonly masks: readonly number[];
  readonly routes: Map<string, Route>;
}

/**
 * The IPv6 routes of one namespace. Key: prefix; value: the route of lowest metric, then lowest index. What a lookup found is
 * remembered by destination, of which there are no more than the table of addresses has.
 */
export class Fib6 {
  private readonly lengths: PrefixLength[] = [];
  private readonly found = new Map<number, Route | null>();
  private readonly learned: { readonly record: Route6Record; readonly device: Device | null }[] = [];
  private readonly bound = new Map<Device, Fib6>();
  private readonly preferred = new Map<Device, Fib6>();

  constructor(private readonly addresses: AddressTable) {}

  /** Adds a route; call it in the order of the routes' indices. */
  learn(record: Route6Record, device: Device | null): void {
    const { prefix, destination, type, metric } = record;
    this.learned.push({ record, device });
    let length = this.lengths.find((known) => known.prefix === prefix);
    if (length === undefined) {
      length = { prefix, masks: masksOf(prefix), routes: new Map() };
      this.lengths.push(length);
      this.lengths.sort((a, b) => b.prefix - a.prefix);
    }
    const key = keyOf(length.masks, destination);
    const known = length.routes.get(key);
    if (known !== undefined && known.metric <= metric) return;
    length.routes.set(key, { type, device, gateway: this.addresses.note(record.gateway), source: this.addresses.note(record.source), metric });
  }

  /** The route of the longest matching prefix, or null; there is none to an address of one's own that is not usable. */
  find(destination: number): Route | null {
    let route = this.found.get(destination);
    if (route === undefined) {
      route = this.search(destination);
      this.found.set(destination, route);
    }
    if (route?.type !== RouteType.Local) return route;
    const own = route.device?.addresses6.find(({ ip }) => ip === destination);
    return own === undefined || own.isUsable ? route : null;
  }

  /** What a lookup goes by that must leave by a device (RT6_LOOKUP_F_IFACE). */
  boundTo(device: Device): Fib6 {
    return this.bound.get(device) ?? this.keep(this.bound, device, this.learned.filter((route) => route.device === device));
  }

  /** What a lookup goes by that had rather leave by a device (rt6_score_route): its routes come before their equals. */
  preferring(device: Device): Fib6 {
    const known = this.preferred.get(device);
    if (known !== undefined) return known;
    const isBy = (route: { readonly device: Device | null }): boolean => route.device === device;
    return this.keep(this.preferred, device, [...this.learned.filter(isBy), ...this.learned.filter((route) => !isBy(route))]);
  }

  private keep(where: Map<Device, Fib6>, device: Device, routes: Fib6["learned"]): Fib6 {
    const fib = new Fib6(this.addresses);
    for (const { record, device: out } of routes) fib.learn(record, out);
    where.set(device, fib);
    return fib;
  }

  private search(destination: number): Route | null {
    const words = this.addresses.wordsOf(destination);
    for (const { masks, routes } of this.lengths) {
      const route = routes.get(keyOf(masks, words));
      if (route !== undefined) return route;
    }
    return null;
  }
}

function masksOf(prefix: number): number[] {
  return [0, 32, 64, 96].map((from) => {
    const bits = Math.min(32, Math.max(0, prefix - from));
    return bits === 0 ? 0 : -1 << (32 - bits);
  });
}

function keyOf(masks: readonly number[], words: readonly number[]): string {
  return masks.map((mask, i) => (words[i] & mask) >>> 0).join();
}
