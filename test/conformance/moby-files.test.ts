/** Files that moby's own tests wrote, where the folder of fixtures exists: the current generation. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { compareMobyFiles, isMobyFileFolder } from "./moby-files";

const FIXTURES = fileURLToPath(new URL("../../../shared/fixtures/", import.meta.url));
const isThere = existsSync(FIXTURES);
if (!isThere) console.log(`moby's files: skipped, there is no folder ${FIXTURES}`);

describe("what containers of the current generation find", () => {
  it.runIf(isThere).each([
    ["moby-resolvconf", 21],
    ["moby-etchosts", 5],
  ])("is what moby's tests say: %s", (name, files) => {
    const folder = FIXTURES + name;
    expect(isMobyFileFolder(folder)).toBe(true);
    const { results } = compareMobyFiles(folder);
    expect(results.flatMap(({ differences }) => differences)).toEqual([]);
    expect(results).toHaveLength(files);
  });
});
