import { Answer } from "../../model/inspect/answer";
import { commandOf, labelsOf, portKey } from "../../model/inspect/container";
import { TASK_NAME_LABEL } from "../../model/labels";
import type { ContainerState } from "../../model/state";
import { NONE, type Call, type Command } from "../command";
import { printList } from "../list";
import { Failure } from "../outcome";
import { GoError, parseDecimal, parsePortRange } from "../go";
import { displayPorts } from "../ports-text";
import { executeTemplate } from "../template/execute";
import { parseTemplate } from "../template/parser";
import { TemplateError } from "../template/syntax";
import { ListRow } from "../template/row";
import { filtersOf, hasLabel, readFilter } from "../values";

const TYPE = "*formatter.ContainerContext";
const TABLE = "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";
const RAW =
  "container_id: {{.ID}}\nimage: {{.Image}}\ncommand: {{.Command}}\ncreated_at: {{.CreatedAt}}\nstate: {{.State}}\nstatus: {{.Status}}\n" +
  "names: {{.Names}}\nlabels: {{.Labels}}\nports: {{.Ports}}\n";
const HEADINGS = {
  ID: "CONTAINER ID",
  Names: "NAMES",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
};

export const LIST_CONTAINERS: Command = {
  path: "ps",
  usage: "[OPTIONS]",
  short: "List containers",
  count: NONE,
  flags: [
    { name: "all", short: "a", kind: "switch" },
    { name: "filter", short: "f", kind: "list", read: readFilter },
    { name: "format", kind: "text" },
    { name: "last", short: "n", kind: "number" },
    { name: "latest", short: "l", kind: "switch" },
    { name: "no-trunc", kind: "switch" },
    { name: "quiet", short: "q", kind: "switch" },
    { name: "size", short: "s", kind: "switch" },
  ],
  run(call) {
    const { flags, output } = call;
    const format = flags.text("format");
    checkTemplate(format);
    const isCurrent = call.daemon.state().generation === "29";
    const rows = chosen(call).map((container) => rowOf(container, flags.on("no-trunc"), isCurrent));
    printList({ type: TYPE, table: TABLE, raw: RAW, quiet: "{{.ID}}", headings: HEADINGS, rows, isOf29: isCurrent }, format, flags.on("quiet"), output);
  },
};

/** The client fills the template in with nothing before it asks the daemon, and has other words for what is wrong then. */
function checkTemplate(format: string): void {
  const nothing = new ListRow(Object.fromEntries(Object.keys(HEADINGS).map((name) => [name, ""])), {});
  const template = attempt("parse", () => parseTemplate(format));
  attempt("execute", () => executeTemplate(template, nothing, { missingKey: "nothing", typeOf: (of) => (of instanceof Answer ? TYPE : undefined) }));
}

function attempt<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError) throw new Failure(`failed to ${what} template: ${error.message}`);
    throw error;
  }
}

/** The newest first. */
function chosen(call: Call): ContainerState[] {
  const { daemon, flags } = call;
  const filters = filtersOf(flags.all("filter"));
  const last = flags.number("last", flags.on("latest") ? 1 : -1);
  const isWide = flags.on("all") || last > 0 || filters.has("status");
  const newest = [...daemon.state().containers].reverse();
  const tests = [...filters].map(([name, values]) => testOf(newest, name, values));
  const found = newest.filter((container) => (isWide || container.running) && tests.every((test) => test(container)));
  return last > 0 ? found.slice(0, last) : found;
}

type Test = (container: ContainerState) => boolean;

/** moby container/state.go: IsValidHealthString. */
const HEALTHS = new Set(["healthy", "none", "starting", "unhealthy"]);
const STATUSES = new Set(["created", "dead", "exited", "paused", "removing", "restarting", "running"]);

/** moby daemon/list.go. */
function testOf(newest: readonly ContainerState[], name: string, values: readonly string[]): Test {
  const refuse = (text: string): never => {
    throw new Failure(`Error response from daemon: ${text}`);
  };
  const some = (test: (container: ContainerState, value: string) => boolean): Test => (container) => values.some((value) => test(container, value));
  const positionOf = (value: string) => {
    const found = newest.findIndex(({ id, name: own }) => id.startsWith(value) || own === value.replace(/^\//, ""));
    return found >= 0 ? found : refuse(`no such container ${value}`);
  };
  switch (name) {
    case "name":
      return some((container, value) => isMatch(container.name, value));
    case "id":
      return some(({ id }, value) => id.startsWith(value));
    case "label":
      return ({ spec }) => values.every((value) => hasLabel(labelsOf(spec, spec.image), value));
    case "status": {
      const bad = values.find((value) => !STATUSES.has(value));
      return bad === undefined ? some(({ status }, value) => status === value) : refuse(`Invalid filter 'status=${bad}'`);
    }
    case "exited": {
      const codes = values.map((value) => asGo(() => parseDecimal(value), refuse));
      return ({ status, exitCode }) => status === "exited" && codes.includes(exitCode);
    }
    case "ancestor":
      return some(({ spec }, value) => [spec.image?.name, `${spec.image?.name}:latest`].includes(value));
    case "network":
      return some(({ attachments }, value) => attachments.some(({ network, networkId }) => network === value || (networkId !== "" && networkId.startsWith(value))));
    case "publish":
      checkPorts(values, "publish", refuse);
      return some(({ ports }, value) => ports.some(({ hostPort, protocol }) => inRange(value, hostPort, protocol)));
    case "expose":
      checkPorts(values, "expose", refuse);
      return some((container, value) => shownPorts(container).some(({ containerPort, protocol }) => inRange(value, containerPort, protocol)));
    case "before": {
      const at = Math.max(...values.map(positionOf));
      return (container) => newest.indexOf(container) > at;
    }
    case "since": {
      const at = Math.min(...values.map(positionOf));
      return (container) => newest.indexOf(container) < at;
    }
    case "health": {
      const bad = values.find((value) => !HEALTHS.has(value));
      return bad === undefined ? some(({ spec }, value) => (spec.healthcheck === true ? "starting" : "none") === value) : refuse(`Unrecognised filter value for health: ${bad}`);
    }
    case "volume":
      return () => false;
    case "is-task": {
      const [isTask, isNone] = [["1", "true"], ["0", "false"]].map((words) => words.some((word) => values.includes(word)));
      if (isTask === isNone) refuse(`Invalid filter 'is-task=[${values.join(" ")}]'`);
      return ({ spec }) => (spec.labels?.[TASK_NAME_LABEL] !== undefined) === isTask;
    }
    // Containers of Linux are isolated one way alone, and nobody looks.
    case "isolation":
      return () => true;
    default:
      return refuse(`Invalid filter '${name}'`);
  }
}

function isMatch(name: string, pattern: string): boolean {
  try {
    return new RegExp(pattern).test(name) || new RegExp(pattern).test(`/${name}`);
  } catch {
    return false;
  }
}

/** moby daemon/list.go: portOp. */
function checkPorts(values: readonly string[], name: string, refuse: (text: string) => never): void {
  for (const value of values) {
    const [ports = ""] = value.split("/");
    if (value.includes(":")) refuse(`filter for '${name}' should not contain ':': ${value}`);
    asGo(() => parsePortRange(ports), (text) => refuse(`error while looking up for ${name} ${value}: ${text}`));
  }
}

function asGo<T>(read: () => T, refuse: (text: string) => never): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    return refuse(error.message);
  }
}

/** `80`, `80/udp`, `80-90/tcp`. */
function inRange(text: string, port: number, protocol: string): boolean {
  const [ports = "", wanted = "tcp"] = text.split("/");
  const [from, to] = ports.split("-").map(Number);
  return protocol === wanted && port >= (from ?? Number.NaN) && port <= (to ?? from ?? Number.NaN);
}

/** Differs from Docker: there is no clock, so whatever happened has just happened. */
const JUST_NOW = "Less than a second";
const COMMAND_WIDTH = 20;

function rowOf(container: ContainerState, isWhole: boolean, isCurrent: boolean): ListRow {
  const { spec, status, exitCode } = container;
  const labels = labelsOf(spec, spec.image);
  const command = commandOf(spec).join(" ");
  const shown = isWhole || [...command].length <= COMMAND_WIDTH ? command : `${[...command].slice(0, COMMAND_WIDTH - 1).join("")}…`;
  const statuses = {
    created: "Created",
    running: `Up ${JUST_NOW}${spec.healthcheck === true ? " (health: starting)" : ""}`,
    paused: `Up ${JUST_NOW} (Paused)`,
    restarting: `Restarting (${exitCode}) ${JUST_NOW} ago`,
    exited: `Exited (${exitCode}) ${JUST_NOW} ago`,
  };
  const values = {
    Command: JSON.stringify(shown),
    CreatedAt: "2000-01-01 00:00:00 +0000 UTC",
    ID: isWhole ? container.id : container.id.slice(0, 12),
    Image: spec.image?.name ?? "",
    Labels: Object.keys(labels).sort().map((key) => `${key}=${labels[key]}`).join(","),
    LocalVolumes: "0",
    Mounts: "",
    Names: isWhole ? [container.name, ...container.linkNames].sort().join(",") : container.name,
    Networks: container.attachments.map(({ network }) => network).join(","),
    Ports: displayPorts(shownPorts(container), isCurrent),
    RunningFor: `${JUST_NOW} ago`,
    Size: "0B",
    State: status,
    Status: statuses[status],
  };
  return new ListRow(values, labels);
}

function shownPorts({ exposed, ...container }: ContainerState): Parameters<typeof displayPorts>[0] {
  const { ports, showsExposed } = container.listed ?? container;
  const published = new Set(ports.map(({ containerPort, protocol }) => portKey({ port: containerPort, protocol })));
  const open = (showsExposed ? exposed : []).filter((port) => !published.has(portKey(port))).map(({ port, protocol }) => ({ containerPort: port, protocol, hostIp: "", hostPort: 0 }));
  // What is not translated has no port on the host, and is not listed.
  return [...ports.filter(({ hostPort }) => hostPort > 0), ...open];
}
