import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import type { SourceText } from "../compose";
import { SimulationError } from "../errors";

/** compose-go cli/options.go: DefaultFileNames and DefaultOverrideFileNames, the preferred one first. */
const FILE_NAMES = ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDE_NAMES = ["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/** The files of a project: the first, and those merged over it. */
export interface ProjectFiles {
  readonly first: SourceText;
  readonly overrides: readonly SourceText[];
  /** Name of the first file's folder, which names a project that says nothing else. */
  readonly folderName: string;
}

/**
 * Reads the files that were named, or, as `docker compose` does, finds them in this folder or the nearest one above, with an override
 * file beside. A folder stands for the files that are found in it.
 *
 * @throws SimulationError `NOT_FOUND` with one sentence that names the file.
 */
export function readProjectFiles(named: readonly string[]): ProjectFiles {
  const paths = named.length === 0 ? discoverUpwards(process.cwd()) : named.flatMap((path) => (isFolder(path) ? discover(path) : [path]));
  const [first, ...overrides] = paths.map(readSource);
  if (first === undefined) {
    const [folder] = named;
    const where = folder === undefined ? "in this folder or above" : `in ${JSON.stringify(folder)}`;
    throw new SimulationError("NOT_FOUND", `expected ${FILE_NAMES.slice(0, -1).join(", ")} or ${FILE_NAMES.at(-1)} ${where}, found none`);
  }
  return { first, overrides, folderName: basename(dirname(resolve(first.file))) };
}

/** Reads a file that a Compose file refers to. */
export function readFile(path: string): string | undefined {
  return existsSync(path) && !isFolder(path) ? readFileSync(path, "utf8") : undefined;
}

function readSource(file: string): SourceText {
  const text = readFile(file);
  if (text !== undefined) return { file, text };
  throw new SimulationError("NOT_FOUND", `${file}: expected a Compose file, found ${isFolder(file) ? "a folder" : "no such file"}`);
}

function discover(folder: string): string[] {
  const find = (names: readonly string[]) => names.map((name) => join(folder, name)).find((path) => existsSync(path));
  const [file, override] = [find(FILE_NAMES), find(OVERRIDE_NAMES)];
  if (file === undefined) return [];
  return override === undefined ? [file] : [file, override];
}

function discoverUpwards(folder: string): string[] {
  const found = discover(folder).map((path) => relative(process.cwd(), path));
  return found.length > 0 || dirname(folder) === folder ? found : discoverUpwards(dirname(folder));
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
