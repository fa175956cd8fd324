import { RouteType } from "../../../../assembly/abi/program";
import type { RouteRecord } from "../../program";
import type { Device } from "./device";

export interface Route {
  readonly type: RouteType;
  readonly device: Device | null;
  /** 0: the destination itself is on the link. */
  readonly gateway: number;
  /** Preferred source; 0: none. */
  readonly source: number;
  readonly metric: number;
}

interface PrefixLength {
  readonly mask: number;
  readonly prefix: number;
  readonly routes: Map<number, Route>;
}

/** Blackhole, unreachable, prohibit. */
export function isRefusing({ type }: { readonly type: RouteType }): boolean {
  return type !== RouteType.Unicast && type !== RouteType.Local && type !== RouteType.Broadcast;
}

/**
 * The routes of one namespace. Key: prefix; value: the route of lowest metric, then lowest index. A lookup asks one map
 * per prefix length that occurs, the longest first. Routes are never evicted.
 */
export class Fib {
  private readonly lengths: PrefixLength[] = [];
  private readonly learned: { readonly record: RouteRecord; readonly device: Device | null }[] = [];
  private readonly bound = new Map<Device, Fib>();

  /** Adds a route; call it in the order of the routes' indices. */
  learn(record: RouteRecord, device: Device | null): void {
    this.learned.push({ record, device });
    let length = this.lengths.find(({ prefix }) => prefix === record.prefix);
    if (length === undefined) {
      const mask = record.prefix === 0 ? 0 : -1 << (32 - record.prefix);
      length = { mask, prefix: record.prefix, routes: new Map() };
      this.lengths.push(length);
      this.lengths.sort((a, b) => b.prefix - a.prefix);
    }
    const network = record.destination & length.mask;
    const known = length.routes.get(network);
    if (known !== undefined && known.metric <= record.metric) return;
    const { type, metric } = record;
    length.routes.set(network, { type, device, gateway: record.gateway | 0, source: record.source | 0, metric });
  }

  /** What a lookup with an interface goes by: the routes by that device, and those that refuse (fib_lookup_good_nhc). */
  boundTo(device: Device): Fib {
    const known = this.bound.get(device);
    if (known !== undefined) return known;
    const fib = new Fib();
    for (const { record, device: out } of this.learned) if (out === device || isRefusing(record)) fib.learn(record, out);
    this.bound.set(device, fib);
    return fib;
  }

  /** The route of the longest matching prefix, or null. */
  find(destination: number): Route | null {
    const { lengths } = this;
    for (let i = 0; i < lengths.length; i++) {
      const route = lengths[i].routes.get(destination & lengths[i].mask);
      if (route !== undefined) return route;
    }
    return null;
  }
}
