/**
 * Writes the pages of `docs/` that follow from the code. `test/docs.test.ts` fails when one is stale.
 *
 * Usage: node scripts/generate-docs.mjs
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { importTypescript } from "./bundle.mjs";
import { ROOT } from "./hash-files.mjs";

/**
 * The pages by their path.
 *
 * @returns {Promise<Record<string, string>>}
 */
export async function renderDocs() {
  const source = await readFile(join(ROOT, "assembly/abi/drop.ts"), "utf8");
  /** @type {typeof import("../src/report/drop-text")} */
  const texts = await importTypescript(join(ROOT, "src/report/drop-text.ts"), { source: true });
  /** @type {typeof import("./rule-pages")} */
  const { renderRulePages } = await importTypescript(join(ROOT, "scripts/rule-pages.ts"), { source: true });
  return { "docs/drops.md": renderDrops(source, texts), ...renderRulePages() };
}

/**
 * @param {string} source the text of `assembly/abi/drop.ts`
 * @param {typeof import("../src/report/drop-text")} texts
 */
function renderDrops(source, { dropNames, dropText }) {
  const comments = new Map([...source.matchAll(/\/\*\* ([^]*?) \*\/\s*(\w+)(?: = 0)?,/g)].map(([, comment = "", name = ""]) => [name, comment]));
  const rows = dropNames()
    .filter(([reason]) => reason !== 0)
    .map(([reason, name]) => {
      const { meaning, advice } = dropText(name);
      return `| ${reason} | \`${name}\` | ${meaning} | ${advice} | ${comments.get(name) ?? ""} |`;
    });
  return `# Why a packet died

<!-- Written by \`npm run docs\` from assembly/abi/drop.ts and src/report/drop-text.ts. -->

Every packet that does not arrive has exactly one reason from this list and one place: the device where it was last seen. The
names are those of the Linux kernel (\`SKB_DROP_REASON_*\`) wherever it has one. Reports, JSON, captures (as a comment on the
packet) and both engines use the same names; numbers are stable within one version.

| # | reason | in words | what to look at | in the kernel |
| --: | --- | --- | --- | --- |
${rows.join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of Object.entries(await renderDocs())) {
    await mkdir(dirname(join(ROOT, path)), { recursive: true });
    await writeFile(join(ROOT, path), text);
    console.log(`${path}: ${text.split("\n").length} lines`);
  }
}
