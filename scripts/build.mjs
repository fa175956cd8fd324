/**
 * Builds all that ships into `dist/`: the library (tsup), the worker as one classic script, the Wasm as a file.
 * A hash of everything that goes in decides whether anything is to be done. vitest calls it before the tests that need `dist/`.
 *
 * Usage: node scripts/build.mjs [--force]
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build as tsup } from "tsup";
import { breakLines } from "./break-lines.mjs";
import { buildWasm, copyWasm } from "./embed-wasm.mjs";
import { ROOT, hashFiles } from "./hash-files.mjs";
import { bundleWorker } from "./inline-worker.mjs";
import { mergeChunks } from "./merge-chunks.mjs";
import { toCommonjs, typesToCommonjs } from "./to-commonjs.mjs";

const STAMP = "build/dist.sha256";
const INPUTS = ["src", "assembly", "scripts", "asconfig.json", "package.json", "package-lock.json", "tsconfig.json", "tsup.config.ts"];

/**
 * Builds `dist/` when it is out of date.
 *
 * @param {{ force?: boolean, say?: (what: string) => void }} [options]
 * @returns {Promise<boolean>} whether anything had to be done
 */
export async function buildAll({ force = false, say = () => {} } = {}) {
  say("compiling the engine to Wasm (about a minute the first time)");
  await buildWasm();
  const hash = await hashFiles(INPUTS);
  const stamp = join(ROOT, STAMP);
  if (!force && existsSync(join(ROOT, "dist/index.js")) && (await readFile(stamp, "utf8").catch(() => "")) === hash) return false;
  say("bundling the package and its types");
  await rm(stamp, { force: true });
  await rm(join(ROOT, "dist"), { recursive: true, force: true });
  await mkdir(join(ROOT, "dist"));
  const worker = await bundleWorker("host", { minify: true });
  await writeFile(join(ROOT, "dist/worker.js"), worker.text);
  await copyWasm(join(ROOT, "dist/core.wasm"));
  await tsup({ config: join(ROOT, "tsup.config.ts"), silent: true });
  // A page loads `core`; Node both.
  await mergeChunks(join(ROOT, "dist"), [
    { entry: "browser.js", into: "core.js" },
    { entry: "index.js", into: "node.js" },
  ]);
  const modules = (await readdir(join(ROOT, "dist"))).filter((name) => /\.js$/.test(name) && !/^(cli|worker)\.js$/.test(name));
  const paths = modules.map((name) => join(ROOT, "dist", name));
  await breakLines(paths);
  await toCommonjs(paths);
  await typesToCommonjs(join(ROOT, "dist"));
  await writeFile(stamp, hash);
  return true;
}

/** vitest's globalSetup. */
export default async function setup() {
  await buildAll();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  try {
    const built = await buildAll({ force: process.argv.includes("--force"), say: (what) => console.log(`dist: ${what}`) });
    console.log(`dist: ${built ? `built in ${Math.round(performance.now() - started)} ms` : "up to date"}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
