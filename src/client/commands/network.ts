import { Answer, type AnswerMap, DrawnMap, sortedEntries } from "../../model/inspect/answer";
import { type Chance, shuffled } from "../../model/chance";
import { driverOf, inspectNetwork } from "../../model/inspect/network";
import type { EndpointSpec } from "../../model/spec";
import type { NetworkState } from "../../model/state";
import { atLeast, exactly, isOf29, NONE, type Call, type Command, type CommandGroup } from "../command";
import { splitPair } from "../flags";
import { printInspected, type Inspected } from "../inspector";
import { printList } from "../list";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { ask, forEachName, notFoundOr, refusalOf } from "../refusals";
import { ListRow } from "../template/row";
import { checkUntil, filtersOf, hasLabel, readFilter, readIp, readLink, splitLink } from "../values";
import { NETWORK_CREATE } from "./network-create";
import { nameOf } from "./network-option";

export const NETWORK_GROUP: CommandGroup = {
  path: "network",
  short: "Manage networks",
  commands: [
    ["connect", "Connect a container to a network"],
    ["create", "Create a network"],
    ["disconnect", "Disconnect a container from a network"],
    ["inspect", "Display detailed information on one or more networks"],
    ["ls", "List networks"],
    ["prune", "Remove all unused networks"],
    ["rm", "Remove one or more networks"],
  ],
};

const CONNECT: Command = {
  path: "network connect",
  usage: "[OPTIONS] NETWORK CONTAINER",
  short: "Connect a container to a network",
  count: exactly(2),
  flags: [
    { name: "alias", kind: "values" },
    { name: "driver-opt", kind: "values" },
    { name: "gw-priority", kind: "number", isOf29: true },
    { name: "ip", kind: "text", readOf29: readIp },
    { name: "ip6", kind: "text", readOf29: readIp },
    { name: "link", kind: "list", read: readLink },
    { name: "link-local-ip", kind: "values" },
  ],
  run(call) {
    const endpoint = endpointOf(call);
    ask(() => call.daemon.connect(call.args[1] ?? "", endpoint));
  },
};

function endpointOf({ daemon, flags, args }: Call): EndpointSpec {
  const driverOptions = flags.all("driver-opt").map((text) => {
    if (!text.includes("=")) throw new Failure("invalid key/value pair format in driver options");
    return splitPair(text);
  });
  const links = flags.all("link").map(splitLink);
  return {
    ...(isOf29(daemon) && nameOf(Object.fromEntries(driverOptions))),
    network: args[0] ?? "",
    aliases: flags.all("alias"),
    gwPriority: flags.number("gw-priority", 0),
    // The client sends these even if they are empty, and `docker inspect` shows it.
    driverOptions: Object.fromEntries(driverOptions),
    linkLocalIps: flags.all("link-local-ip"),
    ...(flags.text("ip") !== "" && { ipv4: flags.text("ip") }),
    ...(flags.text("ip6") !== "" && { ipv6: flags.text("ip6") }),
    ...(links.length > 0 && { links: links.map(([container, alias]) => ({ container, alias })) }),
  };
}

const DISCONNECT: Command = {
  path: "network disconnect",
  usage: "[OPTIONS] NETWORK CONTAINER",
  short: "Disconnect a container from a network",
  count: exactly(2),
  flags: [{ name: "force", short: "f", kind: "switch" }],
  run({ daemon, flags, args }) {
    ask(() => daemon.disconnect(args[1] ?? "", args[0] ?? "", { force: flags.on("force") }));
  },
};

const INSPECT: Command = {
  path: "network inspect",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  short: "Display detailed information on one or more networks",
  count: atLeast(1),
  flags: [
    { name: "format", short: "f", kind: "text" },
    { name: "verbose", short: "v", kind: "switch" },
  ],
  run({ daemon, flags, args, output, chance }) {
    const isListed = /range[^}]*\.Containers/.test(flags.text("format"));
    const look = (name: string): Inspected => {
      try {
        const network = daemon.findNetwork(name);
        const answer = inspectNetwork(daemon.state(), network, flags.on("verbose") ? daemon.swarm.servicesOn(network.id) : []);
        return { answer: isListed ? withDrawnOrder(answer, chance) : answer };
      } catch (error) {
        return { refusal: notFoundOr("network", name, error) };
      }
    };
    printInspected(args, look, flags.text("format"), output, isOf29(daemon));
  },
};

/** Containers are listed in the order of their IDs, which nobody knows before. */
function withDrawnOrder(answer: Answer, chance: Chance): Answer {
  const fields = answer.fields.map((field) => (field.json === "Containers" && field.value instanceof Map ? { ...field, value: new DrawnMap(shuffled(sortedEntries(field.value as AnswerMap), chance)) } : field));
  return new Answer(fields);
}

const REMOVE: Command = {
  path: "network rm",
  usage: "NETWORK [NETWORK...]",
  short: "Remove one or more networks",
  count: atLeast(1),
  flags: [],
  run({ daemon, args, stdin, output }) {
    const kept = new Set(args.filter((name) => isIngress(daemon, name) && !agrees(INGRESS_WARNING, stdin, output)));
    const gone = args.filter((name) => !kept.has(name));
    const ending = daemon.state().generation === "29" ? ["exit status 1"] : [];
    forEachName(gone, (name) => output.line(name), (name) => daemon.removeNetwork(name), (name, error) => notFoundOr("network", name, error), ending);
  },
};

/** docker/cli cli/command/network/remove.go. */
const INGRESS_WARNING =
  "WARNING! Before removing the routing-mesh network, make sure all the nodes in your swarm run the same docker engine version. " +
  "Otherwise, removal may not be effective and functionality of newly create ingress networks will be impaired.";

function isIngress(daemon: Call["daemon"], name: string): boolean {
  try {
    return daemon.findNetwork(name).ingress;
  } catch (error) {
    refusalOf(error);
    return false;
  }
}

const LIST: Command = {
  path: "network ls",
  usage: "[OPTIONS]",
  short: "List networks",
  count: NONE,
  flags: [
    { name: "filter", short: "f", kind: "list", read: readFilter },
    { name: "format", kind: "text" },
    { name: "no-trunc", kind: "switch" },
    { name: "quiet", short: "q", kind: "switch" },
  ],
  run(call) {
    const { daemon, flags, output } = call;
    const networks = filtered(call, daemon.state().networks).sort((a, b) => compareNaturally(a.name, b.name));
    const rows = networks.map((network) => rowOf(network, flags.on("no-trunc")));
    const table = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";
    const raw = "network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n";
    const headings = { ID: "NETWORK ID", Name: "NAME", Driver: "DRIVER", Scope: "SCOPE", IPv6: "IPV6", Internal: "INTERNAL", Labels: "LABELS", CreatedAt: "CREATED AT" };
    printList({ type: "*network.networkContext", table, raw, quiet: "{{.ID}}", headings, rows, isOf29: isOf29(daemon) }, flags.text("format"), flags.on("quiet"), output);
  },
};

function rowOf(network: NetworkState, isWhole: boolean): ListRow {
  const labels = Object.entries(network.labels).map(([key, value]) => `${key}=${value}`);
  const values = {
    CreatedAt: "2000-01-01 00:00:00 +0000 UTC",
    Driver: driverOf(network),
    ID: isWhole ? network.id : network.id.slice(0, 12),
    IPv6: String(network.enableIpv6),
    Internal: String(network.internal),
    Labels: labels.join(","),
    Name: network.name,
    Scope: network.scope,
  };
  return new ListRow(values, network.labels);
}

const PREDEFINED = new Set(["bridge", "host", "none"]);
const YES = new Set(["1", "true"]);
const NO = new Set(["0", "false"]);

const NONE_USED: ReadonlySet<string> = new Set();

type NetworkFilter = (network: NetworkState, value: string) => boolean;

/** moby daemon/network/filter.go. */
const FILTERS: Readonly<Record<string, NetworkFilter>> = {
  driver: (network, value) => driverOf(network) === value,
  // Texts that begin like it, as for containers.
  id: ({ id }, value) => id.startsWith(value),
  label: ({ labels }, value) => hasLabel(labels, value),
  name: ({ name }, value) => matches(name, value),
  scope: ({ scope }, value) => scope === value,
  type: ({ name }, value) => (value === "builtin") === PREDEFINED.has(name),
  // The list of 20.10 knows nothing of containers, so that every network of a user counts as one that nobody is on.
  dangling: ({ name }, value) => YES.has(value) === !PREDEFINED.has(name),
};

function matches(name: string, pattern: string): boolean {
  try {
    return name.includes(pattern) || new RegExp(pattern).test(name);
  } catch {
    return false;
  }
}

function filtered(call: Call, networks: readonly NetworkState[]): NetworkState[] {
  const filters = filtersOf(call.flags.all("filter"));
  for (const [name, values] of filters) checkFilter(name, values);
  const used = isOf29(call.daemon) ? new Set(call.daemon.state().containers.flatMap(({ endpoints }) => endpoints.map(({ networkId }) => networkId))) : NONE_USED;
  const passes = (network: NetworkState, name: string, values: readonly string[]) => {
    const test = FILTERS[name];
    // Every label has to be there; of other filters one value is enough.
    if (name === "dangling" && used.has(network.id)) return values.some((value) => NO.has(value));
    return test !== undefined && (name === "label" ? values.every((value) => test(network, value)) : values.some((value) => test(network, value)));
  };
  return networks.filter((network) => [...filters].every(([name, values]) => passes(network, name, values)));
}

function checkFilter(name: string, values: readonly string[]): void {
  const refuse = (text: string): never => {
    throw new Failure(`Error response from daemon: ${text}`);
  };
  if (!Object.hasOwn(FILTERS, name)) refuse(`Invalid filter '${name}'`);
  if (name === "dangling" && new Set(values).size > 1) refuse(`got more than one value for filter key "dangling"`);
  for (const value of values) {
    if (name === "dangling" && !YES.has(value) && !NO.has(value)) {
      refuse(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
    }
    if (name === "type" && value !== "custom" && value !== "builtin") refuse(`invalid filter: 'type'='${value}'`);
  }
}

/**
 * Removes the networks that a prune takes, and returns their names.
 *
 * @throws Failure for filters that the daemon does not know.
 */
export function pruneNetworks(daemon: Call["daemon"], filters: ReadonlyMap<string, readonly string[]>): string[] {
  for (const name of filters.keys()) {
    if (name !== "label" && name !== "label!" && name !== "until") throw new Failure(`Error response from daemon: Invalid filter '${name}'`);
  }
  checkUntil(filters);
  // Differs from Docker: there is no clock, so every network is too young for a time that was.
  if (filters.has("until")) return [];
  return ask(() => daemon.pruneNetworks({ labels: filters.get("label") ?? [], withoutLabels: filters.get("label!") ?? [] }));
}

const PRUNE: Command = {
  path: "network prune",
  usage: "[OPTIONS]",
  short: "Remove all unused networks",
  count: NONE,
  flags: [
    { name: "filter", kind: "list", read: readFilter },
    { name: "force", short: "f", kind: "switch" },
  ],
  run({ daemon, flags, stdin, output }) {
    const warning = "WARNING! This will remove all custom networks not used by at least one container.";
    if (!flags.on("force") && !agrees(warning, stdin, output)) return;
    const gone = pruneNetworks(daemon, filtersOf(flags.all("filter")));
    if (gone.length === 0) return;
    output.line("Deleted Networks:");
    for (const name of gone) output.line(name);
    output.line("");
  },
};

/** Asks before something is removed; the question stays without a line break, as the answer comes from elsewhere. */
export function agrees(warning: string, stdin: string, output: Call["output"]): boolean {
  output.stdout += `${warning}\nAre you sure you want to continue? [y/N] `;
  return (stdin.split("\n", 1)[0] ?? "").trim().toLowerCase() === "y";
}

export const NETWORK_COMMANDS: readonly Command[] = [CONNECT, NETWORK_CREATE, DISCONNECT, INSPECT, LIST, PRUNE, REMOVE];
