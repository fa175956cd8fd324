import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * Bytes, minified and gzipped, of what a page loads for `import "dockwire"`: Wasm and worker included, but not what is imported on
 * demand, such as the TypeScript engine. In one piece, as Rollup and Vite make it.
 *
 * @param {string} folder from which the package is found
 */
export async function coreSize(folder) {
  const { outputFiles } = await build({
    stdin: { contents: `export * from "dockwire";`, resolveDir: folder },
    absWorkingDir: folder,
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    tsconfigRaw: "{}",
    logLevel: "error",
    plugins: [
      {
        name: "on-demand",
        setup(pluginBuild) {
          pluginBuild.onResolve({ filter: /.*/ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
        },
      },
    ],
  });
  return gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length;
}
