import { type FirewallState, sandboxFirewall } from "../../model/firewall";
import type { DockerState } from "../../model/state";
import type { Memo } from "../memo";
import type { OverlayLayer } from "../overlays";
import { RESOLVER_PORTS } from "../processes";
import { type CompiledRules, compileRules, type FirewallNamespace } from "./index";

/** Where namespaces and their devices ended up. */
export interface RulePlaces {
  /** Namespace index by host, and by `host/container`. */
  readonly places: ReadonlyMap<string, number>;
  /** Device index by the kernel's name, of each namespace. */
  readonly kernelDevices: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly memo: Memo;
}

let resolverFirewall: FirewallState | undefined;

/** The rules of all hosts, and of the sandboxes that have a DNS server of Docker's. */
export function compileStateRules(state: DockerState, { places, kernelDevices, memo }: RulePlaces, overlays: OverlayLayer | undefined): CompiledRules {
  const namespaces: FirewallNamespace[] = [];
  const add = (place: string, firewall: FirewallNamespace["firewall"]) => {
    const namespace = places.get(place);
    if (namespace !== undefined) namespaces.push({ namespace, firewall, devices: kernelDevices.get(namespace) ?? new Map() });
  };
  for (const host of state.hosts) add(host.name, host.firewall);
  const ofSwarm = overlays?.firewalls(state) ?? [];
  const others = new Set(ofSwarm.map(({ place }) => place));
  resolverFirewall ??= sandboxFirewall(RESOLVER_PORTS);
  for (const { host, name, running, embeddedDns, network } of state.containers) {
    if (running && embeddedDns && network.mode === "sandbox" && !others.has(`${host}/${name}`)) add(`${host}/${name}`, resolverFirewall);
  }
  for (const { place, firewall } of ofSwarm) add(place, firewall);
  return compileRules(namespaces, memo);
}
