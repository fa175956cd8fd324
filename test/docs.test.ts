import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { renderDocs } from "../scripts/generate-docs.mjs";
import { input } from "../src/report/fixture";
import { buildReport } from "../src/report/json";

describe("generated pages", () => {
  it("are what `npm run docs` writes", async () => {
    for (const [path, text] of Object.entries(await renderDocs())) {
      expect(await readFile(path, "utf8"), `${path} is stale: run \`npm run docs\``).toBe(text);
    }
  });
});

describe("docs/report.md", () => {
  it("names every field of the JSON report", async () => {
    const page = await readFile("docs/report.md", "utf8");
    const missing = [...fieldsOf(buildReport(input))].filter((field) => !page.includes(`\`${field}\``));
    expect(missing).toEqual([]);
  });
});

function fieldsOf(value: unknown, fields = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const item of value) fieldsOf(item, fields);
  else if (typeof value === "object" && value !== null) {
    for (const [key, child] of Object.entries(value)) fieldsOf(child, fields.add(key));
  }
  return fields;
}
