import { SimulationError } from "../../errors";
import type { ClusterService } from "../../model/swarm/objects";
import type { FileReference } from "../../model/swarm/service-spec";
import type { SwarmServiceSpec } from "../../model/swarm/swarm-spec";
import { atLeast, exactly, isOf29, NONE, type Call, type Command } from "../command";
import { printList } from "../list";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { ask, responseOf } from "../refusals";
import type { StackFile } from "../stack-file";
import { ListRow } from "../template/row";
import { readFilter } from "../values";
import { descriptionOf } from "./groups";
import { checkManager } from "./refused";
import { imageOfService } from "./service-flags";
import { printServices, serviceFilter, warnOfImage } from "./service";
import { printTasks, TASK_FLAGS } from "./tasks";

/** docker/cli cli/compose/convert/compose.go: LabelNamespace. */
const NAMESPACE_LABEL = "com.docker.stack.namespace";
const ORCHESTRATOR = { name: "orchestrator", kind: "text" } as const;

/** docker/cli cli/compose/types: DeprecatedProperties. */
const DEPRECATED: Readonly<Record<string, string>> = {
  container_name: "Setting the container name is not supported.",
  expose: "Exposing ports is unnecessary - services on the same network can access each other's containers on any port.",
};

/** docker/cli cli/command/stack/deploy.go. */
const UNDECIDED = "Since --detach=false was not specified, tasks will be created in the background.\nIn a future release, --detach=false will become the default.";

const DEPLOY: Command = {
  path: "stack deploy",
  usage: "[OPTIONS] STACK",
  short: descriptionOf("stack deploy"),
  count: exactly(1),
  flags: [
    { name: "compose-file", short: "c", kind: "values" },
    { name: "detach", short: "d", kind: "switch", isOf29: true },
    ORCHESTRATOR,
    { name: "prune", kind: "switch" },
    { name: "resolve-image", kind: "text" },
    { name: "with-registry-auth", kind: "switch" },
  ],
  run(call) {
    const { daemon, flags, args, output } = call;
    const [stack = ""] = args;
    if (stack.trim() === "") throw new Failure(`invalid stack name: ${JSON.stringify(stack)}`);
    const resolve = flags.text("resolve-image");
    const file = readFile(call, stack);
    if (resolve !== "" && !["always", "changed", "never"].includes(resolve)) throw new Failure(`Invalid option ${resolve} for flag --resolve-image`);
    warnOfKeys(call, file);
    if (isOf29(daemon) && !flags.has("detach")) output.warn(UNDECIDED);
    try {
      daemon.swarm.nodes();
    } catch (error) {
      throw new Failure(wordsOfOutsider(responseOf(error)));
    }
    if (flags.on("prune")) for (const service of servicesOf(call, stack)) if (!file.serviceNames.includes(service.spec.name)) removeService(call, service);
    createNetworks(call, file);
    const services = inClientsWords(() => file.services()).map((service) => withFiles(call, service));
    for (const service of daemon.swarm.inAnyOrder(services)) deployService(call, service);
  },
};

/** The client asks the daemon whether it is a manager, and has words of its own if not. */
function wordsOfOutsider(text: string): string {
  return text.includes("This node is not a swarm manager. Use")
    ? 'this node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again'
    : text;
}

function readFile({ daemon, flags, stdin, stacks }: Call, stack: string): StackFile {
  const files = flags.all("compose-file");
  if (files.length === 0) throw new Failure("Please specify a Compose file (with --compose-file)");
  const missing = files.find((name) => name !== "-");
  if (missing !== undefined) throw new Failure(`open ${missing}: no such file or directory`);
  if (!stacks) throw new SimulationError("UNSUPPORTED", "docker stack deploy: expected a reader of Compose files, as dockwire/compose has it, found none");
  return inClientsWords(() => stacks(stdin, stack, daemon.state().generation));
}

function inClientsWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    throw new Failure(error.message);
  }
}

function warnOfKeys({ output }: Call, { unsupported, deprecated }: StackFile): void {
  if (unsupported.length > 0) output.warn(`Ignoring unsupported options: ${unsupported.join(", ")}\n`);
  if (deprecated.length > 0) output.warn(`Ignoring deprecated options:\n\n${deprecated.map((key) => `${key}: ${DEPRECATED[key] ?? ""}\n`).join("\n")}`);
}

function createNetworks({ daemon, output }: Call, { networks }: StackFile): void {
  const known = () => daemon.state().networks;
  for (const { name, external } of networks) {
    const isThere = known().some((network) => network.name === name && network.scope === "swarm");
    if (external && !isThere) {
      throw new Failure(`network ${JSON.stringify(name)} is declared as external, but could not be found. You need to create a swarm-scoped network before the stack is deployed`);
    }
  }
  for (const { external, ...network } of daemon.swarm.inAnyOrder(networks)) {
    if (external || known().some(({ name }) => name === network.name)) continue;
    output.line(`Creating network ${network.name}`);
    attempt(`failed to create network ${network.name}`, () => daemon.createNetwork(network));
  }
}

/** @throws Failure with the daemon's words behind what was tried. */
function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new Failure(`${what}: ${responseOf(error)}`);
  }
}

function withFiles({ daemon, args }: Call, service: SwarmServiceSpec): SwarmServiceSpec {
  const find = (kind: "secret" | "config") => (file: FileReference): FileReference => {
    const found = daemon.swarm.files(kind).list().find(({ name }) => name === file.name);
    if (!found) throw new Failure(`service ${service.name.slice((args[0] ?? "").length + 1)}: ${kind} not found: ${file.name}`);
    return { ...file, id: found.id };
  };
  return { ...service, ...(service.secrets && { secrets: service.secrets.map(find("secret")) }), ...(service.configs && { configs: service.configs.map(find("config")) }) };
}

function deployService(call: Call, { position: _, ...asked }: SwarmServiceSpec): void {
  const { daemon, images, output, flags } = call;
  const image = imageOfService(images, asked.container.image?.name.replace(/:latest$/, "") ?? "");
  const known = daemon.swarm.services().find(({ spec }) => spec.name === asked.name);
  if (known) output.line(`Updating service ${asked.name} (id: ${known.id})`);
  else output.line(`Creating service ${asked.name}`);
  attempt(`failed to ${known ? "update" : "create"} service ${asked.name}`, () => {
    const networks = asked.networks.map((used) => ({ ...used, network: keyOf(call, used.network) }));
    const spec = { ...asked, networks, container: { ...asked.container, image } };
    if (known) daemon.swarm.updateService(known.id, (before) => ({ ...spec, ...(before.forced !== undefined && { forced: before.forced }) }));
    else daemon.swarm.createService(spec);
  });
  if (known && flags.text("resolve-image") !== "never") warnOfImage(call, image.name);
}

/** Networks of the swarm are known to managers by their IDs. */
function keyOf({ daemon }: Call, name: string): string {
  const found = daemon.findNetwork(name);
  if (found.scope === "swarm") return found.id;
  if (name === "bridge" || name === "host") return name;
  const words = `The network ${name} cannot be used with services. Only networks scoped to the swarm can be used, such as those created with the overlay driver.`;
  throw new SimulationError("INVALID_INPUT", `network ${name}: ${words}`, { daemon: words, status: 403 });
}

function servicesOf({ daemon }: Call, stack: string): ClusterService[] {
  return ask(() => daemon.swarm.services()).filter(({ spec }) => spec.labels[NAMESPACE_LABEL] === stack).sort((a, b) => compareNaturally(a.spec.name, b.spec.name));
}

function removeService({ daemon, output }: Call, { id, spec }: ClusterService): void {
  output.line(`Removing service ${spec.name}`);
  daemon.swarm.removeService(id);
}

const REMOVE: Command = {
  path: "stack rm",
  usage: "[OPTIONS] STACK [STACK...]",
  short: descriptionOf("stack rm"),
  count: atLeast(1),
  flags: [ORCHESTRATOR],
  run(call) {
    checkManager(call);
    const { daemon, args, output } = call;
    const failed: string[] = [];
    for (const stack of args) {
      const services = servicesOf(call, stack);
      const networks = daemon.state().networks.filter(({ scope, labels }) => scope === "swarm" && labels[NAMESPACE_LABEL] === stack);
      if (services.length + networks.length === 0) {
        output.warn(`Nothing found in stack: ${stack}`);
        continue;
      }
      for (const service of services) removeService(call, service);
      for (const { id, name } of networks) {
        output.line(`Removing network ${name}`);
        try {
          daemon.removeNetwork(id);
        } catch (error) {
          failed.push(`Failed to remove network ${id}: ${responseOf(error)}Failed to remove some resources from stack: ${stack}`);
        }
      }
    }
    if (failed.length > 0) throw new Failure(failed.join("\n"));
  },
};

const LIST: Command = {
  path: "stack ls",
  usage: "[OPTIONS]",
  short: descriptionOf("stack ls"),
  count: NONE,
  flags: [{ name: "format", kind: "text" }, ORCHESTRATOR],
  run({ daemon, flags, output }) {
    const counts = new Map<string, number>();
    for (const { spec } of ask(() => daemon.swarm.services())) {
      const stack = spec.labels[NAMESPACE_LABEL];
      if (stack !== undefined) counts.set(stack, (counts.get(stack) ?? 0) + 1);
    }
    // Other orchestrators went with Docker 23.
    const other = (value: string): Record<string, string> => (isOf29(daemon) ? {} : { Orchestrator: value });
    const rows = [...counts].sort(([a], [b]) => compareNaturally(a, b)).map(([name, count]) => new ListRow({ Name: name, Services: String(count), ...other("Swarm") }, {}));
    const table = isOf29(daemon) ? "{{.Name}}\t{{.Services}}" : "{{.Name}}\t{{.Services}}\t{{.Orchestrator}}";
    printList({ type: isOf29(daemon) ? "*stack.stackContext" : "*formatter.stackContext", table, raw: table, quiet: "{{.Name}}", headings: { Name: "NAME", Services: "SERVICES", ...other("ORCHESTRATOR") }, rows, isOf29: isOf29(daemon) }, flags.text("format"), false, output);
  },
};

const SERVICES: Command = {
  path: "stack services",
  usage: "[OPTIONS] STACK",
  short: descriptionOf("stack services"),
  count: exactly(1),
  flags: [{ name: "filter", kind: "list", read: readFilter }, { name: "format", kind: "text" }, ORCHESTRATOR, { name: "quiet", short: "q", kind: "switch" }],
  run(call) {
    const services = servicesOf(call, call.args[0] ?? "");
    if (services.length === 0) call.output.warn(`Nothing found in stack: ${call.args[0]}`);
    else printServices(call, services.filter(serviceFilter(call)));
  },
};

const TASKS: Command = {
  path: "stack ps",
  usage: "[OPTIONS] STACK",
  short: descriptionOf("stack ps"),
  count: exactly(1),
  flags: [...TASK_FLAGS, ORCHESTRATOR],
  run(call) {
    const services = servicesOf(call, call.args[0] ?? "");
    if (services.length === 0) throw new Failure(`nothing found in stack: ${call.args[0]}`);
    printTasks(call, services.flatMap((service) => [...call.daemon.swarm.tasksOf(service)]));
  },
};

export const STACK_VERBS: readonly Command[] = [DEPLOY, LIST, TASKS, REMOVE, SERVICES];
