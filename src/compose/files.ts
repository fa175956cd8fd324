import { parseEnvFile } from "./env-file";
import { applyExtends } from "./extends";
import { Field } from "./field";
import { directoryOf, resolvePath } from "./file-path";
import { interpolate, type Lookup } from "./interpolate";
import { mergeNodes } from "./merge";
import { mapping, place, type ComposeNode, type Entry, type MappingNode } from "./node";
import { includeShape } from "./schema";
import { checkShape } from "./shape";
import { readDocuments, readNamed, type ComposeDocument, type Workspace } from "./source";

/** Where a set of merged files stands: an included set has its own directory and variables. */
export interface Scope {
  readonly directory: string;
  readonly lookup: Lookup;
  /** The files that include this one, outermost first. */
  readonly includedBy: readonly string[];
}

/**
 * Merges documents into one description: each is interpolated, then its `include` and `extends` are applied, then it is merged over
 * those before it (compose-go loader/loader.go: loadYamlModel).
 *
 * @throws SimulationError `INVALID_INPUT` for what cannot be read or merged, `NOT_FOUND` for a file or service that is not there.
 */
export function mergeDocuments(documents: readonly ComposeDocument[], scope: Scope, workspace: Workspace): MappingNode {
  let merged: MappingNode = mapping(new Map(), undefined);
  for (const { file, root } of documents) {
    const interpolated = interpolate(root, scope.lookup, workspace.notices);
    const included = applyIncludes(asMapping(interpolated), scope, workspace, file);
    const extended = applyExtends(included, { file, directory: scope.directory, lookup: scope.lookup }, workspace);
    merged = merged.entries.size === 0 ? extended : asMapping(mergeNodes(merged, extended));
  }
  return merged;
}

const SECTIONS = ["services", "networks", "volumes", "secrets", "configs", "models"];

function applyIncludes(root: MappingNode, scope: Scope, workspace: Workspace, file: string | undefined): MappingNode {
  const include = new Field(root, []).child("include");
  if (!include) return root;
  checkShape(include, includeShape);
  let result = without(root, "include");
  for (const item of include.items()) result = importSections(readInclude(item, scope, workspace, file), result, workspace);
  return result;
}

function readInclude(item: Field, scope: Scope, workspace: Workspace, file: string | undefined): MappingNode {
  const paths = (item.node.kind === "scalar" ? item : item.get("path"))?.texts() ?? [];
  const first = paths[0] ?? item.fail(`expected the property "path", found none`);
  const mainPath = resolvePath(scope.directory, first.text());
  const chain = file === undefined ? scope.includedBy : [...scope.includedBy, resolvePath("", file)];
  if (chain.includes(mainPath)) first.fail(`include cycle detected: ${[...chain, mainPath].join(" includes ")}`);
  const given = item.get("project_directory")?.text();
  const directory = given === undefined ? directoryOf(mainPath) : resolvePath(scope.directory, given);
  const lookup = withEnvFiles(item, directory, scope, workspace);
  const documents = paths.flatMap((path) => readDocuments(readNamed(path, scope.directory, workspace)));
  return mergeDocuments(documents, { directory, lookup, includedBy: chain }, workspace);
}

/** Variables of the included project: those outside win over its own `.env` or `env_file`. */
function withEnvFiles(item: Field, directory: string, scope: Scope, workspace: Workspace): Lookup {
  const named = item.get("env_file")?.texts() ?? [];
  const paths = named.length > 0 ? named.map((field) => resolvePath(scope.directory, field.text())) : [resolvePath(directory, ".env")];
  let lookup = scope.lookup;
  for (const [index, path] of paths.entries()) {
    if (path === "/dev/null") continue;
    const text = workspace.readFile?.(path);
    const field = named[index];
    if (text !== undefined) lookup = extendLookup(lookup, parseEnvFile({ file: path, text }, lookup, workspace.notices));
    else if (field) workspace.notices.add("ignored", field.place, `found no file at ${JSON.stringify(path)}, its variables are not set`);
  }
  return lookup;
}

/** Variables of `outer`, then those of a file. */
export function extendLookup(outer: Lookup, values: ReadonlyMap<string, string>): Lookup {
  return (name) => outer(name) ?? values.get(name);
}

/** What the including file says of an included resource is merged over it. */
function importSections(imported: MappingNode, local: MappingNode, workspace: Workspace): MappingNode {
  const entries = new Map(local.entries);
  for (const section of SECTIONS) {
    const from = imported.entries.get(section);
    if (from) entries.set(section, importSection(section, from, entries.get(section)));
  }
  for (const [key, entry] of imported.entries) {
    if (key !== "x-dockwire") continue;
    workspace.notices.add("ignored", place(key, entry.position), "only the files given directly describe traffic, not an included one");
  }
  return mapping(entries, local.position);
}

function importSection(section: string, imported: Entry, local: Entry | undefined): Entry {
  const [from, to] = [imported.value, local?.value];
  if (from.kind !== "mapping" || (to && to.kind !== "mapping")) return local ?? imported;
  const merged = new Map(to?.entries ?? []);
  for (const [name, entry] of from.entries) {
    const over = merged.get(name);
    merged.set(name, over ? { ...over, value: mergeNodes(entry.value, over.value, [section, name]) } : entry);
  }
  return { position: local?.position ?? imported.position, value: mapping(merged, (to ?? from).position) };
}

function without(node: MappingNode, key: string): MappingNode {
  const entries = new Map(node.entries);
  entries.delete(key);
  return mapping(entries, node.position, node.tag);
}

function asMapping(node: ComposeNode): MappingNode {
  return node.kind === "mapping" ? node : mapping(new Map(), node.position);
}
