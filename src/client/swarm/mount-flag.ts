import type { MountSpec } from "../../model/swarm/process-spec";
import { splitPair } from "../flags";
import { GoError, parseBool, parseCsv } from "../go";
import { parseBytes } from "./service-policies";

type Options = { -readonly [Key in keyof MountSpec]: MountSpec[Key] };

const BARE = ["readonly", "ro", "volume-nocopy", "bind-nonrecursive"];

/** `type=volume,source=data,target=/data` (docker/cli opts/mount.go). */
export function readMount(text: string): MountSpec {
  const mount: Options = { type: "volume", source: "", target: "", isReadOnly: false };
  const fields = parseCsv(text);
  if (fields.length === 0) throw new GoError("EOF");
  for (const field of fields) {
    const [key, value] = splitPair(field);
    const name = key.toLowerCase();
    if (!field.includes("=") && !BARE.includes(name)) throw new GoError(`invalid field '${field}' must be a key=value pair`);
    setField(mount, { name, field, key, value: field.includes("=") ? value : "true" });
  }
  if (mount.type === "") throw new GoError("type is required");
  if (mount.target === "") throw new GoError("target is required");
  for (const kind of ["volume", "bind", "tmpfs"] as const) {
    if (mount[kind] && mount.type !== kind) throw new GoError(`cannot mix '${kind}-*' options with mount type '${mount.type}'`);
  }
  return mount;
}

interface Field {
  readonly name: string;
  readonly field: string;
  readonly key: string;
  readonly value: string;
}

function setField(mount: Options, { name, field, key, value }: Field): void {
  if (name === "type") mount.type = value.toLowerCase();
  else if (name === "source" || name === "src") mount.source = value;
  else if (name === "target" || name === "dst" || name === "destination") mount.target = value;
  else if (name === "readonly" || name === "ro") mount.isReadOnly = readWith(parseBool, key, value);
  else if (name === "consistency") mount.consistency = value.toLowerCase();
  else if (name === "bind-propagation") mount.bind = { ...mount.bind, propagation: value.toLowerCase() };
  else if (name === "bind-nonrecursive") mount.bind = { ...mount.bind, nonRecursive: readWith(parseBool, key, value) };
  else if (name === "volume-nocopy") mount.volume = { ...mount.volume, noCopy: readWith(parseBool, "volume-nocopy", value) };
  else if (name === "volume-label") mount.volume = { ...mount.volume, labels: withPair(mount.volume?.labels, value) };
  else if (name === "volume-driver") mount.volume = { ...mount.volume, driver: value };
  else if (name === "volume-opt") mount.volume = { ...mount.volume, options: withPair(mount.volume?.options, value) };
  else if (name === "tmpfs-size") mount.tmpfs = { ...mount.tmpfs, sizeBytes: readWith(parseBytes, key, value) };
  else if (name === "tmpfs-mode") mount.tmpfs = { ...mount.tmpfs, mode: readWith(parseOctal, key, value) };
  else throw new GoError(`unexpected key '${key}' in '${field}'`);
}

function withPair(pairs: Readonly<Record<string, string>> | undefined, text: string): Readonly<Record<string, string>> {
  const [key, value] = splitPair(text);
  return key === "" ? { ...pairs } : { ...pairs, [key]: value };
}

function parseOctal(text: string): number {
  if (!/^[0-7]+$/.test(text)) throw new GoError("invalid syntax");
  return Number.parseInt(text, 8);
}

function readWith<T>(parse: (text: string) => T, key: string, value: string): T {
  try {
    return parse(value);
  } catch (error) {
    if (error instanceof GoError) throw new GoError(`invalid value for ${key}: ${value}`);
    throw error;
  }
}
