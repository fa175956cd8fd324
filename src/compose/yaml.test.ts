import { describe, expect, it } from "vitest";
import { plain, type ComposeNode } from "./node";
import { NESTING_MAX, nodeFromObject, NODES_MAX, parseYaml } from "./yaml";

const parse = (text: string): ComposeNode => parseYaml({ file: "f.yaml", text })[0] as ComposeNode;
const at = (node: ComposeNode | undefined, ...path: (string | number)[]): string => {
  let current = node;
  for (const key of path) {
    if (current?.kind === "mapping") current = current.entries.get(String(key))?.value;
    else if (current?.kind === "list") current = current.items[Number(key)];
  }
  return current?.position ? `${current.position.line}:${current.position.column}` : "none";
};

describe("parseYaml", () => {
  it("reads numbers with a leading zero as octal ones, as Go does", () => {
    expect(plain(parse("[0400, -017, 0o17, 080, '0400', 0, 10]"))).toEqual([0o400, -0o17, 0o17, 80, "0400", 0, 10]);
  });

  it("keeps the line and column of every value and key", () => {
    const node = parse("a:\n  b: [x, 12]\n  c:\n    - {d: yes}\n");
    expect([at(node, "a", "b"), at(node, "a", "b", 1), at(node, "a", "c", 0, "d")]).toEqual(["2:6", "2:10", "4:11"]);
    const a = node.kind === "mapping" ? node.entries.get("a") : undefined;
    expect(a?.position).toEqual({ file: "f.yaml", line: 1, column: 1 });
    expect(plain(node)).toEqual({ a: { b: ["x", 12], c: [{ d: "yes" }] } });
  });

  it("reads YAML 1.2: no sexagesimal ports, no yes for true", () => {
    expect(plain(parse("[22:22, yes, off, true, 0x10, 1.5, ~, 'null']"))).toEqual(["22:22", "yes", "off", true, 16, 1.5, null, "null"]);
  });

  it("gives an empty value the place of its key", () => {
    expect(at(parse("a:\n  b:\n"), "a", "b")).toBe("2:3");
  });

  it("keeps the place of what an alias stands for", () => {
    const node = parse("one: &x {k: 1}\ntwo: *x\nthree: [*x]\n");
    expect([at(node, "two", "k"), at(node, "three", 0, "k")]).toEqual(["1:13", "1:13"]);
  });

  it("uses the last anchor before an alias", () => {
    expect(plain(parse("a: &x 1\nb: *x\nc: &x 2\nd: *x\n"))).toEqual({ a: 1, b: 1, c: 2, d: 2 });
  });

  it("merges keys under those of the mapping itself, earlier sources first", () => {
    const node = parse("a: &a {k: 1, l: 1}\nb: &b {l: 2, m: 2}\nc:\n  k: 0\n  <<: [*a, *b]\n");
    expect(plain(node)).toMatchObject({ c: { k: 0, l: 1, m: 2 } });
    expect(at(node, "c", "m")).toBe("2:17");
  });

  it("takes a quoted << for an ordinary key", () => {
    expect(plain(parse(`"<<": 1`))).toEqual({ "<<": 1 });
  });

  it("reads several documents, and none from an empty text", () => {
    expect(parseYaml({ file: "f", text: "a: 1\n---\nb: 2\n" }).map(plain)).toEqual([{ a: 1 }, { b: 2 }]);
    expect(parseYaml({ file: "f", text: "# nothing\n" })).toEqual([]);
  });

  it("marks what !reset and !override stand before", () => {
    const node = parse("a: !reset null\nb: !override [1]\nc: !other x\n");
    const tags = node.kind === "mapping" ? [...node.entries.values()].map((entry) => entry.value.tag) : [];
    expect(tags).toEqual(["reset", "override", undefined]);
  });

  it.each([
    ["a: b\n  c: d", "f.yaml:1:4: expected valid YAML: nested mappings are not allowed in compact mappings"],
    ["a: 'x", "f.yaml:1:6: expected valid YAML: missing closing 'quote"],
    ["a: [1, 2", "f.yaml:1:9: expected valid YAML: flow sequence in block collection must be sufficiently indented and end with a ]"],
    ["a: *x", "f.yaml:1:4: expected an anchor before the alias *x, found none"],
    ["a: 1\nb: 2\na: 3", `f.yaml:3:1: mapping key "a" already defined at line 1`],
    ["a: 1\n8080: 2", "f.yaml:2:1: expected a string as key, found 8080"],
    ["true: 2", "f.yaml:1:1: expected a string as key, found true"],
    ["? [a]\n: 2", "f.yaml:1:3: expected a string as key, found a list"],
    ["<<: 5", `f.yaml:1:1: expected a mapping or a list of mappings after "<<", found 5`],
    ["a: &a {}\nb:\n  <<: *a\n  <<: *a", `f.yaml:4:3: mapping key "<<" already defined at line 3`],
    ["a: &a [*a]", "f.yaml:1:8: expected a value that ends, found the alias *a inside its own anchor"],
  ])("refuses %j", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it("refuses aliases that multiply without bound", () => {
    const levels = Array.from({ length: 8 }, (_, i) => `l${i}: &l${i} [${Array(9).fill(i === 0 ? "x" : `*l${i - 1}`).join(", ")}]`);
    expect(() => parse(levels.join("\n"))).toThrow(`f.yaml:1:1: expected at most ${NODES_MAX} values with aliases written out`);
  });
});

it("refuses nesting without bound, also through aliases", () => {
  const levels = Array.from({ length: 150 }, (_, i) => `l${i}: &l${i} {k: {k: ${i === 0 ? "x" : `*l${i - 1}`}}}`);
  expect(() => parse(levels.join("\n"))).toThrow(`f.yaml:1:1: expected at most ${NESTING_MAX} levels of nesting, found 302`);
  expect(() => parse(`a: ${"[".repeat(20_000)}`)).toThrow(/^f\.yaml:\d+:\d+: expected valid YAML/);
  let deep: unknown = "x";
  for (let i = 0; i < 20_000; i++) deep = [deep];
  expect(() => nodeFromObject({ deep })).toThrow(`expected plain data, found more than ${NESTING_MAX} levels of nesting`);
});

describe("nodeFromObject", () => {
  it("reads plain data, leaving out what is undefined", () => {
    expect(plain(nodeFromObject({ a: [1, "x", null, true], b: undefined, c: { d: 1.5 } }))).toEqual({ a: [1, "x", null, true], c: { d: 1.5 } });
  });

  it("names the key of what YAML could not hold", () => {
    expect(() => nodeFromObject({ a: { b: [() => 1] } })).toThrow("a.b[0]: expected plain data, found a function");
    expect(() => nodeFromObject({ a: new Map() })).toThrow("a: expected plain data, found an instance of Map");
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(() => nodeFromObject(circle)).toThrow("self: expected plain data, found a cycle");
  });
});
