import type { Answer } from "../../model/inspect/answer";
import { inspectContainer, portKey } from "../../model/inspect/container";
import { inspectNetwork } from "../../model/inspect/network";
import { type Chance, shuffled } from "../../model/chance";
import { linesOf, type LogLine } from "../../model/log";
import { PORTS_20_10, PortSyntaxError, readPortSpan } from "../../net/port-mapping";
import { atLeast, exactly, isOf29, type Call, type Command } from "../command";
import { GoError, parseUnsigned } from "../go";
import { printInspected, readTemplate, type Inspected } from "../inspector";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { bracketed } from "../ports-text";
import { find, notFoundOr } from "../refusals";
import { inspectFile } from "../swarm/files";
import { inspectNode } from "../swarm/node-inspect";
import { inspectService } from "../swarm/service-inspect";
import { loadRoots, rootOf, type RootMaker } from "../swarm/tls-info";
import { engineVersion } from "./engine";

type ObjectKind = "container" | "network" | "service" | "node" | "secret" | "config";

/** In the order in which the client looks for what it is given the name of (docker/cli cli/command/system/inspect.go). */
const KINDS: readonly ObjectKind[] = ["container", "network", "service", "node", "secret", "config"];

const FORMAT = { name: "format", short: "f", kind: "text" } as const;
const SIZE = { name: "size", short: "s", kind: "switch" } as const;
const TYPES = new Set(["", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"]);

function inspected({ daemon }: Call, name: string, kinds: readonly ObjectKind[], word: ObjectKind | "object", roots?: RootMaker): Inspected {
  let refusal = `Error: No such ${word}: ${name}`;
  for (const kind of kinds) {
    try {
      return { answer: answerOf(daemon, kind, name, roots) };
    } catch (error) {
      const text = notFoundOr(word, name, error);
      if (text !== refusal) return { refusal: text };
      refusal = text;
    }
  }
  return { refusal };
}

/** `roots`: where nodes may be looked for. */
function answerOf(daemon: Call["daemon"], kind: ObjectKind, name: string, roots: RootMaker | undefined): Answer {
  const state = daemon.state();
  switch (kind) {
    case "container":
      return inspectContainer(state, daemon.findContainer(name));
    case "network":
      return inspectNetwork(state, daemon.findNetwork(name));
    case "service":
      return inspectService(daemon.swarm.findService(name), isOf29(daemon));
    case "node":
      return inspectNode(daemon.swarm.findNode(name), daemon.swarm.nodes().leader, { engine: engineVersion(state.generation), root: rootOf(daemon, roots!) });
    default:
      return inspectFile(kind, daemon.swarm.files(kind).get(name));
  }
}

/** Only managers are asked for what a swarm has, unless that alone is asked for. */
function kindsOf({ daemon }: Call, type: string): readonly ObjectKind[] {
  if (type !== "") return KINDS.filter((kind) => kind === type);
  const isManager = daemon.swarm.localState === "active" && daemon.state().hosts[0]?.swarm?.role === "manager";
  return KINDS.filter((kind) => kind === "container" || kind === "network" || (isManager && (kind !== "config" || isOf29(daemon))));
}

const INSPECT: Command = {
  path: "inspect",
  usage: "[OPTIONS] NAME|ID [NAME|ID...]",
  short: "Return low-level information on Docker objects",
  count: atLeast(1),
  flags: [FORMAT, SIZE, { name: "type", kind: "text" }],
  async run(call) {
    const type = call.flags.text("type");
    if (!TYPES.has(type) && !(type === "config" && isOf29(call.daemon))) throw new Failure(`${JSON.stringify(type)} is not a valid value for --type`);
    const word = KINDS.find((kind) => kind === type) ?? "object";
    const format = call.flags.text("format");
    // Daemons are not asked for what could not be printed.
    if (format !== "") readTemplate(format);
    const kinds = kindsOf(call, type);
    const roots = kinds.includes("node") ? await loadRoots() : undefined;
    printInspected(call.args, (name) => inspected(call, name, kinds, word, roots), format, call.output, isOf29(call.daemon));
  },
};

const INSPECT_CONTAINER: Command = {
  path: "container inspect",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  short: "Display detailed information on one or more containers",
  count: atLeast(1),
  flags: [FORMAT, SIZE],
  run(call) {
    printInspected(call.args, (name) => inspected(call, name, ["container"], "container"), call.flags.text("format"), call.output, isOf29(call.daemon));
  },
};

const PORT: Command = {
  path: "port",
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  short: "List port mappings or a specific mapping for the container",
  count: { least: 1, most: 2 },
  flags: [],
  run({ daemon, args, output, chance }) {
    const [name = "", asked = ""] = args;
    const { ports } = find("container", name, () => daemon.findContainer(name));
    const isCurrent = daemon.state().generation === "29";
    const key = asked === "" ? undefined : keyOf(asked);
    const keys = [...new Set(ports.map(({ containerPort, protocol }) => portKey({ port: containerPort, protocol })))].sort();
    if (key !== undefined && !keys.includes(key)) {
      throw new Failure(isCurrent ? `no public port '${asked}' published for ${name}` : `Error: No public port '${key}' published for ${name}`);
    }
    const lines = (key === undefined ? (isCurrent ? keys : visited(keys, chance)) : [key]).flatMap((shown) =>
      ports
        .filter(({ containerPort, protocol }) => portKey({ port: containerPort, protocol }) === shown)
        .map(({ hostIp, hostPort }) => `${key === undefined ? `${shown} -> ` : ""}${isCurrent ? bracketed(hostIp) : hostIp}:${hostPort || ""}`),
    );
    for (const line of isCurrent ? lines.sort(compareNaturally) : lines) output.line(line);
  },
};

/** As Go visits a map: up to eight keys lie in one bucket, and it begins at any of them (runtime/map.go: mapiterinit). */
function visited(keys: readonly string[], chance: Chance): readonly string[] {
  if (keys.length > 8) return shuffled(keys, chance);
  const first = keys.length > 1 ? chance.choose(keys.length) : 0;
  return [...keys.slice(first), ...keys.slice(0, first)];
}

/** `80` as `80/tcp`. */
function keyOf(text: string): string {
  const at = text.indexOf("/");
  const [port, protocol] = at < 0 || at === text.length - 1 ? [text, "tcp"] : [text.slice(0, at), text.slice(at + 1)];
  if (readPortSpan(port)) return `${port}/${protocol}`;
  try {
    parseUnsigned(port, 65535);
    throw new PortSyntaxError(PORTS_20_10.badContainerPort(port));
  } catch (error) {
    if (error instanceof GoError || error instanceof PortSyntaxError) throw new Failure(error.message);
    throw error;
  }
}

/** `--tail`: a number, or all. */
function lastOf(lines: readonly LogLine[], tail: string): readonly LogLine[] {
  const count = /^\d+$/.test(tail) ? Number(tail) : lines.length;
  return count === 0 ? [] : lines.slice(-count);
}

const LOGS: Command = {
  path: "logs",
  usage: "[OPTIONS] CONTAINER",
  short: "Fetch the logs of a container",
  count: exactly(1),
  flags: [
    { name: "details", kind: "switch" },
    { name: "follow", short: "f", kind: "switch" },
    { name: "since", kind: "text" },
    { name: "tail", short: "n", kind: "text" },
    { name: "timestamps", short: "t", kind: "switch" },
    { name: "until", kind: "text" },
  ],
  async run({ daemon, programs, flags, args, output }) {
    const name = args[0] ?? "";
    const container = find("container", name, () => daemon.findContainer(name));
    const outcome = await programs?.logs(container);
    const printed = daemon.logOf(container.id);
    const lines = printed.length > 0 ? printed : linesOf(outcome ?? { stdout: "", stderr: "" });
    for (const { stream, line } of lastOf(lines, flags.text("tail"))) output[stream] += `${line}\n`;
  },
};

export const LOOK_COMMANDS: readonly Command[] = [INSPECT, INSPECT_CONTAINER, PORT, LOGS];
