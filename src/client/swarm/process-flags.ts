import type { HealthSpec, MountSpec, ProcessSpec, UlimitSpec } from "../../model/swarm/process-spec";
import { parseDuration } from "../duration";
import { changeFlags, splitPair, type FlagSpec, type FlagValues } from "../flags";
import { GoError, parseInteger } from "../go";
import { Failure } from "../outcome";
import { readDuration } from "../values";
import { splitWords } from "../words";
import { readMount } from "./mount-flag";

const checked = (parse: (text: string) => unknown) => (text: string) => {
  parse(text);
  return text;
};

function readPositiveDuration(text: string): string {
  if (parseDuration(text) < 0) throw new GoError("duration cannot be negative");
  return text;
}

/** docker/cli cli/command/service/opts.go: addServiceFlags. */
const SHARED_FLAGS: readonly FlagSpec[] = [
  { name: "cap-drop", kind: "list" },
  { name: "entrypoint", kind: "text" },
  { name: "health-cmd", kind: "text" },
  ...["interval", "start-period", "timeout"].map((name): FlagSpec => ({ name: `health-${name}`, kind: "text", read: readPositiveDuration })),
  { name: "health-retries", kind: "number" },
  { name: "init", kind: "switch" },
  { name: "log-driver", kind: "text" },
  { name: "log-opt", kind: "list" },
  { name: "no-healthcheck", kind: "switch" },
  { name: "read-only", kind: "switch" },
  { name: "stop-grace-period", kind: "text", read: readDuration },
  { name: "stop-signal", kind: "text" },
  { name: "tty", short: "t", kind: "switch" },
  { name: "user", short: "u", kind: "text" },
  { name: "workdir", short: "w", kind: "text" },
];

export const PROCESS_FLAGS: readonly FlagSpec[] = [
  ...SHARED_FLAGS,
  { name: "group", kind: "list" },
  { name: "mount", kind: "list", read: checked(readMount) },
  { name: "ulimit", kind: "list", read: checked(readUlimit) },
];

export const PROCESS_CHANGES: readonly FlagSpec[] = [
  ...SHARED_FLAGS,
  ...changeFlags("group"),
  ...changeFlags("mount", checked(readMount)),
  ...changeFlags("ulimit", checked(readUlimit)),
];

/** docker/go-units ulimit.go. */
const ULIMITS = ["core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack"];

/** `nofile=1024:2048`. */
function readUlimit(text: string): UlimitSpec {
  const [name, values] = splitPair(text);
  if (!text.includes("=")) throw new GoError(`invalid ulimit argument: ${text}`);
  if (!ULIMITS.includes(name)) throw new GoError(`invalid ulimit type: ${name}`);
  const limits = values.split(":");
  if (limits.length > 2) throw new GoError(`too many limit value arguments - ${values}, can only have up to two, \`soft[:hard]\``);
  const soft = parseInteger(limits[0] ?? "");
  const hard = limits[1] === undefined ? soft : parseInteger(limits[1]);
  // -1: no limit.
  if (hard !== -1 && (soft === -1 || soft > hard)) throw new GoError(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
  return { name, soft, hard };
}

/** Of `docker service create`. */
export function processOf(flags: FlagValues): ProcessSpec | undefined {
  const options = Object.fromEntries(flags.all("log-opt").map(splitPair));
  const said: ProcessSpec = {
    ...sharedOf(flags, undefined),
    ...(flags.has("group") && { groups: flags.all("group") }),
    ...(flags.has("mount") && { mounts: flags.all("mount").map(readMount) }),
    ...(flags.has("ulimit") && { ulimits: byName(flags.all("ulimit").map(readUlimit)) }),
    ...(flags.text("log-driver") !== "" && { logDriver: { name: flags.text("log-driver"), options } }),
    ...(flags.has("cap-drop") && { capDrop: droppedOf(flags, []) }),
  };
  return Object.keys(said).length === 0 ? undefined : said;
}

/** Of `docker service update`: what the flags say over what it was. */
export function changedProcess(flags: FlagValues, before: ProcessSpec | undefined): ProcessSpec | undefined {
  const options = Object.fromEntries(flags.all("log-opt").map(splitPair));
  const { groups = [], ulimits = [], mounts = [], capDrop = [] } = before ?? {};
  const touches = (name: string) => flags.has(`${name}-add`) || flags.has(`${name}-rm`);
  const said: ProcessSpec = {
    ...sharedOf(flags, before),
    ...(touches("group") && { groups: changedList(groups, flags.all("group-add"), flags.all("group-rm")) }),
    ...(touches("mount") && { mounts: changedMounts(flags, mounts) }),
    ...(touches("ulimit") && { ulimits: byName([...ulimits.filter(({ name }) => !flags.all("ulimit-rm").includes(name)), ...flags.all("ulimit-add").map(readUlimit)]) }),
    ...(flags.text("log-driver") !== "" && { logDriver: { name: flags.text("log-driver"), options } }),
    ...((flags.has("cap-drop") || flags.has("cap-add")) && { capDrop: droppedOf(flags, capDrop) }),
  };
  return Object.keys(said).length === 0 ? before : { ...before, ...said };
}

function sharedOf(flags: FlagValues, before: ProcessSpec | undefined): ProcessSpec {
  const health = healthOf(flags, before?.health);
  return {
    ...(flags.has("entrypoint") && { entrypoint: splitWords(flags.text("entrypoint")) }),
    ...(flags.has("workdir") && { workdir: flags.text("workdir") }),
    ...(flags.has("user") && { user: flags.text("user") }),
    ...(flags.has("init") && { init: flags.on("init") }),
    ...(flags.has("stop-signal") && { stopSignal: flags.text("stop-signal") }),
    ...(flags.has("tty") && { tty: flags.on("tty") }),
    ...(flags.has("read-only") && { isReadOnly: flags.on("read-only") }),
    ...(flags.has("stop-grace-period") && { stopGrace: parseDuration(flags.text("stop-grace-period")) }),
    ...(health && { health }),
  };
}

const HEALTH_FLAGS = ["health-cmd", "health-interval", "health-retries", "health-start-period", "health-timeout"];

function healthOf(flags: FlagValues, before: HealthSpec | undefined): HealthSpec | undefined {
  const hasSettings = HEALTH_FLAGS.some((name) => flags.has(name));
  if (flags.on("no-healthcheck")) {
    if (hasSettings) throw new Failure("--no-healthcheck conflicts with --health-* options");
    return { ...before, test: ["NONE"] };
  }
  if (!hasSettings) return before;
  const { test = [], ...times } = before ?? {};
  const command = flags.text("health-cmd");
  const said = command === "" ? [] : ["CMD-SHELL", command];
  const kept = test[0] === "NONE" ? [] : test;
  return {
    ...times,
    test: flags.has("health-cmd") ? said : kept,
    ...(flags.has("health-interval") && { interval: parseDuration(flags.text("health-interval")) }),
    ...(flags.has("health-timeout") && { timeout: parseDuration(flags.text("health-timeout")) }),
    ...(flags.has("health-start-period") && { startPeriod: parseDuration(flags.text("health-start-period")) }),
    ...(flags.has("health-retries") && { retries: flags.number("health-retries", 0) }),
  };
}

/** As the client sorts them. */
export function changedList(before: readonly string[], added: readonly string[], removed: readonly string[]): string[] {
  return [...new Set([...before.filter((text) => !removed.includes(text)), ...added])].sort();
}

/** One of each name, the last. */
function byName(limits: readonly UlimitSpec[]): UlimitSpec[] {
  return [...new Map(limits.map((limit) => [limit.name, limit])).values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function changedMounts(flags: FlagValues, before: readonly MountSpec[]): MountSpec[] {
  const added = flags.all("mount-add").map(readMount);
  if (new Set(added.map(({ target }) => target)).size < added.length) throw new Failure("duplicate mount target");
  const removed = flags.all("mount-rm");
  const mounts = new Map([...before, ...added].map((mount) => [mount.target, mount]));
  const key = ({ source, target }: MountSpec) => `${source}\0${target}`;
  return [...mounts.values()].filter(({ target }) => !removed.includes(target)).sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

export function capabilityName(text: string): string {
  const name = text.toUpperCase();
  return name === "ALL" || name.startsWith("CAP_") ? name : `CAP_${name}`;
}

/** What is added is not dropped (docker/cli opts/capabilities.go). */
function droppedOf(flags: FlagValues, before: readonly string[]): string[] {
  const added = new Set(flags.all("cap-add").map(capabilityName));
  const dropped = new Set([...before, ...flags.all("cap-drop").map(capabilityName)].filter((name) => !added.has(name)));
  return dropped.has("ALL") ? ["ALL"] : [...dropped].sort();
}
