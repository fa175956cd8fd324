import { SimulationError } from "../../errors";
import type { ClusterService, ClusterTask } from "../../model/swarm/objects";
import { placementOf, type ServicePort } from "../../model/swarm/service-spec";
import { atLeast, exactly, isOf29, NONE, type Call, type Command } from "../command";
import { parseUnsigned } from "../go";
import { printList } from "../list";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { ask, forEachName, notFoundOr, refusalOf, responseOf } from "../refusals";
import { ListRow } from "../template/row";
import { filtersOf, hasLabel, readFilter } from "../values";
import { descriptionOf } from "./groups";
import { refuseOthers } from "./other-flags";
import { printObjects } from "./print-objects";
import { showProgress } from "./progress";
import { checkFilters, checkManager } from "./refused";
import { changedService, UPDATE_FLAGS } from "./service-change";
import { CREATE_FLAGS, readService } from "./service-flags";
import { inspectService, SERVICE_TYPES } from "./service-inspect";
import { prettyService } from "./service-pretty";
import { printTasks, taggedImage, TASK_FLAGS } from "./tasks";

const CREATE: Command = {
  path: "service create",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  short: descriptionOf("service create"),
  count: atLeast(1),
  flags: CREATE_FLAGS,
  stopsAtArgument: true,
  run(call) {
    const { daemon, output } = call;
    checkManager(call);
    refuseOthers(call);
    const spec = readService(call);
    const service = ask(() => daemon.swarm.createService(spec));
    warnOfImage(call, spec.container.image?.name ?? "");
    output.line(service.id);
    showProgress(call, service);
  },
};

/** No simulated host reaches a registry. */
export function warnOfImage({ output }: Pick<Call, "output">, image: string): void {
  const tagged = taggedImage(image);
  output.warn(
    `image ${tagged} could not be accessed on a registry to record\nits digest. Each node will access ${tagged} independently,\npossibly leading to different nodes running different\nversions of the image.\n`,
  );
}

/** @throws Failure in the client's words. */
function findService({ daemon }: Call, name: string): ClusterService {
  try {
    return daemon.swarm.findService(name);
  } catch (error) {
    throw new Failure(notFoundOr("service", name, error));
  }
}

const UPDATE: Command = {
  path: "service update",
  usage: "[OPTIONS] SERVICE",
  short: descriptionOf("service update"),
  count: exactly(1),
  flags: UPDATE_FLAGS,
  run(call) {
    const { command, daemon, flags, args, output } = call;
    const [name = ""] = args;
    checkManager(call);
    refuseOthers(call);
    const service = findService(call, name);
    if (flags.on("rollback")) {
      const isOther = command.flags.some((flag) => flags.has(flag.name) && !["rollback", "detach", "quiet"].includes(flag.name));
      if (isOther) throw new Failure("other flags may not be combined with --rollback");
      ask(() => daemon.swarm.rollBackService(name));
    } else {
      const changed = changedService(call, service.spec);
      ask(() => daemon.swarm.updateService(name, () => changed));
      // The client of Docker 29 decides to ask the registry, and then does not.
      if (flags.has("image") && !isOf29(daemon)) warnOfImage(call, changed.container.image?.name ?? "");
    }
    output.line(name);
    showProgress(call, service);
  },
};

const ROLLBACK: Command = {
  path: "service rollback",
  usage: "[OPTIONS] SERVICE",
  short: descriptionOf("service rollback"),
  count: exactly(1),
  flags: [{ name: "detach", short: "d", kind: "switch" }, { name: "quiet", short: "q", kind: "switch" }],
  run(call) {
    const { daemon, args, output } = call;
    const [name = ""] = args;
    checkManager(call);
    const service = findService(call, name);
    ask(() => daemon.swarm.rollBackService(name));
    output.line(name);
    showProgress(call, service);
  },
};

const SCALE: Command = {
  path: "service scale",
  usage: "SERVICE=REPLICAS [SERVICE=REPLICAS...]",
  short: descriptionOf("service scale"),
  count: atLeast(1),
  flags: [{ name: "detach", short: "d", kind: "switch" }],
  run(call) {
    const { args } = call;
    for (const text of args) {
      if (!/^[^=]+=[^=]+$/.test(text)) throw new Failure(`Invalid scale specifier '${text}'.\nSee 'docker service scale --help'.\n\nUsage:  docker service scale ${SCALE.usage}\n\n${SCALE.short}`);
    }
    const refusals: string[] = [];
    const scaled: ClusterService[] = [];
    for (const text of args) {
      const [name = "", count = ""] = text.split("=");
      try {
        scaled.push(scale(call, name, count));
      } catch (error) {
        if (!(error instanceof Error) || error instanceof SimulationError) throw error;
        refusals.push(`${name}: ${error.message}`);
      }
    }
    for (const service of scaled) showProgress(call, service);
    if (refusals.length > 0) throw new Failure(refusals.join("\n"));
  },
};

const MOST_REPLICAS = 2 ** 53;

function scale(call: Call, name: string, count: string): ClusterService {
  const { daemon, output } = call;
  const replicas = countOf(count);
  checkManager(call);
  const service = findService(call, name);
  if (service.spec.replicas === undefined) throw new Failure("scale can only be used with replicated or replicated-job mode");
  ask(() => daemon.swarm.updateService(name, (spec) => ({ ...spec, replicas })));
  output.line(`${name} scaled to ${count}`);
  return service;
}

function countOf(text: string): number {
  try {
    return parseUnsigned(text, MOST_REPLICAS);
  } catch (error) {
    throw new Failure(`invalid replicas value ${text}: ${error instanceof Error ? error.message : ""}`);
  }
}

const REMOVE: Command = {
  path: "service rm",
  usage: "SERVICE [SERVICE...]",
  short: descriptionOf("service rm"),
  count: atLeast(1),
  flags: [],
  run({ daemon, args, output }) {
    forEachName(args, (name) => output.line(name), (name) => daemon.swarm.removeService(name), (name, error) => notFoundOr("service", name, error));
  },
};

const INSPECT: Command = {
  path: "service inspect",
  usage: "[OPTIONS] SERVICE [SERVICE...]",
  short: descriptionOf("service inspect"),
  count: atLeast(1),
  flags: [{ name: "format", short: "f", kind: "text" }, { name: "pretty", kind: "switch" }],
  run({ daemon, flags, args, output }) {
    // The client of Docker 29 looks for the names of networks and does not recognise what it gets (docker/cli cli/command/service/formatter.go: resolveNetworks).
    const nameOf = (network: string) => (isOf29(daemon) ? network : daemon.findNetwork(network).name);
    const look = (name: string) => {
      const service = daemon.swarm.findService(name);
      return { answer: inspectService(service, isOf29(daemon)), pretty: prettyService(service, daemon.swarm.now, nameOf) };
    };
    const say = (name: string, error: unknown) => (refusalOf(error).status === 404 ? `Error: no such service: ${name}` : responseOf(error));
    printObjects({ names: args, look, say, format: flags.text("format"), pretty: flags.on("pretty"), types: isOf29(daemon) ? undefined : SERVICE_TYPES }, output);
  },
};

const LIST: Command = {
  path: "service ls",
  usage: "[OPTIONS]",
  short: descriptionOf("service ls"),
  count: NONE,
  flags: [{ name: "filter", short: "f", kind: "list", read: readFilter }, { name: "format", kind: "text" }, { name: "quiet", short: "q", kind: "switch" }],
  run(call) {
    const services = ask(() => call.daemon.swarm.services());
    printServices(call, services.filter(serviceFilter(call)));
  },
};

const SERVICE_FILTERS = ["id", "name", "label", "mode", "runtime"];

export function serviceFilter({ flags }: Call): (service: ClusterService) => boolean {
  const filters = filtersOf(flags.all("filter"));
  checkFilters(filters, SERVICE_FILTERS);
  const any = (name: string, matches: (wanted: string) => boolean) => filters.get(name)?.some(matches) ?? true;
  return ({ id, spec }) =>
    any("id", (wanted) => id.startsWith(wanted)) && any("name", (wanted) => spec.name.startsWith(wanted)) && any("label", (wanted) => hasLabel(spec.labels, wanted)) &&
    any("mode", (wanted) => modeText(spec).replace(" ", "-") === wanted);
}

function modeText({ replicas, job }: ClusterService["spec"]): string {
  return `${replicas === undefined ? "global" : "replicated"}${job ? " job" : ""}`;
}

/** docker/cli cli/command/service/formatter.go: ListFormatWrite. */
export function printServices({ daemon, flags, output }: Call, services: readonly ClusterService[]): void {
  const rows = [...services].sort((a, b) => compareNaturally(a.spec.name, b.spec.name)).map((service) => {
    const { id, spec, ports } = service;
    const values = {
      ID: id.slice(0, 12), Name: spec.name, Mode: modeText(spec), Replicas: replicasText(service, daemon.swarm.tasksOf(service)), Image: taggedImage(spec.container.image?.name), Ports: portsText(ports),
    };
    return new ListRow(values, spec.labels);
  });
  const table = "{{.ID}}\t{{.Name}}\t{{.Mode}}\t{{.Replicas}}\t{{.Image}}\t{{.Ports}}";
  const raw = "id: {{.ID}}\nname: {{.Name}}\nmode: {{.Mode}}\nreplicas: {{.Replicas}}\nimage: {{.Image}}\nports: {{.Ports}}\n";
  const headings = { ID: "ID", Name: "NAME", Mode: "MODE", Replicas: "REPLICAS", Image: "IMAGE", Ports: "PORTS" };
  printList({ type: "*service.serviceContext", table, raw, quiet: "{{.ID}}", headings, rows, isOf29: isOf29(daemon) }, flags.text("format"), flags.on("quiet"), output);
}

/** What runs, also where nobody can stop it, of what is wanted. */
function replicasText({ spec, iteration }: ClusterService, tasks: readonly ClusterTask[]): string {
  const running = tasks.filter(({ isRunning }) => isRunning).length;
  const { replicas, job } = spec;
  if (!job) {
    const { maxPerNode } = placementOf(spec);
    return `${running}/${replicas ?? tasks.filter(({ isLive }) => isLive).length}${maxPerNode > 0 ? ` (max ${maxPerNode} per node)` : ""}`;
  }
  const own = tasks.filter((task) => task.iteration === iteration);
  const wanted = replicas === undefined ? own.filter(({ isLive }) => isLive).length : job.maxConcurrent === 0 ? replicas : job.maxConcurrent;
  return `${running}/${wanted} (${own.filter(({ state }) => state === "complete").length}/${replicas ?? own.length} completed)`;
}

/** Only ports of the routing mesh; neighbours in a row are written as a range (docker/cli cli/command/service/formatter.go: portRange). */
function portsText(ports: readonly ServicePort[]): string {
  const sorted = ports.filter(({ mode }) => mode === "ingress").sort((a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : a.published - b.published));
  const ranges: { readonly first: ServicePort; last: ServicePort }[] = [];
  for (const port of sorted) {
    const range = ranges.at(-1);
    const overlaps = range !== undefined && range.last.target !== range.first.target && port.target <= range.last.target;
    // As unsigned numbers they are compared: one that is less is far more.
    const isNext = (after: number, before: number) => after - before === 0 || after - before === 1;
    const follows = range && !overlaps && range.last.protocol === port.protocol && isNext(port.published, range.last.published) && isNext(port.target, range.last.target);
    if (follows) range.last = port;
    else ranges.push({ first: port, last: port });
  }
  const span = (from: number, to: number) => (from === to ? String(from) : `${from}-${to}`);
  return ranges.map(({ first, last }) => `*:${span(first.published, last.published)}->${span(first.target, last.target)}/${first.protocol}`).join(", ");
}

const TASKS: Command = {
  path: "service ps",
  usage: "[OPTIONS] SERVICE [SERVICE...]",
  short: descriptionOf("service ps"),
  count: atLeast(1),
  flags: TASK_FLAGS,
  run(call) {
    const { daemon, args } = call;
    checkManager(call);
    const refusals: string[] = [];
    const services = args.flatMap((name) => {
      try {
        return [daemon.swarm.findService(name)];
      } catch (error) {
        refusals.push(refusalOf(error).status === 404 ? `no such service: ${name}` : responseOf(error));
        return [];
      }
    });
    if (services.length > 0) printTasks(call, services.flatMap((service) => [...daemon.swarm.tasksOf(service)]));
    if (refusals.length > 0) throw new Failure(refusals.join("\n"));
  },
};

const LOGS: Command = {
  path: "service logs",
  usage: "[OPTIONS] SERVICE|TASK",
  short: descriptionOf("service logs"),
  count: exactly(1),
  flags: [
    ...["details", "no-resolve", "no-task-ids", "no-trunc", "raw"].map((name) => ({ name, kind: "switch" as const })),
    { name: "follow", short: "f", kind: "switch" },
    { name: "since", kind: "text" },
    { name: "tail", short: "n", kind: "text" },
    { name: "timestamps", short: "t", kind: "switch" },
  ],
  run(call) {
    const { daemon, args } = call;
    const [name = ""] = args;
    checkManager(call);
    const known = ask(() => daemon.swarm.services()).flatMap(({ tasks }) => [...tasks]).some(({ id }) => id.startsWith(name));
    try {
      daemon.swarm.findService(name);
    } catch (error) {
      if (refusalOf(error).status !== 404) throw new Failure(responseOf(error));
      if (!known || name === "") throw new Failure(`no such task or service: ${name}`);
    }
    // Differs from Docker: programs in containers of services write nothing.
  },
};

export const SERVICE_VERBS: readonly Command[] = [CREATE, UPDATE, ROLLBACK, SCALE, REMOVE, INSPECT, LIST, TASKS, LOGS];
