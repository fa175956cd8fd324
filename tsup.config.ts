import { defineConfig, type Options } from "tsup";
import { inlineWorkerEsbuild } from "./scripts/inline-worker.mjs";

const library = {
  index: "src/targets/node.ts",
  browser: "src/targets/browser.ts",
  compose: "src/compose/index.ts",
  report: "src/report/index.ts",
};

/**
 * One graph, split into chunks, so that all entries share one `SimulationError` and one copy of the Wasm.
 * Comlink is bundled: the core has no runtime dependency.
 * The CommonJS twins are made from the result by `scripts/to-commonjs.mjs`.
 */
const common: Options = {
  target: "es2022",
  platform: "neutral",
  splitting: true,
  treeshake: false,
  clean: false,
  external: [/^node:/],
  noExternal: ["comlink", "@noble/ciphers", "@noble/curves", "@noble/hashes"],
  removeNodeProtocol: false,
  esbuildPlugins: [inlineWorkerEsbuild({ minify: true })],
  esbuildOptions: (options) => {
    options.mainFields = ["module", "main"];
    options.legalComments = "none";
    // Names stay, for whoever reads a stack; a process reads the rest each time it starts.
    options.minifyWhitespace = true;
    options.minifySyntax = true;
  },
};

export default defineConfig({ ...common, format: "esm", entry: { ...library, cli: "src/cli/index.ts" }, dts: { entry: library } });
