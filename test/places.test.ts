/** The same simulation in every engine and thread of this process. `test/browser/places.test.ts` compares with the same constants. */
import { describe, expect, it } from "vitest";
import { docker } from "../src/targets/node";
import { GOLDEN, PLACES, goldenTopology, measureGolden } from "./support/places";

describe.each(PLACES)("%s", (_, options) => {
  it("gives the golden digest", async () => {
    expect(await measureGolden(goldenTopology(docker), options)).toEqual(GOLDEN);
  });
});
