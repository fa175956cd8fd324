/**
 * Runs one of the programs in `examples/` against the built package, as somebody who installed it would.
 *
 * Usage: node scripts/example.mjs 01           the program whose name begins so
 *        node scripts/example.mjs 07-browser   serves the page at http://localhost:8000, or at another port if that is taken
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { buildAll } from "./build.mjs";
import { bundle } from "./bundle.mjs";
import { ROOT } from "./hash-files.mjs";

const FOLDER = join(ROOT, "examples");
const PAGE = "07-browser";

/**
 * The names of all examples, in order.
 *
 * @returns {Promise<string[]>}
 */
export async function listExamples() {
  return (await readdir(FOLDER)).filter((name) => /^\d\d-/.test(name)).sort();
}

/**
 * Bundles a program; imports of packages stay, so `dockwire` is found where the program lies.
 *
 * @param {string} name such as `01-two-containers.ts`
 * @param {string} folder inside the project
 * @returns {Promise<string>} path of the module
 */
export async function bundleExample(name, folder) {
  const file = join(folder, `${basename(name, ".ts")}.mjs`);
  await bundle(join(FOLDER, name), file);
  return file;
}

/**
 * A server with the browser example; close it when done.
 *
 * @param {number} port 0: any
 * @returns {Promise<import("node:http").Server>} listening
 */
export async function serveBrowserExample(port) {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, PAGE, "main.ts")],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    tsconfigRaw: "{}",
    absWorkingDir: ROOT,
    // Chunks without side effects are imported for nothing; esbuild says so of each, but in node_modules.
    logOverride: { "ignored-bare-import": "silent" },
  });
  const html = await readFile(join(FOLDER, PAGE, "index.html"));
  const server = createServer(({ url }, response) => {
    const isScript = url === "/main.js";
    response.writeHead(isScript || url === "/" ? 200 : 404, { "content-type": isScript ? "text/javascript; charset=utf-8" : "text/html; charset=utf-8" });
    response.end(isScript ? outputFiles[0]?.contents : url === "/" ? html : "not found");
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(undefined));
  });
  return server;
}

/** @param {string | undefined} wanted */
async function main(wanted) {
  const examples = await listExamples();
  const name = examples.find((candidate) => wanted !== undefined && candidate.startsWith(wanted));
  if (name === undefined) {
    console.error(`usage: npm run example -- NAME\n\n${examples.map((example) => `  ${example}`).join("\n")}`);
    return 2;
  }
  await buildAll();
  if (name === PAGE) {
    // Another port where somebody has this one.
    const server = await serveBrowserExample(8000).catch((error) => (error.code === "EADDRINUSE" ? serveBrowserExample(0) : Promise.reject(error)));
    const address = server.address();
    console.log(`http://localhost:${typeof address === "object" ? address?.port : address} (Ctrl-C ends it)`);
    return undefined;
  }
  await mkdir(join(ROOT, "build"), { recursive: true });
  const folder = await mkdtemp(join(ROOT, "build/example-"));
  try {
    const file = await bundleExample(name, folder);
    const child = spawn(process.execPath, ["--enable-source-maps", file], { stdio: "inherit", cwd: ROOT });
    return await new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv[2]);
