/**
 * Compiles `assembly/` to `build/release.wasm`, `build/single-host.wasm` and `build/debug.wasm`, and writes the first two, deflated,
 * as base64 into `src/engine/wasm/*.gen.ts`: one mechanism for Node, browsers, tests and any bundler, without a fetch.
 * asc takes seconds, so a hash of everything that goes in decides whether anything is to be done.
 *
 * Usage: node scripts/embed-wasm.mjs [--force]
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { deflateSync } from "node:zlib";
import { ROOT, hashFiles } from "./hash-files.mjs";

const ENTRY = "assembly/index.ts";
const STAMP = "build/wasm.sha256";
const TARGETS = ["release", "single-host", "debug"];
/** The builds that travel inside the JavaScript. */
const EMBEDDED = [
  { target: "release", output: "src/engine/wasm/bytes.gen.ts", what: "the engine" },
  { target: "single-host", output: "src/engine/wasm/single-host.gen.ts", what: "the engine without overlays, load balancers and IPsec" },
];
/** What the bytes depend on: the sources, the options, the compiler's version and this script. */
const INPUTS = ["assembly", "asconfig.json", "scripts/embed-wasm.mjs", "node_modules/assemblyscript/package.json"];

/** @type {Promise<boolean> | undefined} */
let running;

/**
 * Builds what is out of date; calls that overlap share one build.
 *
 * @param {{ force?: boolean }} [options]
 * @returns {Promise<boolean>} whether asc had to run
 */
export function buildWasm(options) {
  running ??= build(options).finally(() => {
    running = undefined;
  });
  return running;
}

/**
 * For Vite, hence vitest: whoever imports the bytes gets those of the sources as they are now, and nobody else waits for asc.
 *
 * @returns {import("vite").Plugin}
 */
export function wasmBytesVite() {
  return {
    name: "wasm-bytes",
    enforce: "pre",
    async resolveId(id) {
      const embedded = EMBEDDED.find(({ output }) => `${id.replace(/\.ts$/, "")}.ts`.endsWith(basename(output)));
      if (embedded === undefined) return undefined;
      await buildWasm();
      return join(ROOT, embedded.output);
    },
  };
}

/** @param {{ force?: boolean }} [options] */
async function build({ force = false } = {}) {
  if (!existsSync(join(ROOT, ENTRY))) throw new Error(`${ENTRY}: expected the entry of the Wasm engine, found no such file`);
  const hash = await hashFiles(INPUTS);
  if (!force && (await isFresh(hash))) return false;
  await mkdir(join(ROOT, "build"), { recursive: true });
  const scratch = await mkdtemp(join(ROOT, "build/asc-"));
  try {
    await Promise.all(TARGETS.map((target) => compile(target, scratch)));
    const texts = await Promise.all(EMBEDDED.map(async ({ target, what }) => render(await readFile(join(scratch, `${target}.wasm`)), what)));
    for (const name of await readdir(scratch)) await rename(join(scratch, name), join(ROOT, "build", name));
    for (const [index, { output }] of EMBEDDED.entries()) await writeWhole(output, texts[index] ?? "");
    await writeWhole(STAMP, hash);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return true;
}

/** @param {string} hash */
async function isFresh(hash) {
  const outputs = [...EMBEDDED.map(({ output }) => output), ...TARGETS.map((target) => `build/${target}.wasm`)];
  if (!outputs.every((path) => existsSync(join(ROOT, path)))) return false;
  return (await readFile(join(ROOT, STAMP), "utf8").catch(() => "")) === hash;
}

/**
 * asc runs as a process of its own: both targets compile at once, and its memory goes back.
 *
 * @param {string} target
 * @param {string} folder
 */
async function compile(target, folder) {
  const asc = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
  const options = ["--target", target, "--outFile", join(folder, `${target}.wasm`)];
  const run = promisify(execFile)(process.execPath, [asc, ...options], { cwd: ROOT, maxBuffer: 1 << 26 });
  const { stdout, stderr } = await run.catch((error) => {
    throw new Error(`asc --target ${target} failed\n${error.stdout ?? ""}${error.stderr || error.message}`);
  });
  // asc says this of its own last optimisation; nobody can do anything about it.
  process.stderr.write((stdout + stderr).replace(/^Last converge was suboptimal\.\n?/gm, ""));
}

/**
 * @param {Buffer} wasm
 * @param {string} what
 */
function render(wasm, what) {
  return `// Written by scripts/embed-wasm.mjs from assembly/; not in git.
import type { PackedWasm } from "./compile";

/** The release build of ${what}. */
export const PACKED: PackedWasm = {
  lengthBytes: ${wasm.length},
  base64:
    "${deflateSync(wasm, { level: 9 }).toString("base64")}",
};
`;
}

/**
 * Readers in other processes see the old file or the new one, never half of it.
 *
 * @param {string} path
 * @param {string} text
 */
async function writeWhole(path, text) {
  const file = join(ROOT, path);
  const temporary = `${file}.${process.pid}.tmp`;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(temporary, text);
  await rename(temporary, file);
}

/**
 * The release build as a file, for those who load it by URL.
 *
 * @param {string} path
 */
export async function copyWasm(path) {
  await copyFile(join(ROOT, "build/release.wasm"), path);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now();
  try {
    const built = await buildWasm({ force: process.argv.includes("--force") });
    const sizes = await Promise.all(EMBEDDED.map(async ({ target }) => `${(await readFile(join(ROOT, `build/${target}.wasm`))).length} bytes (${target})`));
    console.log(`wasm: ${built ? `built in ${Math.round(performance.now() - started)} ms` : "up to date"}, ${sizes.join(", ")}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
