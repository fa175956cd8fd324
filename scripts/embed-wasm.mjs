/**
 * Compiles `assembly/` to `build/release.wasm` and `build/single-host.wasm`, and writes both, deflated, as base64 into
 * `src/engine/wasm/*.gen.ts`: one mechanism for Node, browsers, tests and any bundler, without a fetch. Zopfli takes seconds where zlib
 * takes milliseconds, and finds a deflation that is 4 % shorter: 2 kB that every page loads.
 * asc takes seconds, so a hash of everything that goes in decides whether anything is to be done. For a debugger there is
 * `npx asc --target debug`.
 *
 * Usage: node scripts/embed-wasm.mjs [--force]
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import zopfli from "@gfx/zopfli";
import { ROOT, hashFiles } from "./hash-files.mjs";

const ENTRY = "assembly/index.ts";
/** @typedef {{ target: string, output: string, what: string }} Build */
/** @type {readonly Build[]} */
const BUILDS = [
  { target: "release", output: "src/engine/wasm/bytes.gen.ts", what: "the engine" },
  { target: "single-host", output: "src/engine/wasm/single-host.gen.ts", what: "the engine without overlays, load balancers and IPsec" },
];
/** What the bytes depend on: the sources, the options, the compiler's version and this script. */
const INPUTS = ["assembly", "asconfig.json", "scripts/embed-wasm.mjs", "node_modules/assemblyscript/package.json", "node_modules/@gfx/zopfli/package.json"];

/** More of them hardly gain anything: 50 save 35 bytes. */
const ZOPFLI_ITERATIONS = 15;

/** @type {Map<Build, Promise<boolean>>} */
const running = new Map();

/**
 * Builds what is out of date; calls that overlap share one build.
 *
 * @param {{ force?: boolean, builds?: readonly Build[] }} [options]
 * @returns {Promise<boolean>} whether asc had to run
 */
export async function buildWasm({ force = false, builds = BUILDS } = {}) {
  const built = await Promise.all(
    builds.map((one) => {
      const promise = running.get(one) ?? build(one, force).finally(() => running.delete(one));
      running.set(one, promise);
      return promise;
    }),
  );
  return built.includes(true);
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
      const wanted = BUILDS.find(({ output }) => `${id.replace(/\.ts$/, "")}.ts`.endsWith(`/${basename(output)}`));
      if (wanted === undefined) return undefined;
      await buildWasm({ builds: [wanted] });
      return join(ROOT, wanted.output);
    },
  };
}

/**
 * @param {Build} one
 * @param {boolean} force
 */
async function build({ target, output, what }, force) {
  if (!existsSync(join(ROOT, ENTRY))) throw new Error(`${ENTRY}: expected the entry of the Wasm engine, found no such file`);
  const [hash, stamp] = [await hashFiles(INPUTS), `build/${target}.sha256`];
  if (!force && (await isFresh(hash, stamp, [output, `build/${target}.wasm`]))) return false;
  await mkdir(join(ROOT, "build"), { recursive: true });
  const scratch = await mkdtemp(join(ROOT, "build/asc-"));
  try {
    await compile(target, scratch);
    const text = await render(await readFile(join(scratch, `${target}.wasm`)), what);
    for (const name of await readdir(scratch)) await rename(join(scratch, name), join(ROOT, "build", name));
    await writeWhole(output, text);
    await writeWhole(stamp, hash);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return true;
}

/**
 * @param {string} hash
 * @param {string} stamp
 * @param {readonly string[]} outputs
 */
async function isFresh(hash, stamp, outputs) {
  if (!outputs.every((path) => existsSync(join(ROOT, path)))) return false;
  return (await readFile(join(ROOT, stamp), "utf8").catch(() => "")) === hash;
}

/**
 * asc runs as a process of its own: both builds compile at once, and its memory goes back.
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
async function render(wasm, what) {
  const deflated = await zopfli.zlibAsync(wasm, { numiterations: ZOPFLI_ITERATIONS });
  return `// Written by scripts/embed-wasm.mjs from assembly/; not in git.
import type { PackedWasm } from "./compile";

/** The release build of ${what}. */
export const PACKED: PackedWasm = {
  lengthBytes: ${wasm.length},
  base64:
    "${Buffer.from(deflated).toString("base64")}",
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
    const sizes = await Promise.all(BUILDS.map(async ({ target }) => `${(await readFile(join(ROOT, `build/${target}.wasm`))).length} bytes (${target})`));
    console.log(`wasm: ${built ? `built in ${Math.round(performance.now() - started)} ms` : "up to date"}, ${sizes.join(", ")}`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
