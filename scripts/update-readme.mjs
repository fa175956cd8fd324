/**
 * Prints anew what the README shows: the output of its first program, and of each command after `$ dockwire`.
 * `test/readme.test.ts` compares the two. `dist/` must be built.
 *
 * Usage: node scripts/update-readme.mjs
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./hash-files.mjs";

const file = join(ROOT, "README.md");
/** @param {string[]} args */
const run = (...args) => {
  try {
    return execFileSync(process.execPath, args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  } catch (error) {
    // A command that says no ends with 1, and what it printed is what the README shows.
    if (error instanceof Error && "status" in error && error.status === 1 && "stdout" in error) return String(error.stdout);
    throw error;
  }
};

const text = readFileSync(file, "utf8");
const program = /^```js\n([^]*?)^```$/m.exec(text)?.[1] ?? "";
const snippet = join(ROOT, "build/readme.mjs");
mkdirSync(join(ROOT, "build"), { recursive: true });
writeFileSync(snippet, program);
let isFirst = true;
const updated = text.replace(/^```text\n([^]*?)^```$/gm, (_, /** @type {string} */ shown) => {
  const [command = ""] = shown.split("\n");
  const words = /^\$ dockwire (.*)$/.exec(command)?.[1]?.split(" ");
  const printed = words ? `${command}\n${run("dist/cli.js", ...words)}` : isFirst ? run(snippet) : shown;
  isFirst = false;
  return `\`\`\`text\n${printed}\`\`\``;
});
rmSync(snippet);
writeFileSync(file, updated);
