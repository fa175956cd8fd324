import { Field } from "./field";
import { directoryOf, resolvePath } from "./file-path";
import { interpolate, type Lookup } from "./interpolate";
import { mergeNodes } from "./merge";
import { mapping, type ComposeNode, type Entry, type MappingNode } from "./node";
import { extendsShape } from "./schema";
import { checkShape } from "./shape";
import { readDocuments, readNamed, type Workspace } from "./source";
import { suggest } from "./suggest";

/** The file whose services may extend each other, and the directory that its `extends.file` counts from. */
export interface ExtendsScope {
  readonly file: string | undefined;
  readonly directory: string;
  readonly lookup: Lookup;
}

/**
 * Replaces every service that extends another by the merge of the two (compose-go loader/extends.go). A file named by `extends.file`
 * is read for its services alone: its own `include`, networks and extensions do not count.
 *
 * @throws SimulationError `NOT_FOUND` for a missing file or service, `INVALID_INPUT` for a circle.
 */
export function applyExtends(root: MappingNode, scope: ExtendsScope, workspace: Workspace): MappingNode {
  const services = root.entries.get("services");
  if (services?.value.kind !== "mapping") return root;
  const resolver = new Resolver(services.value, scope, workspace, new Map());
  const entries = new Map<string, Entry>();
  for (const [name, entry] of services.value.entries) entries.set(name, { ...entry, value: resolver.resolve(name, []) ?? entry.value });
  const merged = mapping(entries, services.value.position, services.value.tag);
  return mapping(new Map([...root.entries, ["services", { ...services, value: merged }]]), root.position, root.tag);
}

interface Link {
  readonly file: string | undefined;
  readonly service: string;
}

class Resolver {
  private readonly done = new Map<string, ComposeNode>();

  constructor(
    readonly services: MappingNode,
    readonly scope: ExtendsScope,
    private readonly workspace: Workspace,
    private readonly others: Map<string, Resolver>,
  ) {}

  /** The service with everything that it extends, or `undefined` when there is no such service. */
  resolve(name: string, chain: readonly Link[]): ComposeNode | undefined {
    const known = this.done.get(name);
    if (known) return known;
    const entry = this.services.entries.get(name);
    if (!entry) return undefined;
    const resolved = this.extend(name, entry, chain);
    this.done.set(name, resolved);
    return resolved;
  }

  private extend(name: string, entry: Entry, chain: readonly Link[]): ComposeNode {
    const service = new Field(entry.value, ["services", name], entry.position);
    const reference = service.get("extends");
    if (!reference || entry.value.kind !== "mapping") return entry.value;
    checkShape(reference, extendsShape);
    const target = reference.node.kind === "scalar" ? reference : (reference.child("service") ?? reference);
    const circle = [...chain, { file: this.scope.file, service: name }];
    const repeated = chain.findIndex((link) => link.file === this.scope.file && link.service === name);
    if (repeated >= 0) {
      const links = circle.slice(repeated).map((link) => `${JSON.stringify(link.service)}${link.file ? ` in ${link.file}` : ""}`);
      reference.reject(`circular reference: ${links.join(" extends ")}`);
    }
    const file = reference.get("file");
    const from = file ? this.other(file, name) : this;
    const base = from.resolve(target.text(), circle) ?? this.missing(name, target, from);
    const own = new Map(entry.value.entries);
    own.delete("extends");
    const merged = mergeNodes(base, mapping(own, entry.value.position), ["services", name]);
    if (merged.kind !== "mapping") return merged;
    // The tag of the base spoke of other files; that of the service itself still has to reach the files before this one.
    return mapping(merged.entries, merged.position, entry.value.tag);
  }

  private other(field: Field, name: string): Resolver {
    const path = resolvePath(this.scope.directory, field.text());
    const known = this.others.get(path);
    if (known) return known;
    const source = readNamed(field, this.scope.directory, this.workspace);
    const documents = readDocuments(source).map(({ root }) => interpolate(root, this.scope.lookup, this.workspace.notices));
    const root = documents.reduce((base, over) => mergeNodes(base, over));
    const services = new Field(root, []).get("services");
    if (services?.node.kind !== "mapping") {
      return field.reject(`cannot extend service ${JSON.stringify(name)} in ${path}: no services section`, "NOT_FOUND");
    }
    const scope = { file: path, directory: directoryOf(path), lookup: this.scope.lookup };
    const resolver = new Resolver(services.node, scope, this.workspace, this.others);
    this.others.set(path, resolver);
    return resolver;
  }

  private missing(name: string, target: Field, from: Resolver): never {
    const wanted = target.text();
    const where = from.scope.file ? ` in ${from.scope.file}` : "";
    const hint = suggest(wanted, from.services.entries.keys());
    target.reject(`cannot extend service ${JSON.stringify(name)}${where}: service ${JSON.stringify(wanted)} not found${hint}`, "NOT_FOUND");
  }
}
