import { build } from "esbuild";
import { dirname } from "node:path";

/**
 * Turns the library's ES modules, chunks included, into CommonJS ones beside them (`x.js` → `x.cjs`), one file into one file:
 * entries go on sharing their chunks, and so one `SimulationError`, and classes stay as they were written.
 * (tsup's own splitting for CommonJS goes through a second compiler, which rewrites class fields.)
 *
 * @param {readonly string[]} files absolute paths of ES modules in one folder
 */
export async function toCommonjs(files) {
  await build({
    entryPoints: [...files],
    outdir: dirname(files[0] ?? ""),
    outExtension: { ".js": ".cjs" },
    bundle: true,
    format: "cjs",
    // esbuild then lists the exports in the form that Node reads before it runs a file.
    platform: "node",
    target: "es2022",
    legalComments: "none",
    logLevel: "silent",
    plugins: [
      {
        name: "one-to-one",
        setup(pluginBuild) {
          pluginBuild.onResolve({ filter: /.*/ }, ({ kind, path }) =>
            kind === "entry-point" ? undefined : { path: path.replace(/^(\.\/.*)\.js$/, "$1.cjs"), external: true },
          );
        },
      },
    ],
  });
}
