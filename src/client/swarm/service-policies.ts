import type { FileReference, PlacementRules, ResourceSpec, RestartRules, UpdatePolicy } from "../../model/swarm/service-spec";
import type { StoredFile } from "../../model/swarm/file-store";
import type { Call } from "../command";
import { parseDuration } from "../duration";
import { splitPair, type FlagSpec, type FlagValues } from "../flags";
import { GoError, parseCsv, parseInteger, parseUnsigned } from "../go";
import { Failure } from "../outcome";
import { readDuration } from "../values";

const MAX_UINT64 = 2 ** 64;

function readUnsigned(text: string): string {
  parseUnsigned(text, MAX_UINT64);
  return text;
}

/** docker/cli opts: NanoCPUs. */
export function parseCpus(text: string): number {
  if (!/^\d*\.?\d+$|^\d+\.$/.test(text)) throw new GoError(`failed to parse ${text} as a rational number`);
  return Math.round(Number(text) * 1e9);
}

const SIZES: Readonly<Record<string, number>> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** docker/go-units: RAMInBytes. */
export function parseBytes(text: string): number {
  const [, number = "", suffix = ""] = /^(.*[\d. ])(.*)$/.exec(text) ?? [];
  if (number === "" || number.startsWith("-")) throw new GoError(`invalid size: '${text}'`);
  if (!/^(\d+\.?\d*|\.\d+) ?$/.test(number)) throw new GoError(`strconv.ParseFloat: parsing ${JSON.stringify(number.replace(/ $/, ""))}: invalid syntax`);
  const unit = suffix.toLowerCase();
  if (!/^([kmgtp](i?b)?|b?)$/.test(unit)) throw new GoError(`invalid suffix: '${suffix.length > 3 ? suffix : unit}'`);
  return Math.floor(Number(number) * SIZES[unit.charAt(0)]!);
}

const checked = (parse: (text: string) => unknown) => (text: string) => {
  parse(text);
  return text;
};

/** docker/cli opts: placement preferences. */
function readPreference(text: string): string {
  const [strategy, descriptor] = splitPair(text);
  if (!text.includes("=")) throw new GoError('placement preference must be of the format "<strategy>=<arg>"');
  if (strategy !== "spread") throw new GoError(`unsupported placement preference ${strategy} (only spread is supported)`);
  return descriptor;
}

const policyFlags = (prefix: "update" | "rollback"): FlagSpec[] => [
  { name: `${prefix}-delay`, kind: "text", read: readDuration },
  { name: `${prefix}-failure-action`, kind: "text" },
  { name: `${prefix}-max-failure-ratio`, kind: "text" },
  { name: `${prefix}-monitor`, kind: "text", read: readDuration },
  { name: `${prefix}-order`, kind: "text" },
  { name: `${prefix}-parallelism`, kind: "text", read: readUnsigned },
];

/** Flags of `docker service create` and `update` that say when and where tasks run. */
export const POLICY_FLAGS: readonly FlagSpec[] = [
  ...policyFlags("update"),
  ...policyFlags("rollback"),
  { name: "restart-condition", kind: "text" },
  { name: "restart-delay", kind: "text", read: readDuration },
  { name: "restart-max-attempts", kind: "text", read: readUnsigned },
  { name: "restart-window", kind: "text", read: readDuration },
  { name: "limit-cpu", kind: "text", read: checked(parseCpus) },
  { name: "limit-memory", kind: "text", read: checked(parseBytes) },
  { name: "limit-pids", kind: "number" },
  { name: "reserve-cpu", kind: "text", read: checked(parseCpus) },
  { name: "reserve-memory", kind: "text", read: checked(parseBytes) },
  { name: "replicas-max-per-node", kind: "text", read: readUnsigned },
];

export const PREFERENCE_FLAG = { name: "placement-pref", kind: "list", read: readPreference } as const;
export const readPreferenceOf = readPreference;

/** What the flags say of a policy, over what it was. */
export function policyOf(flags: FlagValues, prefix: "update" | "rollback", before: Partial<UpdatePolicy> | undefined): Partial<UpdatePolicy> | undefined {
  const text = (name: string) => (flags.has(`${prefix}-${name}`) ? flags.text(`${prefix}-${name}`) : undefined);
  const [order, action, ratio, delay, monitor, parallelism] = ["order", "failure-action", "max-failure-ratio", "delay", "monitor", "parallelism"].map(text);
  if (order !== undefined && order !== "stop-first" && order !== "start-first") throw new Failure(`Error response from daemon: unrecognized update order ${order}`);
  if (action !== undefined && action !== "pause" && action !== "continue" && action !== "rollback") {
    throw new Failure(`Error response from daemon: unrecognized update failure action ${action}`);
  }
  const said: Partial<UpdatePolicy> = {
    ...(order !== undefined && { order }),
    ...(action !== undefined && { failureAction: action }),
    ...(ratio !== undefined && { maxFailureRatio: Number(ratio) }),
    ...(delay !== undefined && { delay: parseDuration(delay) }),
    ...(monitor !== undefined && { monitor: parseDuration(monitor) }),
    ...(parallelism !== undefined && { parallelism: Number(parallelism) }),
  };
  return Object.keys(said).length === 0 ? before : { ...before, ...said };
}

export function restartOf(flags: FlagValues, before: Partial<RestartRules> | undefined): Partial<RestartRules> | undefined {
  const condition = flags.has("restart-condition") ? flags.text("restart-condition") : undefined;
  if (condition !== undefined && condition !== "none" && condition !== "on-failure" && condition !== "any") {
    throw new Failure(`Error response from daemon: invalid RestartCondition: ${JSON.stringify(condition)}`);
  }
  const said: Partial<RestartRules> = {
    ...(condition !== undefined && { condition }),
    ...(flags.has("restart-delay") && { delay: parseDuration(flags.text("restart-delay")) }),
    ...(flags.has("restart-max-attempts") && { maxAttempts: Number(flags.text("restart-max-attempts")) }),
    ...(flags.has("restart-window") && { window: parseDuration(flags.text("restart-window")) }),
  };
  return Object.keys(said).length === 0 ? before : { ...before, ...said };
}

export function resourcesOf(flags: FlagValues, prefix: "limit" | "reserve", before: ResourceSpec | undefined): ResourceSpec | undefined {
  const said = {
    ...(flags.has(`${prefix}-cpu`) && { nanoCpus: parseCpus(flags.text(`${prefix}-cpu`)) }),
    ...(flags.has(`${prefix}-memory`) && { memoryBytes: parseBytes(flags.text(`${prefix}-memory`)) }),
    ...(prefix === "limit" && flags.has("limit-pids") && { pids: flags.number("limit-pids", 0) }),
  };
  return Object.keys(said).length === 0 ? before : { ...before, ...said };
}

/** Of `docker service create`. */
export function placementOfFlags(flags: FlagValues): Partial<PlacementRules> | undefined {
  const said = {
    ...(flags.has("constraint") && { constraints: flags.all("constraint") }),
    ...(flags.has("placement-pref") && { preferences: flags.all("placement-pref") }),
    ...(flags.has("replicas-max-per-node") && { maxPerNode: Number(flags.text("replicas-max-per-node")) }),
  };
  return Object.keys(said).length === 0 ? undefined : said;
}

type FileFields = ReadonlyMap<string, string>;
type FileKind = "secret" | "config";

/** docker/cli opts: SecretOpt: `name`, or `source=name,target=/x,uid=0,gid=0,mode=0444`. */
function fieldsOfReference(text: string): FileFields {
  const fields = parseCsv(text);
  return new Map(fields.length === 1 && !fields[0]!.includes("=") ? [["source", fields[0]!] as const] : fields.map(splitPair));
}

/** Reads `--secret` and `--config`. */
export function checkFileReference(kind: FileKind): (text: string) => string {
  return (text) => {
    const isPlain = !text.includes("=") && !text.includes(",");
    for (const field of isPlain ? [] : parseCsv(text)) {
      const [key, value] = splitPair(field);
      if (!field.includes("=") || key === "") throw new GoError(`invalid field '${field}' must be a key=value pair`);
      if (key === "mode") checkMode(value);
      else if (!["source", "src", "target", "uid", "gid"].includes(key)) throw new GoError(`invalid field in ${kind} request: ${key}`);
    }
    if (sourceOf(fieldsOfReference(text)) === "") throw new GoError("source is required");
    return text;
  };
}

function sourceOf(fields: FileFields): string {
  return fields.get("source") ?? fields.get("src") ?? "";
}

function checkMode(text: string): void {
  try {
    parseMode(text);
  } catch (error) {
    throw error instanceof GoError ? new GoError(`invalid mode specified: ${error.message.replace("ParseInt", "ParseUint")}`) : error;
  }
}

/** docker/cli cli/command/service/parse.go: ParseSecrets, ParseConfigs. */
export function readFileReferences(call: Call, kind: FileKind, texts: readonly string[]): FileReference[] {
  const asked = texts.map((text) => {
    const fields = fieldsOfReference(text);
    const [source, mode] = [sourceOf(fields), fields.get("mode")];
    return { id: "", name: source, target: fields.get("target") ?? source, uid: fields.get("uid") ?? "0", gid: fields.get("gid") ?? "0", mode: mode === undefined ? READABLE : parseMode(mode) };
  });
  const twice = asked.find(({ target }, index) => asked.findIndex((other) => other.target === target) < index);
  if (twice) throw new Failure(`duplicate ${kind} target for ${twice.name} not allowed`);
  return asked.map((file) => ({ ...file, id: findFile(call, kind, file.name).id }));
}

/** strconv.ParseUint with base 0: a leading 0 stands for octal numbers. */
function parseMode(text: string): number {
  return /^0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : parseInteger(text);
}

/** For all: 0444. */
const READABLE = 0o444;

function findFile({ daemon }: Call, kind: "secret" | "config", name: string): StoredFile {
  const found = daemon.swarm.files(kind).list().find((file) => file.name === name);
  if (!found) throw new Failure(`${kind} not found: ${name}`);
  return found;
}
