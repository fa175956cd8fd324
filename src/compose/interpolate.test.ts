import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpolate, substitute } from "./interpolate";
import { plain } from "./node";
import { formatNotice, Notices } from "./notice";
import { parseYaml } from "./yaml";

function run(template: string, env: Record<string, string> = {}): { text: string; unset: string[] } {
  const unset: string[] = [];
  const fail = (reason: string): never => {
    throw new Error(reason);
  };
  return { text: substitute(template, { lookup: (name) => env[name], unset: (name) => unset.push(name), fail }), unset };
}

describe("substitute", () => {
  const env = { SET: "value", EMPTY: "", N_1: "n" };

  it.each([
    ["plain", "plain"],
    ["$SET ${SET}", "value value"],
    ["$SET-x ${N_1}2", "value-x n2"],
    ["$$SET $$$SET $$$$", "$SET $value $$"],
    ["100$ $5 $-", "100$ $5 $-"],
    ["${NONE:-d} ${EMPTY:-d} ${SET:-d}", "d d value"],
    ["${NONE-d} ${EMPTY-d} ${SET-d}", "d  value"],
    ["${NONE:+a} ${EMPTY:+a} ${SET:+a}", "  a"],
    ["${NONE+a} ${EMPTY+a} ${SET+a}", " a a"],
    ["${SET:?e} ${SET?e} ${EMPTY?e}", "value value "],
    ["${NONE:-${EMPTY:-${SET}}}", "value"],
    ["${NONE:-a:-b}", "a:-b"],
    ["${NONE:-http://x:80/?a=b}", "http://x:80/?a=b"],
    ["${NONE:-$$}", "$"],
    ["${SET:+${NONE:-x}-${SET}}", "x-value"],
    ["${NONE:-two\nlines}", "two\nlines"],
    ['${NONE:-{"a": {}}}', '{"a": {}}'],
  ])("turns %j into %j", (template, expected) => {
    expect(run(template, env).text).toBe(expected);
  });

  it("reports each variable that is used without a default and has no value", () => {
    expect(run("$A ${B} ${C:-x} ${D+y} ${E:-$F} $SET", env).unset).toEqual(["A", "B", "F"]);
  });

  it.each(["${", "${A", "${}", "${1}", "${A b}", "${A:}", "${A:=x}", "x ${-a}"])("refuses %j", (template) => {
    expect(() => run(template)).toThrow(`expected "\${NAME}" or a form of it, found ${JSON.stringify(template)}; a "$" of the text is written "$$"`);
  });

  it("demands a required variable, with the reason given", () => {
    expect(() => run("${NONE:?set $SET}", env)).toThrow("required variable NONE is missing a value: set value");
    expect(() => run("${EMPTY:?}", env)).toThrow("required variable EMPTY is missing a value");
    expect(() => run("${NONE?}", env)).toThrow("required variable NONE is missing a value");
  });

  it("refuses variables inside one another without bound", () => {
    const template = "${A:-".repeat(10_000) + "}".repeat(10_000);
    expect(() => run(template)).toThrow("expected at most 200 variables inside one another, found more");
  });

  it("leaves any text alone once its dollars are doubled", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom("$", "{", "}", "A", ":", "-", " ", "\\") }), (text) => {
      expect(run(text.replaceAll("$", "$$$$")).text).toBe(text);
    }));
  });

  it("puts any value where its variable stands, without reading it again", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (value, other) => {
      const around = other.replaceAll("$", "");
      expect(run(`${around}\${X}${around}`, { X: value }).text).toBe(around + value + around);
      expect(run("${Y:-${X}}", { X: value }).text).toBe(value);
    }));
  });
});

describe("interpolate", () => {
  const tree = (text: string, env: Record<string, string> = {}) => {
    const notices = new Notices();
    const [root] = parseYaml({ file: "f.yaml", text });
    return { result: root && plain(interpolate(root, (name) => env[name], notices)), notices: notices.list().map(formatNotice) };
  };

  it("replaces in values and never in keys", () => {
    expect(tree("$A: ['$A', {k: '${A}'}, 5, true]", { A: "x" }).result).toEqual({ $A: ["x", { k: "x" }, 5, true] });
  });

  it("names the place of an unset variable, once even under two aliases", () => {
    const { notices } = tree("a: &x\n  b: $NO\nc: *x\nd: $NO\n");
    expect(notices).toEqual([
      'f.yaml:2:6: a.b: the "NO" variable is not set, defaulting to a blank string',
      'f.yaml:4:4: d: the "NO" variable is not set, defaulting to a blank string',
    ]);
  });

  it("fails at the value", () => {
    expect(() => tree("a:\n  - ok\n  - ${X:?no X}\n")).toThrow("f.yaml:3:5: a[1]: required variable X is missing a value: no X");
  });
});
