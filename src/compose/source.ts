import type { Field } from "./field";
import { resolvePath } from "./file-path";
import { describe, place, placed, type MappingNode } from "./node";
import type { Notices } from "./notice";
import { nodeFromObject, parseYaml, type SourceText } from "./yaml";

/** A Compose description: a text with its file name, or the same as a plain object. */
export type ComposeInput = SourceText | Readonly<Record<string, unknown>>;

/** Returns the text of a file, or `undefined` when there is none. */
export type ReadFile = (path: string) => string | undefined;

/** What the reading of one set of files shares. */
export interface Workspace {
  readonly readFile: ReadFile | undefined;
  readonly notices: Notices;
  /** Every file read, in order. */
  readonly files: string[];
  /** It is for a swarm, whatever the file says. */
  readonly isStack: boolean;
}

/** One YAML document, or one object, with the file it came from. */
export interface ComposeDocument {
  readonly file: string | undefined;
  readonly root: MappingNode;
}

export function isSourceText(input: ComposeInput): input is SourceText {
  return typeof input.text === "string" && typeof input.file === "string";
}

/** The documents of an input, not yet interpolated. */
export function readDocuments(input: ComposeInput): ComposeDocument[] {
  const file = isSourceText(input) ? input.file : undefined;
  const nodes = isSourceText(input) ? parseYaml(input) : [nodeFromObject(input)];
  return nodes.map((node) => {
    if (node.kind === "mapping") return { file, root: node };
    throw placed(place("", node.position), `expected a mapping at the top level, found ${describe(node)}`);
  });
}

/** Reads the file that a field names, as seen from `directory`, or fails at the field. */
export function readNamed(field: Field, directory: string, workspace: Workspace): SourceText {
  const name = field.text();
  if (/^([a-z][a-z0-9+.-]+:\/\/|git@)/i.test(name)) {
    field.fail(`expected a local file, found ${JSON.stringify(name)}; remote files are not loaded`, "UNSUPPORTED");
  }
  const file = resolvePath(directory, name);
  const text = workspace.readFile?.(file);
  if (text === undefined) {
    const reason = workspace.readFile ? `nothing at ${JSON.stringify(file)}` : `no access to ${JSON.stringify(file)}; pass readFile`;
    return field.fail(`expected a file, found ${reason}`, "NOT_FOUND");
  }
  if (!workspace.files.includes(file)) workspace.files.push(file);
  return { file, text };
}
