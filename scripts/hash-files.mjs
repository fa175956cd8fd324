import { createHash } from "node:crypto";
import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, with a slash at the end. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * One SHA-256 over names and contents, for "has anything changed since?".
 *
 * @param {readonly string[]} paths files and folders, relative to the root; generated files (`*.gen.ts`) are left out, a missing path counts as empty
 * @returns {Promise<string>}
 */
export async function hashFiles(paths) {
  const hash = createHash("sha256");
  for (const path of paths) for (const file of await listFiles(path)) hash.update(`${file}\n`).update(await readFile(join(ROOT, file))).update("\0");
  return hash.digest("hex");
}

/**
 * @param {string} path
 * @returns {Promise<string[]>} in one order on every machine
 */
async function listFiles(path) {
  const found = await stat(join(ROOT, path)).catch(() => undefined);
  if (found === undefined) return [];
  if (found.isFile()) return [path];
  const files = [];
  for (const name of (await readdir(join(ROOT, path))).sort()) {
    if (!name.endsWith(".gen.ts") && !name.endsWith(".tmp")) files.push(...(await listFiles(join(path, name))));
  }
  return files;
}
