import { readFile, writeFile } from "node:fs/promises";
import { transform } from "esbuild";

/** Characters. Texts that are one token, such as the Wasm, stay in one line. */
const LINE_MAX = 160;

/**
 * Breaks the lines of ES modules whose white space is minified. Node prints the line of an error that nobody catches: where a
 * module is one line, it prints the whole module, and the message is lost behind it.
 *
 * @param {readonly string[]} files absolute paths
 */
export async function breakLines(files) {
  await Promise.all(
    files.map(async (file) => {
      const { code } = await transform(await readFile(file, "utf8"), {
        format: "esm", target: "es2022", minifyWhitespace: true, minifySyntax: true, lineLimit: LINE_MAX, legalComments: "none", logLevel: "error",
      });
      await writeFile(file, code);
    }),
  );
}
