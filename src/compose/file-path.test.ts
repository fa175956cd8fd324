import { expect, it } from "vitest";
import { baseName, directoryOf, isAbsolute, resolvePath } from "./file-path";

it("takes paths apart with either separator", () => {
  expect(["compose.yaml", "a/b.yaml", "/b.yaml", "c:\\x\\c.yaml"].map(directoryOf)).toEqual(["", "a", "/", "c:\\x"]);
  expect(["a/shop", "shop/", "c:\\x\\shop", "", "/"].map(baseName)).toEqual(["shop", "shop", "shop", "", ""]);
  expect(["/a", "C:/a", "a", "./a"].map(isAbsolute)).toEqual([true, true, false, false]);
});

it("puts paths together without dots", () => {
  expect(resolvePath("", "./a.yaml")).toBe("a.yaml");
  expect(resolvePath("a/b", "../c.yaml")).toBe("a/c.yaml");
  expect(resolvePath("a", "../../c.yaml")).toBe("../c.yaml");
  expect(resolvePath("a", "/c.yaml")).toBe("/c.yaml");
  expect(resolvePath("/a", "./b/./c")).toBe("/a/b/c");
  expect(resolvePath("a", "..")).toBe(".");
});
