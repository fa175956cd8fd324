import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * Bytes, minified and gzipped, of what a page loads for `import "dockwire"`: Wasm and worker included, but not what is imported on
 * demand, such as the TypeScript engine.
 *
 * @param {string} folder from which the package is found
 */
export async function coreSize(folder) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export * from "dockwire";`, resolveDir: folder },
    absWorkingDir: folder,
    outdir: "size",
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    tsconfigRaw: "{}",
    logLevel: "error",
  });
  const [entry, { imports }] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === "<stdin>") ?? ["", { imports: [] }];
  const loaded = [entry, ...imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path)];
  const chunks = outputFiles.filter(({ path }) => loaded.some((name) => path.endsWith(name)));
  return chunks.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}
