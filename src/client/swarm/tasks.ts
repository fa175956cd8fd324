import type { ClusterTask } from "../../model/swarm/objects";
import { isOf29, type Call } from "../command";
import { humanDuration } from "../duration";
import type { FlagSpec } from "../flags";
import { printList } from "../list";
import { Failure } from "../outcome";
import { compareNaturally } from "../natural-order";
import { ListRow } from "../template/row";
import { filtersOf, hasLabel, readFilter } from "../values";
import { checkFilters } from "./refused";
import { capital } from "./words";

export const TASK_FLAGS: readonly FlagSpec[] = [
  { name: "filter", short: "f", kind: "list", read: readFilter },
  { name: "format", kind: "text" },
  { name: "no-resolve", kind: "switch" },
  { name: "no-trunc", kind: "switch" },
  { name: "quiet", short: "q", kind: "switch" },
];

/** docker/cli cli/command/task/formatter.go: maxErrLength. */
const ERROR_LENGTH = 30;
const SHORT_ID = 12;
const TASK_FILTERS = ["id", "name", "label", "service", "node", "desired-state", "runtime", "_up-to-date"];

/** swarmkit api/types.proto: TaskState. */
const TASK_STATES = ["new", "pending", "assigned", "accepted", "preparing", "ready", "starting", "running", "complete", "shutdown", "failed", "rejected", "remove", "orphaned"];

/** Prints tasks by name, the newest of a name first (docker/cli cli/command/task/print.go). */
export function printTasks(call: Call, tasks: readonly ClusterTask[]): void {
  const { daemon, flags, output } = call;
  const { now } = daemon.swarm;
  const isWhole = flags.on("no-trunc");
  const isTable = /^(table|$)/.test(flags.text("format"));
  const resolves = !flags.on("no-resolve");
  const nodes = daemon.swarm.nodes().nodes;
  const named = tasks.filter(taskFilter(call)).map((task) => ({ task, name: taskName(task, resolves) }));
  named.sort((a, b) => compareNaturally(a.name, b.name) || b.task.createdAt - a.task.createdAt);
  const rows = named.map(({ task, name }, index) => {
    const isIndented = isTable && index > 0 && named[index - 1]?.name === name;
    const { node, spec, wanted, state, since, error, id } = task;
    const values = {
      ID: isWhole || flags.on("quiet") ? id : id.slice(0, SHORT_ID), Name: isIndented ? ` \\_ ${name}` : name, Image: taggedImage(spec?.container.image?.name), Node: nodeName(node, nodes, resolves),
      DesiredState: capital(wanted), CurrentState: `${capital(state)} ${humanDuration(now - since).toLowerCase()} ago`, Error: errorText(error, isWhole), Ports: portsOf(task),
    };
    return new ListRow(values, {});
  });
  const table = "{{.ID}}\t{{.Name}}\t{{.Image}}\t{{.Node}}\t{{.DesiredState}}\t{{.CurrentState}}\t{{.Error}}\t{{.Ports}}";
  const raw = "id: {{.ID}}\nname: {{.Name}}\nimage: {{.Image}}\nnode: {{.Node}}\ndesired_state: {{.DesiredState}}\ncurrent_state: {{.CurrentState}}\nerror: {{.Error}}\nports: {{.Ports}}\n";
  const headings = {
    ID: "ID", Name: "NAME", Image: "IMAGE", Node: "NODE", DesiredState: "DESIRED STATE", CurrentState: "CURRENT STATE", Error: "ERROR", Ports: "PORTS",
  };
  printList({ type: "*task.taskContext", table, raw, quiet: "{{.ID}}", headings, rows, isOf29: isOf29(daemon) }, flags.text("format"), flags.on("quiet"), output);
}

function taskFilter({ daemon, flags }: Call): (task: ClusterTask) => boolean {
  const filters = filtersOf(flags.all("filter"));
  checkFilters(filters, TASK_FILTERS);
  const unknown = filters.get("desired-state")?.find((state) => state !== "" && !TASK_STATES.includes(state.toLowerCase()));
  if (unknown !== undefined) throw new Failure(`Error response from daemon: ${isOf29(daemon) ? "invalid" : "Invalid"} desired-state filter: '${unknown}'`);
  const wantedNodes = filters.get("node")?.map((reference) => idOf(() => daemon.swarm.findNode(reference).id, reference));
  const any = (name: string, matches: (wanted: string) => boolean) => filters.get(name)?.some(matches) ?? true;
  return (task) =>
    any("id", (wanted) => task.id.startsWith(wanted)) && any("name", (wanted) => taskName(task, true).startsWith(wanted)) &&
    any("desired-state", (wanted) => task.wanted === wanted.toLowerCase()) && any("label", (wanted) => hasLabel(task.spec?.container.labels ?? {}, wanted)) &&
    any("service", (wanted) => task.service?.id === wanted || task.service?.spec.name === wanted) && (wantedNodes === undefined || wantedNodes.includes(task.node?.id ?? ""));
}

function idOf(find: () => string, otherwise: string): string {
  try {
    return find();
  } catch {
    return otherwise;
  }
}

/** A node that is gone is called by its ID. */
function nodeName(node: ClusterTask["node"], nodes: readonly unknown[], resolves: boolean): string {
  if (node === undefined) return "";
  return resolves && nodes.includes(node) ? node.hostname : node.id;
}

/** By number, or by node where there is none, or 0. */
export function taskName({ service, slot, place, node }: ClusterTask, resolves: boolean): string {
  const owner = resolves ? (service?.spec.name ?? "") : (service?.id ?? "");
  return `${owner}.${slot === 0 ? (place ?? node)?.id ?? "" : slot}`;
}

/** Those that its host publishes for it, once it runs, for each family. */
function portsOf({ publishedPorts: ports, isRunning }: ClusterTask): string {
  if (!isRunning) return "";
  return ports.map(({ published, target, protocol }) => `*:${published}->${target}/${protocol}`).join(",");
}

export function taggedImage(name = ""): string {
  return name.includes(":") ? name : `${name}:latest`;
}

function errorText(error: string, isWhole: boolean): string {
  if (error === "") return "";
  const text = isWhole || error.length <= ERROR_LENGTH ? error : `${error.slice(0, ERROR_LENGTH - 1)}…`;
  return `"${text}"`;
}
