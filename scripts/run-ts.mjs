/**
 * Runs a TypeScript program of this repository: Node 20 cannot, so it is bundled first, with the Wasm and the worker as they are now.
 *
 * Usage: node scripts/run-ts.mjs FILE [ARGUMENTS]
 */
import { build } from "esbuild";
import { spawn } from "node:child_process";
import { basename, join } from "node:path";
import { buildWasm } from "./embed-wasm.mjs";
import { ROOT } from "./hash-files.mjs";
import { inlineWorkerEsbuild } from "./inline-worker.mjs";

const [file, ...programArguments] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node scripts/run-ts.mjs FILE [ARGUMENTS]");
  process.exit(2);
}
await buildWasm();
const outfile = join(ROOT, "build", `${basename(file, ".ts")}.mjs`);
await build({
  entryPoints: [file],
  outfile,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  packages: "external",
  sourcemap: "inline",
  plugins: [inlineWorkerEsbuild({ minify: true })],
  logLevel: "warning",
});
const child = spawn(process.execPath, ["--enable-source-maps", outfile, ...programArguments], { stdio: "inherit" });
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 1;
});
