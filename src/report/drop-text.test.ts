import { describe, expect, it } from "vitest";
import { DROP_COUNT, Drop } from "../../assembly/abi/drop";
import { dropNames, dropText } from "./drop-text";

describe("words for drops", () => {
  it("has one for every reason", () => {
    expect(dropNames()).toHaveLength(DROP_COUNT);
    for (const [reason] of dropNames()) expect(dropText(reason).meaning).toMatch(/^[^.]+$/);
  });

  it("keeps a meaning to a clause that fits a table, and ends advice with a full stop", () => {
    for (const [reason, name] of dropNames()) {
      expect(dropText(reason).meaning.length, name).toBeLessThanOrEqual(60);
      expect(dropText(reason).advice, name).toMatch(/\.$/);
    }
  });

  it("gives no two reasons the same meaning", () => {
    expect(new Set(dropNames().map(([reason]) => dropText(reason).meaning)).size).toBe(DROP_COUNT);
  });

  it("finds a reason by its number", () => {
    expect(dropText(Drop.NoSocket).meaning).toBe("nobody listens on the port");
  });
});
