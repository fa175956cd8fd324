import type { ErrorCode, ErrorDetails, SourcePosition } from "../errors";
import { describe, failAt, formatPath, place, placed, type ComposeNode, type Path, type Place } from "./node";

const TRUE = ["true", "y", "yes", "on"];
const FALSE = ["false", "n", "no", "off"];

/** A node with the path that leads to it: what typed readers read, and what messages point at. */
export class Field {
  constructor(
    readonly node: ComposeNode,
    readonly segments: Path,
    /** Where the key was written; a list item and the root have none. */
    readonly keyPosition?: SourcePosition | undefined,
  ) {}

  /** The last key of the path, or the index as text. */
  get name(): string {
    return String(this.segments.at(-1) ?? "");
  }

  get path(): string {
    return formatPath(this.segments);
  }

  /** A scalar's value, or the key of a larger value. */
  get place(): Place {
    return place(this.path, this.node.kind === "scalar" ? (this.node.position ?? this.keyPosition) : (this.keyPosition ?? this.node.position));
  }

  get keyPlace(): Place {
    return place(this.path, this.keyPosition ?? this.node.position);
  }

  /** What the parsers in `net/` take: the field's name is the first argument, this is the last. */
  get details(): ErrorDetails {
    const at = this.place;
    return at.position ? { path: at.path, position: at.position } : { path: at.path };
  }

  get isNull(): boolean {
    return this.node.kind === "scalar" && this.node.value === null;
  }

  child(key: string): Field | undefined {
    const entry = this.node.kind === "mapping" ? this.node.entries.get(key) : undefined;
    return entry && new Field(entry.value, [...this.segments, key], entry.position);
  }

  /** The child, unless it is absent or null. */
  get(key: string): Field | undefined {
    const child = this.child(key);
    return child?.isNull ? undefined : child;
  }

  /** The child, unless it is absent, null or an empty text: Compose takes an empty text (an unset variable, say) for no value. */
  filled(key: string): Field | undefined {
    const child = this.get(key);
    return child?.node.kind === "scalar" && child.node.value === "" ? undefined : child;
  }

  children(): Field[] {
    if (this.node.kind !== "mapping") return [];
    return [...this.node.entries].map(([key, entry]) => new Field(entry.value, [...this.segments, key], entry.position));
  }

  items(): Field[] {
    if (this.node.kind !== "list") return [];
    return this.node.items.map((item, index) => new Field(item, [...this.segments, index]));
  }

  /** `path: message` at this place. */
  fail(message: string, code?: ErrorCode): never {
    return failAt(this.place, message, code);
  }

  expected(what: string): never {
    return this.fail(`expected ${what}, found ${describe(this.node)}`);
  }

  /** A sentence that names its subject itself, as Compose's own do. */
  reject(message: string, code?: ErrorCode): never {
    throw placed(this.place, message, code);
  }

  /** A scalar as text; numbers and booleans as YAML prints them. */
  text(): string {
    if (this.node.kind !== "scalar" || this.node.value === null) return this.expected("a text");
    return String(this.node.value);
  }

  /** A whole number, also as the text that interpolation leaves. */
  integer(least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.number();
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    return this.expected(least === Number.MIN_SAFE_INTEGER ? "an integer" : `an integer ${range}`);
  }

  /** A number, also as the text that interpolation leaves. */
  number(): number {
    if (this.node.kind === "scalar") {
      const { value } = this.node;
      if (typeof value === "number" && Number.isFinite(value)) return value;
      if (typeof value === "string" && /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(value)) return Number(value);
    }
    return this.expected("a number");
  }

  /** A truth value, also as the text that interpolation leaves (compose-go loader/interpolate.go: toBoolean). */
  flag(): boolean {
    if (this.node.kind === "scalar") {
      const { value } = this.node;
      if (typeof value === "boolean") return value;
      const word = String(value).toLowerCase();
      if (TRUE.includes(word)) return true;
      if (FALSE.includes(word)) return false;
    }
    return this.expected("true or false");
  }

  choice<const T extends string>(values: readonly T[]): T {
    const text = this.text();
    const found = values.find((value) => value === text);
    return found ?? this.expected(alternatives(values));
  }

  /** One text or a list of texts, as fields. */
  texts(): Field[] {
    return this.node.kind === "list" ? this.items() : [this];
  }
}

/** `"a", "b" or "c"`. */
export function alternatives(values: readonly string[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
}
