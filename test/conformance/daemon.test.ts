/** Recordings of a real Docker Engine 20.10, replayed command by command; the folder is not part of the repository. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { renderRoutes } from "../../src/compile/render/ip-route";
import { layOut } from "../../src/compile/topology";
import { Daemon } from "../../src/model/daemon";
import { rulesOf } from "../../src/model/generations";
import { Resolver } from "../../src/model/resolver";
import { isBridge, type DockerState } from "../../src/model/state";

import { emptyWorld, type HostWorld } from "../../src/model/world";
import { SimulationError } from "../../src/errors";
import { formatIpv4, isIpv4 } from "../../src/net/ip";
import { formatMac } from "../../src/net/mac";
import { DockerCommands } from "../support/docker-command";

const RECORDINGS = fileURLToPath(new URL("../../../shared/oracle/", import.meta.url));
const isThere = existsSync(RECORDINGS);
if (!isThere) console.warn(`conformance: skipped, there are no recordings of Docker at ${RECORDINGS}`);

/** What the model covers whole. */
const SCENARIOS = [
  "bridge-address-reuse", "bridge-connect-disconnect", "bridge-custom-ipam", "bridge-default-basic", "bridge-default-link", "bridge-dns-round-robin",
  "bridge-internal", "bridge-isolation", "bridge-links-user-network", "bridge-mtu", "bridge-multi-network", "bridge-options",
  "bridge-pool-order", "bridge-rm-in-use", "bridge-static-ip", "bridge-static-mac", "bridge-user-dns", "cli-network-errors", "cli-run-errors",
  "container-network", "host-network", "none-network", "ports-basic", "ports-conflict", "ports-lifecycle", "ports-variants",
];

const WORLD: HostWorld = {
  ...emptyWorld("host1"),
  uplinks: [{ name: "eth0", mac: "02:00:00:00:02:0b", mtu: 1500, addresses: ["192.0.2.11/24"] }],
  resolvConf: { nameservers: ["198.51.100.53"], search: [], options: [] },
};

interface Step {
  readonly op: string;
  readonly host?: string;
  readonly argv?: readonly string[];
  readonly exit?: number;
  readonly stderr?: string;
  readonly label?: string;
  readonly hosts?: { readonly h1: { readonly networks: readonly InspectedNetwork[]; readonly routes: readonly string[] } };
  readonly containers?: Readonly<Record<string, InspectedContainer>>;
  readonly rows?: readonly Row[];
}

interface InspectedNetwork {
  readonly Name: string;
  readonly Driver: string;
  readonly Internal: boolean;
  readonly IPAM: { readonly Config: readonly { readonly Subnet: string; readonly Gateway?: string }[] };
  readonly Containers: Readonly<Record<string, { readonly Name: string; readonly MacAddress: string; readonly IPv4Address: string }>>;
}

interface InspectedContainer {
  readonly host: string;
  readonly status: string;
  readonly HostConfig: { readonly NetworkMode: string };
  readonly NetworkSettings: {
    readonly Ports: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
    readonly Networks: Readonly<Record<string, { readonly Gateway: string; readonly IPAddress: string; readonly IPPrefixLen: number; readonly MacAddress: string }>>;
  };
  readonly net?: { readonly ifaces: readonly { readonly name: string; readonly mtu: number; readonly mac: string; readonly addrs: readonly string[] }[]; readonly routes: readonly string[] };
}

interface Row {
  readonly from: string;
  readonly to: string;
  readonly result: string;
  readonly addr?: string;
}

describe.skipIf(!isThere)("what Docker Engine 20.10 did", () => {
  it.each(SCENARIOS)("%s", (scenario) => {
    const { steps } = JSON.parse(readFileSync(join(RECORDINGS, `${scenario}.json`), "utf8")) as { steps: readonly Step[] };
    const daemon = new Daemon({ host: { name: "h1", cpus: 1, backlog: 1000 }, rules: rulesOf("20.10"), seed: 0, world: WORLD });
    const commands = new DockerCommands(daemon);
    const state = () => daemon.state();
    for (const [index, step] of steps.entries()) {
      // Not covered: what follows depends on it.
      if (step.argv?.[1] === "rename" || step.op === "restart-daemon") break;
      const where = `step ${index}: ${step.argv?.join(" ") ?? `${step.op} ${step.label}`}`;
      if (step.op === "docker" && step.host === "h1") compareCommand(commands, step, state(), where);
      if (step.op === "observe") compareState(step, state(), where);
      for (const row of step.rows ?? []) compareName(row, state(), where);
    }
  });
});

function compareCommand(commands: DockerCommands, { argv = [], exit, stderr = "" }: Step, before: DockerState, where: string): void {
  // Refused by the client that reads the flags, or by the OCI runtime that starts the process.
  const isElsewhere = /See 'docker (run|create) --help'|requires (exactly|at least)|OCI runtime/.test(stderr) && !/Conflict\. |conflicting options|nvalid container name/.test(stderr);
  if (isElsewhere) return;
  const outcome = commands.run(argv);
  if (outcome === "ignored") return;
  if (outcome === "done") {
    // A process of the host has the port, or no device the address: the daemon of the model knows neither.
    if (/bind: (address already in use|cannot assign requested address)/.test(stderr)) {
      commands.run(["docker", "stop", argv[argv.indexOf("--name") + 1] ?? ""]);
      return;
    }
    expect({ exit, stderr }, where).toMatchObject({ exit: 0 });
    return;
  }
  const error = outcome.refused;
  if (!(error instanceof SimulationError)) throw error;
  expect(exit, `${where}: ${error.message}`).not.toBe(0);
  expect(`${where}\n${withPlaceholders(String(error.details.daemon ?? error.message), before)}`).toBe(`${where}\n${daemonText(stderr)}`);
}

/** The daemon's sentence, without what the client puts around it. */
function daemonText(stderr: string): string {
  const text = stderr.replace(/\nSee 'docker .*$/s, "").replace(/\nError: failed to start .*$/s, "").replace(/^docker: /, "").replace(/^Error response from daemon: /, "");
  return text.replace(/^Error: No such network: (.*)$/, "network $1 not found").replace(/\.$/, "").replace(/<(id|ep|net|ctr)[^>]*>/g, "<id>");
}

function withPlaceholders(text: string, { networks, containers }: DockerState): string {
  const ids = [...networks, ...containers].map(({ id }) => id);
  return ids.reduce((result, id) => result.replaceAll(id, "<id>"), text).replace(/\b[0-9a-f]{64}\b/g, "<id>").replace(/br-[0-9a-f]{12}/g, "br-<id>").replace(/\.$/, "");
}

function compareState({ hosts, containers = {} }: Step, state: DockerState, where: string): void {
  const inspected = hosts?.h1.networks ?? [];
  expect(state.networks.filter(({ name }) => name !== "host" && name !== "none").map(({ name }) => name).sort(), where).toEqual(inspected.map(({ Name }) => Name).sort());
  const resolver = new Resolver(state);
  for (const network of inspected) compareNetwork(network, state, where);
  const { builder } = layOut(state, { seed: 0 });
  const program = { ...builder, names: { hosts: builder.hostNames, namespaces: builder.namespaceNames, devices: builder.deviceNames, flows: [], chains: [], rules: [] } };
  const rendered = (name: string) => renderRoutes(program, builder.namespaceNames.indexOf(name));
  const bridges = (hosts?.h1.routes ?? []).filter((route) => / dev (br-|docker0)/.test(route));
  // The kernel reports a new bridge down until its first port is up; which ports are up right after a change is timing.
  const settled = (routes: readonly string[]) => routes.map((route) => route.replace(/ linkdown$/, "").replace(/br-<net:h1\/([^>]*)>/, "br-$1").replace(/ $/, ""));
  expect(settled(rendered("h1").filter((route) => / dev (br-|docker0)/.test(route))).sort(), where).toEqual(settled(bridges).sort());
  for (const [name, container] of Object.entries(containers)) {
    if (container.status !== "running" || container.host !== "h1") continue;
    compareEndpoints(name, container, state, where);
    const owner = resolver.sandboxOwner(name);
    if (!container.net || !owner) continue;
    expect(rendered(owner.name), `${where}: routes of ${name}`).toEqual(container.net.routes);
    const interfaces = owner.endpoints.map(({ interfaceName, mtu, mac, ip, prefixLength }) => ({
      name: interfaceName,
      mtu,
      mac: formatMac(mac),
      addrs: [`${formatIpv4(ip)}/${prefixLength}`],
    }));
    const found = container.net.ifaces.map((entry) => ({ name: entry.name, mtu: entry.mtu, mac: entry.mac, addrs: entry.addrs.filter((address) => !address.includes(":")) }));
    expect(interfaces.sort(byName), `${where}: interfaces of ${name}`).toEqual(found.sort(byName));
  }
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : 1;
}

function compareNetwork(inspected: InspectedNetwork, state: DockerState, where: string): void {
  const network = state.networks.filter(isBridge).find(({ name }) => name === inspected.Name)!;
  const [config] = inspected.IPAM.Config;
  expect(network.subnet.prefixLength, `${where}: ${inspected.Name}`).toBe(Number(config?.Subnet.split("/")[1]));
  if (config?.Gateway !== undefined) expect(formatIpv4(network.gateway), `${where}: ${inspected.Name}`).toBe(config.Gateway);
  expect(network.internal, where).toBe(inspected.Internal);
  const members = state.containers.flatMap((container) =>
    container.endpoints
      .filter((endpoint) => endpoint.network === network.name)
      .map(({ ip, prefixLength, mac }) => `${container.name} ${formatIpv4(ip)}/${prefixLength} ${formatMac(mac)}`),
  );
  const found = Object.values(inspected.Containers).map(({ Name, IPv4Address, MacAddress }) => `${Name} ${IPv4Address} ${MacAddress}`);
  expect(members.sort(), `${where}: members of ${inspected.Name}`).toEqual(found.sort());
}

function compareEndpoints(name: string, { NetworkSettings, HostConfig }: InspectedContainer, state: DockerState, where: string): void {
  if (/^(host|none|container:)/.test(HostConfig.NetworkMode)) return;
  const container = state.containers.find((candidate) => candidate.name === name)!;
  for (const { network, ip, prefixLength, mac } of container.endpoints) {
    const { defaultGateway } = state.networks.filter(isBridge).find((candidate) => candidate.name === network)!;
    const found = NetworkSettings.Networks[network];
    expect(
      { IPAddress: formatIpv4(ip), IPPrefixLen: prefixLength, MacAddress: formatMac(mac), Gateway: formatIpv4(defaultGateway ?? 0) },
      `${where}: ${name} on ${network}`,
    ).toEqual({ IPAddress: found?.IPAddress, IPPrefixLen: found?.IPPrefixLen, MacAddress: found?.MacAddress, Gateway: found?.Gateway });
  }
  const ports = container.ports.map(({ hostIp, hostPort, containerPort, protocol }) => `${hostIp}:${hostPort} ${containerPort}/${protocol}`);
  const bound = Object.entries(NetworkSettings.Ports).flatMap(([port, bindings]) =>
    (bindings ?? []).filter(({ HostIp }) => !HostIp.includes(":")).map(({ HostIp, HostPort }) => `${HostIp}:${HostPort} ${port}`),
  );
  expect(ports.filter((port) => isIpv4(port.split(":")[0] ?? "")).sort(), `${where}: ports of ${name}`).toEqual(bound.sort());
}

/** Names that Docker knows; others are a matter of the servers on the internet. */
function compareName({ from, to, addr, result }: Row, state: DockerState, where: string): void {
  const resolver = new Resolver(state);
  if (isIpv4(to) || !resolver.sandboxOwner(from) || /\.test$/.test(to) || (addr === undefined && result !== "unresolvable")) return;
  if (addr !== undefined && !isIpv4(addr)) return;
  const resolution = resolver.resolve(from, to);
  const addresses = "addresses" in resolution ? resolution.addresses.map(formatIpv4) : [];
  if (addr === undefined) expect(addresses, `${where}: ${from} resolves ${to}`).toEqual([]);
  else expect(addresses, `${where}: ${from} resolves ${to}`).toContain(addr);
}
