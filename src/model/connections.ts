import { addressOf } from "./block";
import { type Container, type Gateways, gatewaysAmong, gatewaysOf } from "./container";
import type { Endpoint } from "./endpoint";
import type { GenerationRules } from "./generation";
import type { ConntrackFlush } from "./state";
import { type IpAddress, parseIp } from "../net/ip";

/**
 * What the bridge driver deletes of the host's tracked connections, because their NAT was decided by rules that are others now: those with
 * an end at an endpoint's address (20.10: setup_ip_tables.go clearEndpointConnections, when the endpoint gives the default route no more;
 * later: bridge_linux.go clearConntrackEntries, when it has been told whether it does), and later also those to a UDP port of the host that
 * is published. Other drivers delete nothing.
 */
export class Connections {
  readonly #rules: GenerationRules;
  readonly #flushed: ConntrackFlush[] = [];

  constructor(rules: GenerationRules) {
    this.#rules = rules;
  }

  /** Everything so far, in order. */
  get flushed(): readonly ConntrackFlush[] {
    return [...this.#flushed];
  }

  /** An endpoint has joined, and carries the ports if it is to. */
  joined(container: Container, joined: Endpoint): void {
    const before = gatewaysAmong(container.endpoints.filter((other) => other !== joined), this.#rules);
    const after = gatewaysOf(container, this.#rules);
    if (this.#rules.conntrack.clearsWhenProgrammed) {
      this.#clearMoved(container, [before.gateway4, before.gateway6], before, after);
      this.#clear(joined, container);
    } else if (before.gateway4 !== undefined && before.gateway4 !== after.gateway4) this.#clear(before.gateway4);
  }

  /** An endpoint is about to leave. */
  leaves(container: Container, endpoint: Endpoint): void {
    const gateways = gatewaysOf(container, this.#rules);
    const wasGateway = this.#rules.conntrack.clearsWhenProgrammed ? roleOf(endpoint, gateways) !== "" : gateways.gateway4 === endpoint;
    if (wasGateway) this.#clear(endpoint);
  }

  /** What others became when it had left. */
  left(container: Container, endpoint: Endpoint): void {
    const before = gatewaysAmong([...container.endpoints, endpoint], this.#rules);
    const after = gatewaysOf(container, this.#rules);
    if (this.#rules.conntrack.clearsWhenProgrammed) this.#clearMoved(container, [after.gateway4, after.gateway6], before, after);
  }

  /** All endpoints leave, one after the other; in 20.10 each of them gives the default route for a moment. */
  ends(container: Container): void {
    const gateways = gatewaysOf(container, this.#rules);
    const isCleared = this.#rules.conntrack.clearsWhenProgrammed
      ? (endpoint: Endpoint) => roleOf(endpoint, gateways) !== ""
      : ({ gateway4 }: Endpoint) => gateway4 !== undefined;
    for (const endpoint of container.endpoints) if (isCleared(endpoint)) this.#clear(endpoint);
  }

  #clearMoved(container: Container, candidates: readonly (Endpoint | undefined)[], before: Gateways, after: Gateways): void {
    const moved = new Set(candidates.filter((endpoint) => endpoint !== undefined && roleOf(endpoint, before) !== roleOf(endpoint, after)));
    for (const endpoint of moved) if (endpoint) this.#clear(endpoint, container);
  }

  /** `container`: its UDP ports, if the endpoint carries them. */
  #clear(endpoint: Endpoint, container?: Container): void {
    if (!endpoint.members.parts.bridge) return;
    for (const family of [4, 6] as const) {
      const held = family === 4 ? endpoint.v4 : endpoint.v6;
      if (held) this.#flushed.push({ address: addressOf(family, held.value) });
    }
    if (!container) return;
    for (const { protocol, hostIp, hostPort } of endpoint.ports) if (protocol === "udp") this.#flushed.push({ port: hostPort, at: hostAddress(hostIp) });
  }
}

/** For which families an endpoint gives the default route; for IPv6 also if none does, as a proxy may carry it over IPv4. */
function roleOf(endpoint: Endpoint, { gateway4, gateway6 }: Gateways): string {
  const is6 = gateway6 === endpoint || (gateway6 === undefined && gateway4 === endpoint);
  return `${gateway4 === endpoint ? "4" : ""}${is6 ? "6" : ""}`;
}

/** Undefined: the port is that of all addresses. */
function hostAddress(text: string): IpAddress | undefined {
  return text === "0.0.0.0" || text === "::" ? undefined : parseIp(text, "host");
}
