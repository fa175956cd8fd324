import { SimulationError } from "../../errors";
import { compareText } from "../../model/generation";
import type { ClusterService, ClusterTask } from "../../model/swarm/objects";
import type { ServicePort } from "../../model/swarm/service-spec";
import { atLeast, exactly, NONE, type Call, type Command } from "../command";
import { printInspected, type Inspected } from "../inspector";
import { printList } from "../list";
import { Failure } from "../outcome";
import { ask, forEachName, notFoundOr, responseOf } from "../refusals";
import { ListRow } from "../template/row";
import { descriptionOf } from "./groups";
import { CREATE_FLAGS, endpointModeOf, readNetwork, readPort, readService } from "./service-flags";
import { inspectService } from "./service-inspect";
import { checkManager } from "./refused";
import { others, refuseOthers } from "./other-flags";

/** docker/cli cli/command/service/progress: the client waits for the tasks and paints bars. */
function checkDetached({ command, flags }: Call): void {
  if (!flags.on("detach")) throw new SimulationError("UNSUPPORTED", `docker ${command.path}: expected --detach, as the client's progress bars are not simulated`);
}

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
    checkDetached(call);
    const service = ask(() => daemon.swarm.createService(spec));
    warnOfImage(call, spec.container.image?.name ?? "");
    output.line(service.id);
  },
};

/** No simulated host reaches a registry. */
function warnOfImage({ output }: Call, image: string): void {
  const tagged = image.includes(":") ? image : `${image}:latest`;
  output.warn(
    `image ${tagged} could not be accessed on a registry to record\nits digest. Each node will access ${tagged} independently,\npossibly leading to different nodes running different\nversions of the image.\n`,
  );
}

const UPDATE: Command = {
  path: "service update",
  usage: "[OPTIONS] SERVICE",
  short: descriptionOf("service update"),
  count: exactly(1),
  flags: [
    { name: "detach", short: "d", kind: "switch" },
    { name: "endpoint-mode", kind: "text" },
    { name: "network-add", kind: "list" },
    { name: "network-rm", kind: "list" },
    { name: "publish-add", kind: "list" },
    { name: "publish-rm", kind: "list" },
    { name: "quiet", short: "q", kind: "switch" },
    { name: "replicas", kind: "number" },
    ...others("args", "env-add", "env-rm", "force", "image", "label-add", "label-rm", "constraint-add", "constraint-rm", "rollback", "update-order", "update-parallelism", "hostname"),
  ],
  run(call) {
    const { daemon, flags, args, output } = call;
    checkManager(call);
    refuseOthers(call);
    checkDetached(call);
    const added = flags.all("publish-add").flatMap(readPort);
    const removed = flags.all("publish-rm").flatMap(readPort);
    const networks = flags.all("network-add").map((text) => readNetwork(call, text));
    const without = new Set(flags.all("network-rm").map((text) => readNetwork(call, text).network));
    const mode = endpointModeOf(flags);
    ask(() =>
      daemon.swarm.updateService(args[0] ?? "", (spec) => ({
        ...spec,
        ...(mode && { endpointMode: mode }),
        ...(flags.has("replicas") && { replicas: flags.number("replicas", 1) }),
        ports: [...spec.ports.filter((port) => !removed.some(({ target, protocol }) => port.target === target && port.protocol === protocol)), ...added],
        networks: [...spec.networks.filter(({ network }) => !without.has(network)), ...networks],
      })),
    );
    output.line(args[0] ?? "");
  },
};

const SCALE: Command = {
  path: "service scale",
  usage: "SERVICE=REPLICAS [SERVICE=REPLICAS...]",
  short: descriptionOf("service scale"),
  count: atLeast(1),
  flags: [{ name: "detach", short: "d", kind: "switch" }],
  run(call) {
    const { daemon, args, output } = call;
    for (const text of args) {
      const [name = "", count = ""] = text.split("=");
      if (!text.includes("=")) throw new Failure(`invalid scale specifier '${text}'.\nSee 'docker service scale --help'.\n\nUsage:  docker service scale ${SCALE.usage}\n\n${SCALE.short}`);
      if (!/^\d+$/.test(count)) throw new Failure(`invalid replicas value ${count}: strconv.ParseUint: parsing ${JSON.stringify(count)}: invalid syntax`);
      checkManager(call);
      checkDetached(call);
      if (ask(() => daemon.swarm.findService(name)).spec.replicas === undefined) throw new Failure(`${name}: scale can only be used with replicated or replicated-job mode`);
      ask(() => daemon.swarm.updateService(name, (spec) => ({ ...spec, replicas: Number(count) })));
      output.line(`${name} scaled to ${count}`);
    }
  },
};

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
  flags: [{ name: "format", short: "f", kind: "text" }, ...others("pretty")],
  run(call) {
    const { daemon, flags, args, output } = call;
    refuseOthers(call);
    const look = (name: string): Inspected => {
      try {
        return { answer: inspectService(daemon.swarm.findService(name)) };
      } catch (error) {
        const text = responseOf(error);
        if (!text.includes("swarm manager")) return { refusal: notFoundOr("service", name, error) };
        output.line("[]");
        throw new Failure(`Status: ${text}, Code: 1`);
      }
    };
    printInspected(args, look, flags.text("format"), output);
  },
};

const LIST: Command = {
  path: "service ls",
  usage: "[OPTIONS]",
  short: descriptionOf("service ls"),
  count: NONE,
  flags: [{ name: "format", kind: "text" }, { name: "quiet", short: "q", kind: "switch" }, ...others("filter")],
  run(call) {
    const { daemon, flags, output } = call;
    const services = ask(() => daemon.swarm.services());
    refuseOthers(call);
    const rows = [...services].sort((a, b) => compareText(a.spec.name, b.spec.name)).map((service) => {
      const live = daemon.swarm.tasksOf(service).filter(({ wanted }) => wanted === "running");
      const values = {
        ID: service.id.slice(0, 12), Name: service.spec.name, Mode: service.spec.replicas === undefined ? "global" : "replicated",
        Replicas: `${live.filter(({ isRunning }) => isRunning).length}/${service.spec.replicas ?? live.length}`,
        Image: imageOf(service.spec.container.image?.name), Ports: portsText(service.ports),
      };
      return new ListRow(values, service.spec.labels);
    });
    const table = "{{.ID}}\t{{.Name}}\t{{.Mode}}\t{{.Replicas}}\t{{.Image}}\t{{.Ports}}";
    const raw = "id: {{.ID}}\nname: {{.Name}}\nmode: {{.Mode}}\nreplicas: {{.Replicas}}\nimage: {{.Image}}\nports: {{.Ports}}\n";
    const headings = { ID: "ID", Name: "NAME", Mode: "MODE", Replicas: "REPLICAS", Image: "IMAGE", Ports: "PORTS" };
    printList({ type: "*service.serviceContext", table, raw, quiet: "{{.ID}}", headings, rows }, flags.text("format"), flags.on("quiet"), output);
  },
};

function imageOf(name = ""): string {
  return name.includes(":") ? name : `${name}:latest`;
}

/** Only ports of the routing mesh. */
function portsText(ports: readonly ServicePort[]): string {
  return ports.filter(({ mode }) => mode === "ingress").map(({ published, target, protocol }) => `*:${published}->${target}/${protocol}`).join(", ");
}

/** docker/cli cli/command/task/formatter.go: maxErrLength. */
const ERROR_LENGTH = 30;

const TASKS: Command = {
  path: "service ps",
  usage: "[OPTIONS] SERVICE [SERVICE...]",
  short: descriptionOf("service ps"),
  count: atLeast(1),
  flags: [{ name: "format", kind: "text" }, { name: "no-trunc", kind: "switch" }, { name: "quiet", short: "q", kind: "switch" }, ...others("filter", "no-resolve")],
  run(call) {
    const { daemon, flags, args, output } = call;
    checkManager(call);
    refuseOthers(call);
    const services = args.map((name) => ask(() => daemon.swarm.findService(name)));
    const isWhole = flags.on("no-trunc");
    const tasks = services.flatMap((service) => daemon.swarm.tasksOf(service).map((task, age) => ({ service, task, age, name: taskName(service, task) })));
    tasks.sort((a, b) => a.service.spec.name.localeCompare(b.service.spec.name) || a.task.slot - b.task.slot || compareText(a.name, b.name) || b.age - a.age);
    const rows = tasks.map(({ service, task, name }) => {
      const state = task.isRunning ? "Running" : task.wanted === "shutdown" ? "Shutdown" : "Pending";
      const wanted = task.wanted === "running" ? "Running" : "Shutdown";
      const values = {
        ID: isWhole ? task.id : task.id.slice(0, 12), Name: name, Image: imageOf(service.spec.container.image?.name), Node: task.node?.hostname ?? "", DesiredState: wanted,
        CurrentState: `${state} 1 second ago`, Error: errorText(task.error, isWhole), Ports: "",
      };
      return new ListRow(values, {});
    });
    const table = "{{.ID}}\t{{.Name}}\t{{.Image}}\t{{.Node}}\t{{.DesiredState}}\t{{.CurrentState}}\t{{.Error}}\t{{.Ports}}";
    const raw = "id: {{.ID}}\nname: {{.Name}}\nimage: {{.Image}}\nnode: {{.Node}}\ndesired_state: {{.DesiredState}}\ncurrent_state: {{.CurrentState}}\nerror: {{.Error}}\nports: {{.Ports}}\n";
    const headings = { ID: "ID", Name: "NAME", Image: "IMAGE", Node: "NODE", DesiredState: "DESIRED STATE", CurrentState: "CURRENT STATE", Error: "ERROR", Ports: "PORTS" };
    printList({ type: "*task.taskContext", table, raw, quiet: "{{.ID}}", headings, rows }, flags.text("format"), flags.on("quiet"), output);
  },
};

function taskName({ spec }: ClusterService, { slot, place }: ClusterTask): string {
  return `${spec.name}.${slot === 0 ? (place?.id ?? "") : slot}`;
}

function errorText(error: string, isWhole: boolean): string {
  if (error === "") return "";
  const text = isWhole || error.length <= ERROR_LENGTH ? error : `${error.slice(0, ERROR_LENGTH - 1)}…`;
  return JSON.stringify(text);
}

export const SERVICE_VERBS: readonly Command[] = [CREATE, UPDATE, SCALE, REMOVE, INSPECT, LIST, TASKS];
