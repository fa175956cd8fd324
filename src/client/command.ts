import type { DaemonOperations } from "../model/operations";
import type { ImageSpec } from "../model/spec";
import type { Chance } from "../model/chance";
import type { FlagSpec, FlagValues } from "./flags";
import { Failure, type Output } from "./outcome";
import type { Programs } from "./programs";
import type { StackReader } from "./stack-file";

/** One command line on its way. */
export interface Call {
  readonly command: Command;
  readonly daemon: DaemonOperations;
  readonly images: readonly ImageSpec[] | "any";
  readonly programs: Programs | undefined;
  readonly stacks: StackReader | undefined;
  readonly chance: Chance;
  readonly flags: FlagValues;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly output: Output;
}

/** Whether the engine is of Docker 29, and the client with it. */
export function isOf29(daemon: Pick<DaemonOperations, "state">): boolean {
  return daemon.state().generation === "29";
}

/** How many arguments a command takes. */
export interface ArgumentCount {
  readonly least: number;
  readonly most: number;
}

export interface Command {
  /** Without `docker`: `"network create"`. */
  readonly path: string;
  /** What follows the path in the usage line. */
  readonly usage: string;
  readonly short: string;
  readonly count: ArgumentCount;
  readonly flags: readonly FlagSpec[];
  /** Flags end at the first argument: the rest is for the container. */
  readonly stopsAtArgument?: boolean;
  /** Its flags are not looked at, as it is refused whatever they say. */
  readonly takesAnyFlag?: boolean;
  readonly run: (call: Call) => void | Promise<void>;
}

/** A word that only stands before other commands. */
export interface CommandGroup {
  readonly path: string;
  readonly short: string;
  /** Names and descriptions, also of commands that are not simulated. */
  readonly commands: readonly (readonly [name: string, short: string])[];
  /** Lines of its own flags. */
  readonly options?: readonly string[];
  /** What is not so in Docker 29. */
  readonly of29?: { readonly short?: string; readonly options?: readonly string[]; readonly moreCommands?: CommandGroup["commands"] };
}

export const NONE: ArgumentCount = { least: 0, most: 0 };
export const exactly = (count: number): ArgumentCount => ({ least: count, most: count });
export const atLeast = (count: number): ArgumentCount => ({ least: count, most: Number.POSITIVE_INFINITY });

/**
 * Refuses the wrong number of arguments.
 *
 * @throws Failure in the client's words (docker/cli cli/required.go).
 */
export function checkCount({ path, usage, short, count }: Command, args: readonly string[]): void {
  if (args.length >= count.least && args.length <= count.most) return;
  const usageLine = `Usage:  docker ${path}${usage === "" ? "" : ` ${usage}`}`;
  throw new Failure(`"docker ${path}" ${wanted(count)}.\nSee 'docker ${path} --help'.\n\n${usageLine}\n\n${short}`);
}

function wanted({ least, most }: ArgumentCount): string {
  const plural = (count: number) => `${count} argument${count === 1 ? "" : "s"}`;
  if (most === 0) return "accepts no arguments";
  if (least === most) return `requires exactly ${plural(least)}`;
  if (most === Number.POSITIVE_INFINITY) return `requires at least ${plural(least)}`;
  return `requires at least ${least} and at most ${plural(most)}`;
}

/** A group as Docker 29 has it. */
export function groupOf29({ of29 = {}, ...group }: CommandGroup): CommandGroup {
  const { moreCommands = [], ...changed } = of29;
  return { ...group, ...changed, commands: [...moreCommands, ...group.commands].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

/** What a group prints when no command of it was named. */
export function groupUsage({ path, short, commands, options }: CommandGroup): string {
  const width = Math.max(10, ...commands.map(([name]) => name.length));
  const lines = commands.map(([name, what]) => `  ${name.padEnd(width)}  ${what}`);
  const more = `Run 'docker ${path} COMMAND --help' for more information on a command.`;
  const flags = options?.length ? `Options:\n${options.map((line) => `  ${line}`).join("\n")}\n\n` : "";
  return `\nUsage:  docker ${path}${flags === "" ? "" : " [OPTIONS]"} COMMAND\n\n${short}\n\n${flags}Commands:\n${lines.join("\n")}\n\n${more}\n`;
}

/** What `--help` prints. Differs from Docker: most flags are named without their descriptions. */
export function commandHelp({ path, usage, short, flags }: Command): string {
  const named = [...flags].map((flag) => ({ ...flag, head: `  ${flag.short === undefined ? "    " : `-${flag.short}, `}--${flag.name}${flag.about?.[0] ? ` ${flag.about[0]}` : ""}` }));
  const width = Math.max(0, ...named.map(({ head }) => head.length)) + 3;
  const isDescribed = flags.every(({ about }) => about !== undefined);
  if (isDescribed) named.sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = named.map(({ head, about }) => (isDescribed && about ? head.padEnd(width) + wrapped(about[1], TERMINAL - width).join(`\n${" ".repeat(width)}`) : head));
  const options = lines.length === 0 ? "" : `\nOptions:\n${lines.join("\n")}\n`;
  return `\nUsage:  docker ${path}${usage === "" ? "" : ` ${usage}`}\n\n${short}\n${options}`;
}

/** Columns of a terminal that does not say how many it has; the client leaves the last one free (docker/cli cli/cobra.go: wrappedFlagUsages). */
const TERMINAL = 79;
/** The last line may be longer by so much, rather than that a word stands alone (spf13/pflag flag.go: wrap). */
const SLOP = 5;

function wrapped(text: string, width: number): string[] {
  const end = text.lastIndexOf(" ", width - SLOP - 1);
  return text.length < width || end <= 0 ? [text] : [text.slice(0, end), ...wrapped(text.slice(end + 1), width)];
}
