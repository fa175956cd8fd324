import { failAt, formatPath, list, mapping, place, scalar, type ComposeNode, type Entry, type Path } from "./node";
import type { Notices } from "./notice";
import { NESTING_MAX } from "./yaml";

/** Where variables come from; `undefined` is an unset variable. */
export type Lookup = (name: string) => string | undefined;

interface Variables {
  readonly lookup: Lookup;
  /** Called for a variable that is used without a default and has no value. */
  unset(name: string): void;
  /** Called for a text that cannot be substituted; throws. */
  fail(reason: string): never;
}

const NAME = /[_a-z][_a-z0-9]*/iy;
const BRACED = /^([_a-z][_a-z0-9]*)(?:(:?[-?+])([^]*))?$/i;

/**
 * Replaces `$NAME`, `${NAME}` and its forms with `:-`, `-`, `:?`, `?`, `:+` and `+`, nested where they may be, and `$$`
 * (compose-go template/template.go). A `$` before anything else stays.
 *
 * @example substitute("${TAG:-latest} costs $$5", { lookup: () => undefined, … }) // "latest costs $5"
 */
export function substitute(template: string, variables: Variables, depth = 0): string {
  if (depth > NESTING_MAX) return variables.fail(`expected at most ${NESTING_MAX} variables inside one another, found more`);
  let result = "";
  let offset = 0;
  for (;;) {
    const dollar = template.indexOf("$", offset);
    if (dollar < 0) return result + template.slice(offset);
    result += template.slice(offset, dollar);
    const next = template.charAt(dollar + 1);
    if (next === "$") {
      result += "$";
      offset = dollar + 2;
    } else if (next === "{") {
      const close = closingBrace(template, dollar + 1);
      const match = close < 0 ? null : BRACED.exec(template.slice(dollar + 2, close));
      if (!match) {
        return variables.fail(`expected "\${NAME}" or a form of it, found ${JSON.stringify(template)}; a "$" of the text is written "$$"`);
      }
      result += braced(match[1] ?? "", match[2] ?? "", match[3] ?? "", variables, depth + 1);
      offset = close + 1;
    } else {
      NAME.lastIndex = dollar + 1;
      const name = NAME.exec(template)?.[0];
      result += name === undefined ? "$" : valueOrEmpty(name, variables);
      offset = dollar + 1 + (name?.length ?? 0);
    }
  }
}

function braced(name: string, operator: string, operand: string, variables: Variables, depth: number): string {
  if (operator === "") return valueOrEmpty(name, variables);
  const value = variables.lookup(name);
  // With a colon, an empty value counts as none.
  const present = value !== undefined && !(operator.startsWith(":") && value === "");
  if (operator.endsWith("+")) return present ? substitute(operand, variables, depth) : (value ?? "");
  if (present) return value;
  if (operator.endsWith("-")) return substitute(operand, variables, depth);
  const reason = substitute(operand, variables, depth);
  return variables.fail(`required variable ${name} is missing a value${reason && `: ${reason}`}`);
}

function valueOrEmpty(name: string, variables: Variables): string {
  const value = variables.lookup(name);
  if (value === undefined) variables.unset(name);
  return value ?? "";
}

function closingBrace(template: string, open: number): number {
  let depth = 0;
  for (let index = open; index < template.length; index++) {
    if (template[index] === "{") depth++;
    if (template[index] === "}" && --depth === 0) return index;
  }
  return -1;
}

/**
 * Interpolates every text below a node, values only, keys never. An unset variable becomes an empty text and a notice.
 *
 * @throws SimulationError `INVALID_INPUT` at a text with a malformed or a required and missing variable.
 */
export function interpolate(root: ComposeNode, lookup: Lookup, notices: Notices): ComposeNode {
  const done = new Map<ComposeNode, ComposeNode>();
  const text = (node: ComposeNode, template: string, path: Path): string => {
    const at = place(formatPath(path), node.position);
    return substitute(template, {
      lookup,
      unset: (name) => notices.add("unset-variable", at, `the ${JSON.stringify(name)} variable is not set, defaulting to a blank string`),
      fail: (reason) => failAt(at, reason),
    });
  };
  const walk = (node: ComposeNode, path: Path): ComposeNode => {
    const known = done.get(node);
    if (known) return known;
    const result = walkInto(node, path);
    done.set(node, result);
    return result;
  };
  const walkInto = (node: ComposeNode, path: Path): ComposeNode => {
    if (node.kind === "scalar") {
      if (typeof node.value !== "string" || !node.value.includes("$")) return node;
      return scalar(text(node, node.value, path), node.position, node.tag);
    }
    if (node.kind === "list") return list(node.items.map((item, index) => walk(item, [...path, index])), node.position, node.tag);
    const entries = new Map<string, Entry>();
    for (const [key, entry] of node.entries) entries.set(key, { ...entry, value: walk(entry.value, [...path, key]) });
    return mapping(entries, node.position, node.tag);
  };
  return walk(root, []);
}
