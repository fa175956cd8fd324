/** Routes that somebody added by hand. */
import { cidrContains, parseCidr } from "../../../src/net/cidr";
import { isIpv4, parseIp } from "../../../src/net/ip";
import type { NetworkView } from "../../../src/programs/container-network";

/** A route that somebody added by hand in a container or on a machine. */
export interface AddedRoute {
  readonly place: string;
  readonly destination: string;
  /** Absent: whoever it is for is on the link. */
  readonly via?: string;
  /** The interface that it leads out of: that of `via`. */
  readonly device: string;
}

/** Routes added by hand. Those of a container end with its network namespace. */
export class AddedRoutes {
  #routes: AddedRoute[] = [];

  /**
   * `ip route add DESTINATION via GATEWAY [dev DEVICE]`.
   *
   * @returns the kernel's refusal, if it refuses.
   */
  add(place: string, words: readonly string[], network: NetworkView): string | undefined {
    const [destination = "", ...rest] = words;
    const via = rest[rest.indexOf("via") + 1];
    const named = network.ifaces.find(({ name }) => name === rest[rest.indexOf("dev") + 1]);
    if (!rest.includes("via") && named !== undefined) {
      this.#routes.push({ place, destination, device: named.name });
      return undefined;
    }
    if (!rest.includes("via") || via === undefined || !isIpv4(via)) return "ip: RTNETLINK answers: Invalid argument";
    const leads = network.ifaces.find(({ addrs }) => addrs.some((text) => isIpv4(text.split("/")[0] ?? "") && cidrContains(parseCidr(text, "address"), parseIp(via, "via"))));
    if (leads === undefined) return "ip: RTNETLINK answers: Network is unreachable";
    this.#routes.push({ place, destination, via, device: leads.name });
    return undefined;
  }

  get count(): number {
    return this.#routes.length;
  }

  at(place: string): readonly AddedRoute[] {
    return this.#routes.filter((route) => route.place === place);
  }

  all(): readonly AddedRoute[] {
    return this.#routes;
  }

  forget(isGone: (place: string) => boolean): void {
    this.#routes = this.#routes.filter(({ place }) => !isGone(place));
  }
}

/** Routes added by hand stand among the others, by destination. */
export function withAdded(network: NetworkView, routes: readonly AddedRoute[]): NetworkView {
  if (routes.length === 0) return network;
  const lines = [...network.routes, ...routes.map(({ destination, via, device }) => `${destination} ${via === undefined ? "" : `via ${via} `}dev ${device}${via === undefined ? " scope link" : ""}`)];
  const key = (line: string) => (line.startsWith("default") ? -1 : Number(parseCidr(line.split(" ")[0]!.replace(/^([0-9.]+)$/, "$1/32"), "route").network));
  return { ...network, routes: lines.sort((a, b) => key(a) - key(b)) };
}
