/** Compiles AssemblyScript that is not the engine: modules of benchmarks and tests around parts of it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The Wasm of a source text, which imports from `../../assembly/…`. Run from the root of the project.
 *
 * @param {string} name of the file in `build/modules`
 * @param {string} source
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function assemble(name, source) {
  // asc reads the asconfig.json of the folder that it is started in, and would build the engine as well.
  const folder = join(process.cwd(), "build/modules");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.ts`), source);
  const asc = fileURLToPath(import.meta.resolve("assemblyscript/asc")).replace(/dist\/asc\.js$/, "bin/asc.js");
  const options = ["--runtime", "stub", "--enable", "simd", "-O3", "--converge", "--bindings", "none", "--use", "TRACE=0", "--outFile", `${name}.wasm`];
  execFileSync(process.execPath, [asc, `${name}.ts`, ...options], { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  return new Uint8Array(readFileSync(join(folder, `${name}.wasm`)));
}
