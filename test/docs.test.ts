import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { renderDocs } from "../scripts/generate-docs.mjs";

describe("generated pages", () => {
  it("are what `npm run docs` writes", async () => {
    for (const [path, text] of Object.entries(await renderDocs())) {
      expect(await readFile(path, "utf8"), `${path} is stale: run \`npm run docs\``).toBe(text);
    }
  });
});
