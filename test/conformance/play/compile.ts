/** The tables of a scenario's state: Docker's hosts among the machines of the recordings. */
import { compileProcesses, RESOLVER_PORTS } from "../../../src/compile/processes";
import { compileRules, type FirewallNamespace } from "../../../src/compile/rules";
import { compileState, type Layout } from "../../../src/compile/state";
import { sandboxFirewall } from "../../../src/model/firewall";
import { dnsOf } from "../../../src/model/dns";
import type { DockerState } from "../../../src/model/state";
import { RECORDED_UNDERLAY } from "../../support/recorded-world";
import { ROOM, type Compile } from "./simulation";

/** A compiler that remembers where things were. */
export function scenarioCompiler(): Compile {
  let layout: Layout | undefined;
  return (state) => {
    const compiled = compileState(state, { seed: 1, underlay: RECORDED_UNDERLAY, sandboxForwarding: false, capacity: ROOM }, layout);
    layout = compiled.layout;
    const { namespaceOf, deviceOf } = layout;
    const { chains, rules, chainNames, ruleNames } = compileRules(firewalls(state, layout));
    const { names } = compiled.program;
    const program = { ...compiled.program, chains, rules, names: { ...names, chains: chainNames, rules: ruleNames } };
    const place = (name: string) => {
      const [host = "", ...container] = name.split("/");
      return namespaceOf(host, container.length === 0 ? undefined : container.join("/"));
    };
    return {
      program,
      ...compileProcesses(state, { host: (name) => namespaceOf(name), sandbox: (host, container) => namespaceOf(host, container) }, dnsOf),
      namespaceOf: place,
      deviceOf: (name, device) => {
        const namespace = place(name);
        return namespace === undefined ? undefined : deviceOf(namespace, device);
      },
    };
  };
}

/** The packet filters of hosts, and those of sandboxes with a resolver. */
function firewalls(state: DockerState, { namespaceOf, network }: Layout): FirewallNamespace[] {
  const at = (namespace: number | undefined, firewall: FirewallNamespace["firewall"]): FirewallNamespace[] =>
    namespace === undefined ? [] : [{ namespace, firewall, devices: network.kernelDevices.get(namespace) ?? new Map() }];
  return [
    ...state.hosts.flatMap(({ name, firewall }) => at(namespaceOf(name), firewall)),
    ...state.containers
      .filter(({ running, embeddedDns, network: { mode } }) => running && embeddedDns && mode === "sandbox")
      .flatMap(({ host, name }) => at(namespaceOf(host, name), sandboxFirewall(RESOLVER_PORTS))),
  ];
}
