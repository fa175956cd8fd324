/**
 * `import source from "inline-worker:host"` gives a worker script as text: one classic script with everything
 * bundled, which runs in a Blob URL, in `new Worker(source, { eval: true })` and from a file.
 * One function, wrapped once for esbuild (tsup) and once for Vite (vitest), so that tests run what ships.
 */
import { build } from "esbuild";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const PREFIX = "inline-worker:";
const ENTRIES = {
  host: fileURLToPath(new URL("../src/worker/host.ts", import.meta.url)),
  "wasm-host": fileURLToPath(new URL("../src/worker/wasm-host.ts", import.meta.url)),
};

/**
 * Bundles a worker entry into a self-contained classic script.
 *
 * @param {string} name the part after `inline-worker:`
 * @param {{ minify?: boolean }} [options]
 * @returns {Promise<{ text: string, inputs: string[] }>} the script, and the files that it was made from, as absolute paths
 */
export async function bundleWorker(name, { minify = false } = {}) {
  const entry = ENTRIES[/** @type {keyof typeof ENTRIES} */ (name)];
  if (entry === undefined) throw new Error(`inline-worker: expected one of ${Object.keys(ENTRIES).join(", ")}, found "${name}"`);
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    minify,
    legalComments: "none",
    metafile: true,
    logLevel: "silent",
  });
  return { text: result.outputFiles[0].text, inputs: Object.keys(result.metafile.inputs).map((file) => resolve(file)) };
}

/**
 * The plugin for esbuild, hence for tsup.
 *
 * @param {{ minify?: boolean }} [options]
 * @returns {import("esbuild").Plugin}
 */
export function inlineWorkerEsbuild(options) {
  return {
    name: "inline-worker",
    setup(pluginBuild) {
      pluginBuild.onResolve({ filter: /^inline-worker:/ }, ({ path }) => ({ path: path.slice(PREFIX.length), namespace: "inline-worker" }));
      pluginBuild.onLoad({ filter: /.*/, namespace: "inline-worker" }, async ({ path }) => {
        const { text, inputs } = await bundleWorker(path, options);
        return { contents: text, loader: "text", watchFiles: inputs };
      });
    },
  };
}

/**
 * The plugin for Vite, hence for vitest in Node and in the browser.
 *
 * @param {{ minify?: boolean }} [options]
 * @returns {import("vite").Plugin}
 */
export function inlineWorkerVite(options) {
  return {
    name: "inline-worker",
    resolveId: (id) => (id.startsWith(PREFIX) ? `\0${id}` : undefined),
    async load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return undefined;
      const { text, inputs } = await bundleWorker(id.slice(PREFIX.length + 1), options);
      for (const file of inputs) this.addWatchFile(file);
      return `export default ${JSON.stringify(text)};`;
    },
  };
}
