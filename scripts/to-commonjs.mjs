import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";

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

/**
 * The same for their declarations (`x.d.ts` → `x.d.cts`): who resolves modules as Node does takes those of `x.cjs` from there.
 *
 * @param {string} folder
 */
export async function typesToCommonjs(folder) {
  for (const name of (await readdir(folder)).filter((file) => file.endsWith(".d.ts"))) {
    const text = await readFile(join(folder, name), "utf8");
    await writeFile(join(folder, name.replace(/\.ts$/, ".cts")), text.replace(/(from |import\()(['"])(\.\/[^'"]+)\.js\2/g, "$1$2$3.cjs$2"));
  }
}
