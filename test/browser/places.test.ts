/** The same simulation in a browser, in its page and in a Web Worker, with the constants of the test in Node. */
import { describe, expect, it } from "vitest";
import { docker } from "../../src/targets/browser";
import { GOLDEN, PLACES, goldenTopology, measureGolden } from "../support/places";

describe.each(PLACES)("%s", (_, options) => {
  it("gives the golden digest", async () => {
    expect(await measureGolden(goldenTopology(docker), options)).toEqual(GOLDEN);
  });
});
