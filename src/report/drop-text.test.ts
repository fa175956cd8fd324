import { describe, expect, it } from "vitest";
import { DROP_COUNT } from "../../assembly/abi/drop";
import { dropNames, dropText } from "./drop-text";

describe("words for drops", () => {
  it("has one for every reason", () => {
    expect(dropNames()).toHaveLength(DROP_COUNT);
    for (const [, name] of dropNames()) expect(dropText(name).meaning).toMatch(/^[^.]+$/);
  });

  it("keeps a meaning to a clause that fits a table, and ends advice with a full stop", () => {
    for (const [, name] of dropNames()) {
      expect(dropText(name).meaning.length, name).toBeLessThanOrEqual(60);
      expect(dropText(name).advice, name).toMatch(/\.$/);
    }
  });

  it("gives no two reasons the same meaning", () => {
    expect(new Set(dropNames().map(([, name]) => dropText(name).meaning)).size).toBe(DROP_COUNT);
  });

  it("calls harmless what only normal operation does", () => {
    expect(dropNames().flatMap(([, name]) => (dropText(name).isHarmless === true ? [name] : []))).toEqual(["OtherHost", "DupFrag", "TcpOldData", "VxlanArpUnknown"]);
  });
});
