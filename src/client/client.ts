import { SimulationError } from "../errors";
import type { DaemonOperations } from "../model/operations";
import type { ImageSpec } from "../model/spec";
import { type Chance, NO_CHANCE } from "../model/chance";
import { checkCount, commandHelp, groupOf29, groupUsage, type Call, type Command, type CommandGroup } from "./command";
import { clientVersion, ENGINE_COMMANDS } from "./commands/engine";
import { EXEC } from "./commands/exec";
import { LIFECYCLE_COMMANDS } from "./commands/lifecycle";
import { LIST_CONTAINERS } from "./commands/list-containers";
import { LOOK_COMMANDS } from "./commands/look";
import { NETWORK_COMMANDS, NETWORK_GROUP } from "./commands/network";
import { CREATE, RUN } from "./commands/run";
import { SYSTEM_COMMANDS, SYSTEM_GROUP } from "./commands/system";
import { TOP } from "./commands/top";
import { UPDATE } from "./commands/update";
import { SWARM_COMMANDS, SWARM_GROUPS } from "./swarm";
import { CONTAINER_GROUP } from "./commands/container-group";
import { FlagValues, parseFlags, type ParsedFlags } from "./flags";
import { GoError } from "./go";
import { Failure, Output, type CommandOutcome } from "./outcome";
import type { Programs } from "./programs";
import type { StackReader } from "./stack-file";
import { splitWords } from "./words";
import { flagRefusalOf29, inWordsOf29 } from "./words-29";

export interface DockerClientOptions {
  /** The images that the host has; `"any"`: whatever is asked for, and nothing is known of it. */
  readonly images: readonly ImageSpec[] | "any";
  /** What processes in containers do; without it they run on, and `docker exec` is refused. */
  readonly programs?: Programs;
  /** Reads Compose files for `docker stack deploy`. */
  readonly stacks?: StackReader;
  /** In what order the client prints what it has no order for. */
  readonly chance?: Chance;
}

const COMMANDS: readonly Command[] = [RUN, CREATE, EXEC, TOP, UPDATE, LIST_CONTAINERS, ...LIFECYCLE_COMMANDS, ...LOOK_COMMANDS, ...ENGINE_COMMANDS, ...NETWORK_COMMANDS, ...SYSTEM_COMMANDS, ...SWARM_COMMANDS];
const GROUPS: readonly CommandGroup[] = [NETWORK_GROUP, CONTAINER_GROUP, SYSTEM_GROUP, ...SWARM_GROUPS];
const ALIASES: Readonly<Record<string, string>> = {
  "stack up": "stack deploy",
  "stack list": "stack ls",
  "stack remove": "stack rm",
  "stack down": "stack rm",
  "system info": "info",
  "network list": "network ls",
  "network remove": "network rm",
  "container ls": "ps",
  "container list": "ps",
  "container ps": "ps",
};
/** Commands that Docker has and that say nothing about networks. */
const OTHER_COMMANDS = new Set(
  (
    "attach build builder buildx commit completion compose context cp diff events export history image images import load login logout manifest plugin " +
    "pull push rmi save search stats tag trust volume"
  ).split(" "),
);

/**
 * The `docker` command of the engine's generation on one host, with its words and exit codes: 20.10.24, or 29.7.2 as far as its words are known to be others.
 *
 * @example
 * const client = new DockerClient(daemon, { images });
 * const { stdout } = await client.run("docker network create back");
 */
export class DockerClient {
  readonly #daemon: DaemonOperations;
  readonly #options: DockerClientOptions;

  constructor(daemon: DaemonOperations, options: DockerClientOptions) {
    this.#daemon = daemon;
    this.#options = options;
  }

  /**
   * Runs one command line: words, or a text that is split as a shell does. The first word may be `docker`.
   *
   * @throws SimulationError `UNSUPPORTED` for what Docker can do and the simulator cannot. What Docker refuses is an outcome.
   */
  async run(line: string | readonly string[], stdin = ""): Promise<CommandOutcome> {
    const words = typeof line === "string" ? splitWords(line) : line;
    const output = new Output();
    try {
      await this.#dispatch(words[0] === "docker" ? words.slice(1) : words, stdin, output);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (error.message !== "") output.warn(error.message);
      return { exit: error.exit, stdout: output.stdout, stderr: this.#worded(output.stderr) };
    }
    return { exit: 0, stdout: output.stdout, stderr: this.#worded(output.stderr) };
  }

  #worded(stderr: string): string {
    return stderr === "" || !this.#isCurrent() ? stderr : inWordsOf29(stderr);
  }

  /** The client is of the engine's generation. */
  #isCurrent(): boolean {
    return this.#daemon.state().generation === "29";
  }

  async #dispatch(words: readonly string[], stdin: string, output: Output): Promise<void> {
    const rest = withoutGlobalFlags(words);
    const [first = "", second = ""] = rest;
    if (first === "-v" || first === "--version") return output.line(clientVersion(this.#daemon.state().generation));
    const group = GROUPS.find(({ path }) => path === first);
    const found = group ? commandIn(group, second) : COMMANDS.find(({ path }) => path === first);
    if (found) return this.#execute(found, rest.slice(group ? 2 : 1), stdin, output);
    if (group) return refuseInGroup(this.#isCurrent() ? groupOf29(group) : group, rest.slice(1), output, this.#isCurrent());
    if (OTHER_COMMANDS.has(first)) throw unsupported(first);
    if (first === "" || first === "help" || first === "--help") return output.line(overview());
    throw new Failure(`docker: '${first}' is not a docker command.\nSee 'docker --help'`);
  }

  async #execute(command: Command, words: readonly string[], stdin: string, output: Output): Promise<void> {
    const { flags, args } = readWords(command, words, this.#isCurrent());
    if (flags.has("help")) {
      output.stdout += commandHelp(command);
      return;
    }
    checkCount(command, args);
    const call: Call = { command, daemon: this.#daemon, images: this.#options.images, programs: this.#options.programs, stacks: this.#options.stacks, chance: this.#options.chance ?? NO_CHANCE, flags, args, stdin, output };
    await command.run(call);
  }
}

const HELP = { name: "help", kind: "switch" } as const;

function readWords(command: Command, words: readonly string[], isCurrent: boolean): ParsedFlags {
  if (command.takesAnyFlag === true) return { flags: new FlagValues(), args: words.filter((word) => !word.startsWith("-")) };
  try {
    return parseFlags(words, [...command.flags.filter(({ isOf29 }) => isCurrent || isOf29 !== true), HELP], command.stopsAtArgument !== true, isCurrent);
  } catch (error) {
    const { path, usage } = command;
    if (error instanceof GoError) throw new Failure(isCurrent ? flagRefusalOf29(error.message, path, usage) : `${error.message}\nSee 'docker ${path} --help'.`, 125);
    throw error;
  }
}

/** A command of a group; those of `container` are also commands of their own. */
function commandIn({ path, commands }: CommandGroup, name: string): Command | undefined {
  const full = `${path} ${name}`;
  const alias = ALIASES[full] ?? full;
  const found = COMMANDS.find((command) => command.path === alias);
  if (found) return found.path === alias && alias !== full && path === "container" ? { ...found, path: "container ls" } : found;
  const plain = path === "container" ? COMMANDS.find((command) => command.path === name) : undefined;
  if (plain && commands.some(([known]) => known === name)) return { ...plain, path: full };
  return undefined;
}

function refuseInGroup(group: CommandGroup, words: readonly string[], output: Output, isCurrent: boolean): void {
  const usage = groupUsage(group);
  const [name] = words;
  const flag = words.find((word) => word.startsWith("-"));
  if (name !== undefined && group.commands.some(([known]) => known === name)) throw unsupported(`${group.path} ${name}`);
  if (flag === "--help") {
    output.stdout += usage;
    return;
  }
  if (flag !== undefined) throw new Failure(isCurrent ? flagRefusalOf29(`unknown flag: ${flag}`, group.path, "") : `unknown flag: ${flag}\nSee 'docker ${group.path} --help'.\n${usage}`, 125);
  if (isCurrent && name !== undefined) throw new Failure(`docker: unknown command: docker ${group.path} ${name}\n\nUsage:  docker ${group.path}\n\nRun 'docker ${group.path} --help' for more information`);
  output.stderr += usage;
  if (name !== undefined) throw new Failure("");
}

/** What `docker` alone prints. Differs from Docker: only what is simulated is named. */
function overview(): string {
  const line = (name: string, short: string) => `  ${name.padEnd(11)} ${short}`;
  const groups = GROUPS.map(({ path, short }) => line(path, short));
  const commands = COMMANDS.filter(({ path }) => !path.includes(" ")).map(({ path, short }) => line(path, short));
  return ["", "Usage:  docker [OPTIONS] COMMAND", "", "A self-sufficient runtime for containers", "", "Management Commands:", ...groups.sort(), "", "Commands:", ...commands.sort()].join("\n");
}

function unsupported(command: string): SimulationError {
  return new SimulationError("UNSUPPORTED", `docker ${command}: this command is not simulated`);
}

/** Flags before the command: which daemon is meant is known already. */
const GLOBAL_VALUES = new Set(["-H", "--host", "-c", "--context", "-l", "--log-level", "--config", "--tlscacert", "--tlscert", "--tlskey"]);
const GLOBAL_SWITCHES = new Set(["-D", "--debug", "--tls", "--tlsverify"]);

function withoutGlobalFlags(words: readonly string[]): readonly string[] {
  const [first = ""] = words;
  if (GLOBAL_SWITCHES.has(first)) return withoutGlobalFlags(words.slice(1));
  if (GLOBAL_VALUES.has(first)) return withoutGlobalFlags(words.slice(2));
  return words;
}
