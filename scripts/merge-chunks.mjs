import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

/**
 * Puts the chunks that an entry loads at once into one file. esbuild cuts a chunk for each set of entries and imports that share
 * something, which comes to dozens; Node finds, reads and links each by itself: that was a fifth of the time to the first packet.
 *
 * @param {string} folder ES modules as esbuild writes them
 * @param {readonly { readonly entry: string, readonly into: string }[]} merges what an earlier one has taken is not taken again
 */
export async function mergeChunks(folder, merges) {
  for (const { entry, into } of merges) await mergeChunksOf(folder, entry, into);
}

/** `import{a,b as c}from"./chunk-X.js";`, also without names, and also `export`. */
const STATIC = /(import|export)(?:\{([^}]*)\}from)?"\.\/(chunk-[\w-]+\.js)";/g;
const EXPORTS = /export\{([^}]*)\};\s*$/;

/**
 * @param {string} folder
 * @param {string} entry
 * @param {string} into
 */
async function mergeChunksOf(folder, entry, into) {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  const texts = new Map(await Promise.all(names.map(async (name) => /** @type {const} */ ([name, await readFile(join(folder, name), "utf8")]))));
  const merged = chunksOf(entry, texts);
  const lines = merged.map((name, number) => {
    const exported = exportsOf(texts.get(name) ?? "").map((own) => `${own} as ${own}_${number}`);
    return `export { ${exported.join(", ")} } from "./${name}";`;
  });
  await build({
    stdin: { contents: lines.join("\n"), resolveDir: folder },
    outfile: join(folder, into),
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    logLevel: "error",
    plugins: [
      {
        name: "merged-alone",
        setup: (pluginBuild) => pluginBuild.onResolve({ filter: /.*/ }, ({ path }) => (merged.includes(path.slice(2)) ? undefined : { path, external: true })),
      },
    ],
  });
  const kept = names.filter((name) => !merged.includes(name));
  await Promise.all(kept.map((name) => writeFile(join(folder, name), redirected(texts.get(name) ?? "", merged, into))));
  await Promise.all(merged.map((name) => rm(join(folder, name))));
}

/**
 * The chunks that are loaded with an entry, in the order of their imports.
 *
 * @param {string} entry
 * @param {ReadonlyMap<string, string>} texts
 */
function chunksOf(entry, texts) {
  const found = new Set([entry]);
  for (const name of found) for (const [, , , chunk = ""] of (texts.get(name) ?? "").matchAll(STATIC)) found.add(chunk);
  return [...found].slice(1);
}

/**
 * The names that a module exports.
 *
 * @param {string} text
 */
function exportsOf(text) {
  const list = EXPORTS.exec(text)?.[1] ?? "";
  return list.split(",").flatMap((item) => item.split(" as ").at(-1) || []);
}

/**
 * What is imported of a merged chunk is imported of the whole.
 *
 * @param {string} text
 * @param {readonly string[]} merged
 * @param {string} into
 */
function redirected(text, merged, into) {
  return text.replace(STATIC, (statement, word, list, name) => {
    const number = merged.indexOf(name);
    if (number === -1) return statement;
    const items = (list ?? "").split(",").filter((/** @type {string} */ item) => item !== "");
    const renamed = items.map((/** @type {string} */ item) => {
      const [own, local = own] = item.split(" as ");
      return `${own}_${number} as ${local}`;
    });
    return renamed.length === 0 ? "" : `${word}{${renamed.join(",")}}from"./${into}";`;
  });
}
