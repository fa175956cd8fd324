import type { ClusterNode } from "../../model/swarm/objects";
import { atLeast, exactly, isOf29, NONE, type Call, type Command } from "../command";
import { engineVersion } from "../commands/engine";
import { splitPair } from "../flags";
import { printList } from "../list";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { ask, forEachName, notFoundOr } from "../refusals";
import { ListRow } from "../template/row";
import { filtersOf, hasLabel, readFilter, readLabel } from "../values";
import { descriptionOf } from "./groups";
import { inspectNode, prettyNode, NODE_TYPES } from "./node-inspect";
import { printObjects } from "./print-objects";
import { checkFilters, checkManager } from "./refused";
import { printTasks, TASK_FLAGS } from "./tasks";
import { loadRoots, rootOf } from "./tls-info";
import { capital } from "./words";

/** docker/cli cli/command/node/list.go. */
const LIST: Command = {
  path: "node ls",
  usage: "[OPTIONS]",
  short: descriptionOf("node ls"),
  count: NONE,
  flags: [{ name: "filter", short: "f", kind: "list", read: readFilter }, { name: "format", kind: "text" }, { name: "quiet", short: "q", kind: "switch" }],
  run({ daemon, flags, output }) {
    const { nodes, own, leader } = ask(() => daemon.swarm.nodes());
    const passes = nodeFilter(flags.all("filter"));
    const sorted = nodes.filter(passes).sort((a, b) => compareNaturally(a.hostname, b.hostname));
    const rows = sorted.map((node) => {
      const manager = managerStatus(node, leader);
      return new ListRow({
        ID: node.id, Self: node === own, Hostname: node.hostname, Status: capital(node.status), Availability: capital(node.availability), ManagerStatus: manager,
        TLSStatus: "Ready", EngineVersion: engineVersion(daemon.state().generation),
      }, {});
    });
    const table = "{{.ID}} {{if .Self}}*{{else}} {{ end }}\t{{.Hostname}}\t{{.Status}}\t{{.Availability}}\t{{.ManagerStatus}}\t{{.EngineVersion}}";
    const raw = "node_id: {{.ID}}\nhostname: {{.Hostname}}\nstatus: {{.Status}}\navailability: {{.Availability}}\nmanager_status: {{.ManagerStatus}}\n";
    const headings = {
      ID: "ID", Self: "", Hostname: "HOSTNAME", Status: "STATUS", Availability: "AVAILABILITY", ManagerStatus: "MANAGER STATUS", TLSStatus: "TLS STATUS", EngineVersion: "ENGINE VERSION",
    };
    printList({ type: "*node.nodeContext", table, raw, quiet: "{{.ID}}", headings, rows, isOf29: isOf29(daemon) }, flags.text("format"), flags.on("quiet"), output);
  },
};

function managerStatus(node: ClusterNode, leader: ClusterNode | undefined): string {
  if (node.role !== "manager") return "";
  if (node === leader) return "Leader";
  return node.hasLeft || node.isCutOff ? "Unreachable" : "Reachable";
}

const NODE_FILTERS = ["id", "name", "label", "node.label", "role", "membership"];

function nodeFilter(texts: readonly string[]): (node: ClusterNode) => boolean {
  const filters = filtersOf(texts);
  checkFilters(filters, NODE_FILTERS);
  const any = (name: string, matches: (wanted: string) => boolean) => filters.get(name)?.some(matches) ?? true;
  return (node) =>
    any("id", (wanted) => node.id.startsWith(wanted)) && any("name", (wanted) => node.hostname.startsWith(wanted)) && any("role", (wanted) => node.role === wanted) &&
    any("label", (wanted) => hasLabel(node.engineLabels, wanted)) && any("node.label", (wanted) => hasLabel(node.labels, wanted));
}

/** docker/cli cli/command/node/promote.go, demote.go. */
function roleCommand(path: "node promote" | "node demote", role: "manager" | "worker", already: string, done: (name: string) => string): Command {
  return {
    path,
    usage: "NODE [NODE...]",
    short: descriptionOf(path),
    count: atLeast(1),
    flags: [],
    run(call) {
      checkManager(call);
      const { daemon, args, output } = call;
      for (const name of args) {
        const node = findNode(call, name);
        if (node.role === role) {
          output.line(`Node ${node.id} is already a ${already}.`);
          continue;
        }
        ask(() => daemon.swarm.updateNode(name, () => ({ role })));
        output.line(done(name));
      }
    },
  };
}

/** @throws Failure in the client's words. */
function findNode({ daemon }: Call, name: string): ClusterNode {
  try {
    return daemon.swarm.findNode(name);
  } catch (error) {
    throw new Failure(notFoundOr("node", name, error));
  }
}

/** docker/cli cli/command/node/update.go. */
const UPDATE: Command = {
  path: "node update",
  usage: "[OPTIONS] NODE",
  short: descriptionOf("node update"),
  count: exactly(1),
  flags: [
    { name: "availability", kind: "text" },
    { name: "label-add", kind: "list", read: readLabel },
    { name: "label-rm", kind: "list" },
    { name: "role", kind: "text" },
  ],
  run(call) {
    checkManager(call);
    const { daemon, flags, args, output } = call;
    const [name = ""] = args;
    const node = findNode(call, name);
    const labels = new Map([...Object.entries(node.labels), ...flags.all("label-add").map(splitPair)]);
    for (const key of flags.all("label-rm")) if (!labels.delete(key)) throw new Failure(`key ${key} doesn't exist in node's labels`);
    ask(() =>
      daemon.swarm.updateNode(name, () => ({
        ...(flags.has("role") && { role: flags.text("role") }),
        ...(flags.has("availability") && { availability: flags.text("availability") }),
        labels: Object.fromEntries(labels),
      })),
    );
    output.line(name);
  },
};

const REMOVE: Command = {
  path: "node rm",
  usage: "[OPTIONS] NODE [NODE...]",
  short: descriptionOf("node rm"),
  count: atLeast(1),
  flags: [{ name: "force", short: "f", kind: "switch" }],
  run(call) {
    checkManager(call);
    const { daemon, flags, args, output } = call;
    forEachName(args, (name) => output.line(name), (name) => daemon.swarm.removeNode(name, flags.on("force")), (name, error) => notFoundOr("node", name, error));
  },
};

const INSPECT: Command = {
  path: "node inspect",
  usage: "[OPTIONS] self|NODE [NODE...]",
  short: descriptionOf("node inspect"),
  count: atLeast(1),
  flags: [{ name: "format", short: "f", kind: "text" }, { name: "pretty", kind: "switch" }],
  async run({ daemon, flags, args, output }) {
    const make = await loadRoots();
    const look = (name: string) => {
      const node = daemon.swarm.findNode(name);
      const { leader } = daemon.swarm.nodes();
      const facts = { engine: engineVersion(daemon.state().generation), root: rootOf(daemon, make) };
      return { answer: inspectNode(node, leader, facts), pretty: prettyNode(node, leader, facts) };
    };
    printObjects({ names: args, look, say: (name, error) => notFoundOr("node", name, error), format: flags.text("format"), pretty: flags.on("pretty"), types: isOf29(daemon) ? undefined : NODE_TYPES }, output);
  },
};

const TASKS: Command = {
  path: "node ps",
  usage: "[OPTIONS] [NODE...]",
  short: descriptionOf("node ps"),
  count: atLeast(0),
  flags: TASK_FLAGS,
  run(call) {
    const { daemon, args } = call;
    checkManager(call);
    const names = args.length === 0 ? ["self"] : args;
    const refusals: string[] = [];
    // The client adds each node to one filter, so that the tasks of the first come again with those of the second.
    const seen: ClusterNode[] = [];
    const tasks = names.flatMap((name) => {
      try {
        const node = daemon.swarm.findNode(name);
        if (!seen.includes(node)) seen.push(node);
        return seen.flatMap((each) => daemon.swarm.tasksOn(each));
      } catch (error) {
        refusals.push(notFoundOr("node", name, error));
        return [];
      }
    });
    if (refusals.length < names.length) printTasks(call, tasks);
    if (refusals.length > 0) throw new Failure(refusals.join("\n"));
  },
};

export const NODE_VERBS: readonly Command[] = [
  LIST,
  roleCommand("node promote", "manager", "manager", (name) => `Node ${name} promoted to a manager in the swarm.`),
  roleCommand("node demote", "worker", "worker", (name) => `Manager ${name} demoted in the swarm.`),
  UPDATE,
  REMOVE,
  INSPECT,
  TASKS,
];

