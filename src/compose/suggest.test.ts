import { expect, it } from "vitest";
import { suggest } from "./suggest";

it("finds a name that is a slip away", () => {
  expect(suggest("bakc", ["front", "back"])).toBe(`, did you mean "back"?`);
  expect(suggest("prots", ["ports", "profiles"])).toBe(`, did you mean "ports"?`);
  expect(suggest("Networks", ["networks"])).toBe(`, did you mean "networks"?`);
  expect(suggest("db", ["bd", "web"])).toBe(`, did you mean "bd"?`);
});

it("says nothing when no name is near", () => {
  expect(suggest("cache", ["front", "back"])).toBe("");
  expect(suggest("a", ["xyz"])).toBe("");
  expect(suggest("anything", [])).toBe("");
});
