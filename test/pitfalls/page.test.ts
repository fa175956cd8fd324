/** What docs/pitfalls.md shows is what happens: its programs run, and print what stands behind them. `--update` writes it anew. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PAGE = join(ROOT, "docs/pitfalls.md");
const SAMPLE = /^```js\n([^]*?)^```\n\n```text\n([^]*?)^```$/gm;

let folder: string;
beforeAll(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "build/pitfalls-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a program prints. */
async function outputOf(program: string, name: string): Promise<string> {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, program);
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...words) => void lines.push(words.join(" ")));
  try {
    await import(file);
  } finally {
    log.mockRestore();
  }
  return lines.map((line) => `${line}\n`).join("");
}

it("docs/pitfalls.md shows what its programs print", { timeout: 300_000 }, async () => {
  const page = readFileSync(PAGE, "utf8");
  const programs = [...page.matchAll(SAMPLE)].map(([, program = ""]) => program);
  expect(programs.length).toBeGreaterThan(0);
  const outputs: string[] = [];
  for (const [index, program] of programs.entries()) outputs.push(await outputOf(program, `sample${index}`));
  const shown = page.replace(SAMPLE, (_, program: string) => `\`\`\`js\n${program}\`\`\`\n\n\`\`\`text\n${outputs.shift()}\`\`\``);
  await expect(shown).toMatchFileSnapshot(PAGE);
});
