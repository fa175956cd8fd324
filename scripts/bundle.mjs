/**
 * Runs a TypeScript file on every Node that the package supports: bundled by esbuild into one module, then imported.
 *
 * Usage: node scripts/bundle.mjs FILE.ts [ARGUMENT…]
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { ROOT } from "./hash-files.mjs";
import { inlineWorkerEsbuild } from "./inline-worker.mjs";

/**
 * Bundles one entry. Packages stay imports, so `dockwire` is what `dist/` holds unless `source` asks for `src/`.
 *
 * @param {string} entry
 * @param {string} outfile
 * @param {{ source?: boolean }} [options]
 */
export async function bundle(entry, outfile, { source = false } = {}) {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    packages: source ? "bundle" : "external",
    external: ["node:*", "tinybench", "yaml"],
    sourcemap: "inline",
    // tsconfig's paths would send "dockwire" to src/; a user's program imports the package.
    tsconfigRaw: source ? undefined : "{}",
    absWorkingDir: ROOT,
    plugins: [inlineWorkerEsbuild({ minify: true })],
  });
}

/**
 * Bundles a file and imports the result, from a folder inside the project, so that its packages are found.
 *
 * @template T
 * @param {string} entry
 * @param {{ source?: boolean }} [options]
 * @returns {Promise<T>} the module
 */
export async function importTypescript(entry, options) {
  const parent = join(ROOT, "build");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "run-"));
  try {
    const file = join(folder, "main.mjs");
    await bundle(resolve(entry), file, options);
    return await import(pathToFileURL(file).href);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = process.argv[2];
  if (file === undefined) {
    console.error("usage: node scripts/bundle.mjs FILE.ts [ARGUMENT…]");
    process.exit(2);
  }
  process.argv.splice(1, 2, resolve(file));
  await importTypescript(file);
}
