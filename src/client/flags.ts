import { GoError, parseBool, parseCsv, parseInteger, quote } from "./go";

/** How the words after a flag are read. */
export type FlagKind =
  /** On and off; `--flag=false`. */
  | "switch"
  | "text"
  | "number"
  /** Given several times. */
  | "list"
  /** Given several times, each with several values between commas. */
  | "values"
  /** `key=value`, given several times. */
  | "map";

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  /** Reads, and may rewrite, one value; what it throws as `GoError` is said about the argument. */
  readonly read?: (text: string) => string;
  /** The same in the client of Docker 29, where that reads otherwise. */
  readonly readOf29?: (text: string) => string;
  /** Docker 29 alone has it. */
  readonly isOf29?: boolean;
  /** What `--help` says: the name of its value, and what the flag is for. */
  readonly about?: readonly [value: string, text: string];
  /** The client knows it, and the simulator has nothing to do with it. */
  readonly isUnsupported?: boolean;
}

/** What an object has several of, and a command changes: one flag adds, another takes away. */
export function changeFlags(name: string, read?: FlagSpec["read"]): readonly FlagSpec[] {
  return [{ name: `${name}-add`, kind: "list", ...(read && { read }) }, { name: `${name}-rm`, kind: "list" }];
}

/** The flags of one command line. */
export class FlagValues {
  readonly #texts = new Map<string, string[]>();

  add(name: string, value: string): void {
    const texts = this.#texts.get(name);
    if (texts) texts.push(value);
    else this.#texts.set(name, [value]);
  }

  has(name: string): boolean {
    return this.#texts.has(name);
  }

  /** The last one counts. */
  text(name: string): string {
    return this.#texts.get(name)?.at(-1) ?? "";
  }

  all(name: string): readonly string[] {
    return this.#texts.get(name) ?? [];
  }

  on(name: string): boolean {
    return this.has(name) && parseBool(this.text(name));
  }

  number(name: string, otherwise: number): number {
    return this.has(name) ? parseInteger(this.text(name)) : otherwise;
  }

  /** What the flag says as a map; a word without `=` is a key with nothing behind it. */
  map(name: string): Record<string, string> {
    return Object.fromEntries(this.all(name).map(splitPair));
  }
}

/** Cuts at the first `=`. */
export function splitPair(text: string): [key: string, value: string] {
  const at = text.indexOf("=");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

export interface ParsedFlags {
  readonly flags: FlagValues;
  readonly args: readonly string[];
}

/**
 * Reads a command line as the docker client does (spf13/pflag): `--name value`, `--name=value`, `-abc`, `-n5`, `--`.
 *
 * @param interspersed Whether flags may follow arguments; `docker run` and `docker exec` leave the rest to the container.
 * @throws GoError in the client's words.
 */
export function parseFlags(words: readonly string[], known: readonly FlagSpec[], interspersed: boolean, isCurrent: boolean): ParsedFlags {
  const specs = isCurrent ? known.map((spec) => (spec.readOf29 ? { ...spec, read: spec.readOf29 } : spec)) : known;
  const flags = new FlagValues();
  const args: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") {
      args.push(...queue);
      break;
    }
    if (word.startsWith("--")) readLong(word.slice(2), queue, specs, flags);
    else if (word.startsWith("-") && word !== "-") readShorts(word.slice(1), queue, specs, flags);
    else {
      args.push(word);
      if (interspersed) continue;
      args.push(...queue);
      break;
    }
  }
  return { flags, args };
}

function readLong(body: string, queue: string[], specs: readonly FlagSpec[], flags: FlagValues): void {
  const [name, written] = splitPair(body);
  if (name === "" || name.startsWith("-")) throw new GoError(`bad flag syntax: --${body}`);
  const spec = specs.find((candidate) => candidate.name === name);
  if (!spec) throw new GoError(`unknown flag: --${name}`);
  const value = body.includes("=") ? written : spec.kind === "switch" ? "true" : queue.shift();
  if (value === undefined) throw new GoError(`flag needs an argument: --${name}`);
  set(spec, value, flags);
}

function readShorts(body: string, queue: string[], specs: readonly FlagSpec[], flags: FlagValues): void {
  for (let rest = body; rest !== ""; ) {
    const char = rest.charAt(0);
    const spec = specs.find(({ short }) => short === char);
    if (!spec) throw new GoError(`unknown shorthand flag: '${char}' in -${rest}`);
    const after = rest.slice(1);
    const isWritten = after.length > 1 && after.startsWith("=");
    const isSwitch = spec.kind === "switch" && !isWritten;
    const value = isWritten ? after.slice(1) : isSwitch ? "true" : after === "" ? queue.shift() : after;
    if (value === undefined) throw new GoError(`flag needs an argument: '${char}' in -${rest}`);
    set(spec, value, flags);
    rest = isSwitch ? after : "";
  }
}

/** Takes one value, after a look at whether the flag can have it. */
function set(spec: FlagSpec, value: string, flags: FlagValues): void {
  try {
    for (const part of spec.kind === "values" ? parseCsv(value) : [value]) {
      if (spec.kind === "switch") parseBool(part);
      if (spec.kind === "number") parseInteger(part);
      flags.add(spec.name, spec.read ? spec.read(part) : part);
    }
  } catch (error) {
    if (!(error instanceof GoError)) throw error;
    const name = spec.short === undefined ? `--${spec.name}` : `-${spec.short}, --${spec.name}`;
    throw new GoError(`invalid argument ${quote(value)} for ${quote(name)} flag: ${error.message}`);
  }
}
