import { checkAddresses, checkContainerNames, checkDependencies, checkNetworks, startOrder } from "./check";
import { reportUncovered } from "./coverage";
import { parseEnvFile } from "./env-file";
import { Field } from "./field";
import { baseName, directoryOf, resolvePath } from "./file-path";
import { extendLookup, mergeDocuments } from "./files";
import { substitute, type Lookup } from "./interpolate";
import { withoutResets } from "./merge";
import { failAt, place, placed, type ComposeNode, type Path, type Place } from "./node";
import { Notices } from "./notice";
import { implicitDefault, readNetwork } from "./networks";
import type { ComposeNetwork, ComposeProject, ComposeService } from "./project";
import { composeShape } from "./schema";
import { readProfiles, readService } from "./services";
import { checkShape } from "./shape";
import { isSourceText, readDocuments, type ComposeDocument, type ComposeInput, type ReadFile, type Workspace } from "./source";
import { readDockwire } from "./x-dockwire";
import type { SourceText } from "./yaml";
import { SimulationError } from "../errors";

export interface LoadOptions {
  /** Files merged over the first one, in order, as `docker-compose.override.yml` or several `-f` are. */
  readonly overrides?: readonly ComposeInput[];
  /** Reads `include`, `extends` and `.env` files. Without it there are none: the loader itself never touches a file system. */
  readonly readFile?: ReadFile;
  /** The environment. It wins over `.env` files, and holds `COMPOSE_PROFILES` and `COMPOSE_PROJECT_NAME`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Files of variables, as `--env-file`: texts, or paths for `readFile`. Without it `.env` of the working directory, if there is one. */
  readonly envFiles?: readonly (SourceText | string)[];
  /** Profiles to enable, `"*"` for all; by default those of `COMPOSE_PROFILES`. */
  readonly profiles?: readonly string[];
  /** Wins over `COMPOSE_PROJECT_NAME`, which wins over `name:`, which wins over the directory's name. */
  readonly projectName?: string;
  /** The name when the path of the file does not tell its directory's: a caller with a file system knows it. */
  readonly defaultProjectName?: string;
  /** Where relative paths start; by default the directory of the first file. */
  readonly workingDirectory?: string;
  /** Read it as `docker stack deploy` does where that differs: containers are not named by the file. So is a file with `x-dockwire.nodes`. */
  readonly isStack?: boolean;
}

/**
 * Loads a Compose description as Compose would for `up`: variables, `include`, `extends`, overrides and profiles are applied, every key
 * is checked against the Compose specification, every reference is resolved.
 *
 * A file that has nothing to do with packets may be missing (build contexts, secrets, `env_file`).
 *
 * @param input a text with its file's name, or the same as a plain object, whose messages then name keys instead of lines
 * @throws SimulationError with one sentence, `file:line:column: what was expected, what was found`, and the position in `details`:
 *   `INVALID_INPUT`, `NOT_FOUND` for a name or file that does not exist, `CONFLICT` for two things that exclude each other,
 *   `UNSUPPORTED` for remote files, `LIMIT_EXCEEDED` for a file that grows beyond reason.
 * @example
 * const project = loadCompose({ file: "compose.yaml", text: "services: { web: { image: nginx, ports: ['8080:80'] } }" });
 * project.services[0]?.ports[0]?.target; // 80
 */
export function loadCompose(input: ComposeInput, options: LoadOptions = {}): ComposeProject {
  const inputs = [input, ...(options.overrides ?? [])];
  const files = inputs.filter(isSourceText).map((source) => source.file);
  const workspace: Workspace = { readFile: options.readFile, notices: new Notices(), files, isStack: options.isStack === true };
  const directory = options.workingDirectory ?? directoryOf(files[0] ?? "");
  const documents = inputs.flatMap(readDocuments);
  const environment = readEnvironment(directory, options, workspace);
  const name = projectName(documents, directory, environment, options);
  // Compose sets the variable too, so that a file may refer to the project's name.
  const lookup: Lookup = (variable) => (variable === "COMPOSE_PROJECT_NAME" ? name : environment(variable));
  const tree = withoutResets(mergeDocuments(documents, { directory, lookup, includedBy: [] }, workspace));
  const root = new Field(tree, []);
  if (root.children().length === 0) {
    const position = files[0] === undefined ? undefined : { file: files[0], line: 1, column: 1 };
    throw placed(place("", position), "expected a description with services, found an empty one");
  }
  checkShape(root, composeShape);
  return readProject(root, name, lookup, enabledProfiles(options, environment), workspace);
}

function readProject(root: Field, name: string, lookup: Lookup, profiles: readonly string[], workspace: Workspace): ComposeProject {
  const { notices } = workspace;
  const version = root.child("version");
  if (version) notices.add("obsolete", version.keyPlace, "the attribute `version` is obsolete, it will be ignored");
  reportUncovered(root, notices);
  const placeOf = (...path: Path): Place => placeIn(root.node, path);

  const isStack = workspace.isStack || root.get("x-dockwire")?.get("nodes") !== undefined;
  const disabled = new Map<string, string[]>();
  const provided = new Set<string>();
  const read: ComposeService[] = [];
  for (const field of root.get("services")?.children() ?? []) {
    const own = readProfiles(field);
    if (own.length > 0 && !profiles.includes("*") && !own.some((profile) => profiles.includes(profile))) disabled.set(field.name, own);
    else if (field.get("provider")) provided.add(field.name);
    else {
      read.push(readService(field, { project: name, lookup, notices, isStack }));
      if (field.get("image") || field.get("build")) continue;
      notices.add("ignored", field.keyPlace, "has neither an image nor a build context, which Compose itself would refuse");
    }
  }
  const networks = readNetworks(root.get("networks"), name, read);
  const checked = { services: read, networks, disabled, provided, placeOf };
  checkNetworks(checked);
  const services = checkDependencies(checked);
  const order = startOrder(services);
  checkContainerNames(checked);
  checkAddresses(checked);

  const dockwire = root.get("x-dockwire");
  const names = { services: new Set(services.map((service) => service.name)), networks: new Set(networks.map((network) => network.key)) };
  return {
    name,
    files: workspace.files,
    services,
    disabledServices: [...disabled.keys()],
    startOrder: order,
    networks,
    dockwire: dockwire && readDockwire(dockwire, names),
    extensions: new Map(root.children().filter((field) => field.name.startsWith("x-")).map((field) => [field.name, field.node])),
    notices: notices.list(),
    place: placeOf,
    has: (...path) => findIn(root.node, path) !== undefined,
  };
}

function readNetworks(field: Field | undefined, project: string, services: readonly ComposeService[]): ComposeNetwork[] {
  const used = new Set(services.flatMap((service) => service.networks.map((attachment) => attachment.network)));
  const networks = (field?.children() ?? []).map((child) => readNetwork(child, project, used.has(child.name)));
  if (used.has("default") && !networks.some((network) => network.key === "default")) networks.push(implicitDefault(project));
  return networks;
}

function readEnvironment(directory: string, options: LoadOptions, workspace: Workspace): Lookup {
  const given = options.env ?? {};
  const outer: Lookup = (name) => (Object.hasOwn(given, name) ? given[name] : undefined);
  const standard = resolvePath(directory, ".env");
  let lookup = outer;
  const values = new Map<string, string>();
  for (const file of options.envFiles ?? [standard]) {
    const text = typeof file === "string" ? options.readFile?.(file) : file.text;
    if (text === undefined) {
      if (options.envFiles) throw new SimulationError("NOT_FOUND", `envFiles: expected a file, found nothing at ${JSON.stringify(file)}`);
      continue;
    }
    const source = typeof file === "string" ? { file, text } : file;
    for (const [name, value] of parseEnvFile(source, lookup, workspace.notices)) values.set(name, value);
    lookup = extendLookup(outer, values);
  }
  return lookup;
}

function enabledProfiles(options: LoadOptions, environment: Lookup): readonly string[] {
  if (options.profiles && options.profiles.length > 0) return options.profiles;
  return (environment("COMPOSE_PROFILES") ?? "").split(",").map((profile) => profile.trim());
}

const INVALID_NAME =
  "must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number";

function projectName(documents: readonly ComposeDocument[], directory: string, environment: Lookup, options: LoadOptions): string {
  const imperative = options.projectName ?? environment("COMPOSE_PROJECT_NAME");
  if (imperative !== undefined && imperative !== "") {
    if (normalizedName(imperative) === imperative) return imperative;
    throw new SimulationError("INVALID_INPUT", `projectName: invalid project name ${JSON.stringify(imperative)}: ${INVALID_NAME}`);
  }
  const declared = documents.map(({ root }) => new Field(root, []).get("name")).filter((field) => field !== undefined).at(-1);
  const written = declared && normalizedName(declaredName(declared, environment));
  const candidates = [written, normalizedName(baseName(directory)), normalizedName(options.defaultProjectName ?? "")];
  return candidates.find((candidate) => candidate) ?? "project";
}

function declaredName(field: Field, environment: Lookup): string {
  if (field.node.kind !== "scalar") return field.expected("a string");
  return substitute(field.text(), {
    lookup: environment,
    unset: () => {}, // reported when the whole file is interpolated
    fail: (reason) => failAt(field.place, reason),
  });
}

/** compose-go loader/loader.go: NormalizeProjectName. */
function normalizedName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9_-]/g, "").replace(/^[_-]+/, "");
}

function placeIn(node: ComposeNode, path: Path): Place {
  const found = findIn(node, path);
  if (found) return found.place;
  let field = new Field(node, []);
  for (const segment of path) {
    const next = childOf(field, segment);
    if (!next) break;
    field = next;
  }
  return place(new Field(node, path).path, field.place.position);
}

function findIn(node: ComposeNode, path: Path): Field | undefined {
  return path.reduce<Field | undefined>((field, segment) => field && childOf(field, segment), new Field(node, []));
}

function childOf(field: Field, segment: string | number): Field | undefined {
  return typeof segment === "number" ? field.items()[segment] : field.child(segment);
}
