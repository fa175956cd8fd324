import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseEnvFile } from "./env-file";
import { formatNotice, Notices } from "./notice";

function parse(text: string, env: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(parseEnvFile({ file: ".env", text }, (name) => env[name], new Notices()));
}

describe("parseEnvFile", () => {
  it("reads names and values with the spaces around them cut off", () => {
    expect(parse("A=1\nB = two words  \n  C: 3\nD=\nE.F-g[0]=x")).toEqual({ A: "1", B: "two words", C: "3", D: "", "E.F-g[0]": "x" });
  });

  it("skips comments, empty lines and a byte order mark", () => {
    expect(parse("\ufeff# first\n\nA=1 # why\n#B=2\nC=a#b\r\nD=4")).toEqual({ A: "1", C: "a#b", D: "4" });
  });

  it("takes export for the shell's word, not for a name", () => {
    expect(parse("export A=1\nexported=2")).toEqual({ A: "1", exported: "2" });
  });

  it("keeps single quotes literal and expands double ones", () => {
    expect(parse(["A='$X \\n # x'", String.raw`B="$X\tend\\ \"q\" \$X" # comment`].join("\n"), { X: "x" })).toEqual({
      A: String.raw`$X \n # x`,
      B: 'x\tend\\ "q" $X',
    });
    expect(parse(["A='it\\'s'", String.raw`B="\0101\q"`].join("\n"))).toEqual({ A: "it's", B: "A\\q" });
  });

  it("lets quotes run over several lines", () => {
    expect(parse(`A="one\n two"\nB='x\ny'\nC=3`)).toEqual({ A: "one\n two", B: "x\ny", C: "3" });
  });

  it("expands earlier variables, the environment first", () => {
    expect(parse("A=1\nB=${A}2\nC=$B-${X:-none}\nD=$Y", { Y: "env", A: "outer" })).toEqual({ A: "1", B: "outer2", C: "outer2-none", D: "env" });
  });

  it("takes the value of a bare name from the environment", () => {
    expect(parse("A\nB\nC", { A: "a", C: "c" })).toEqual({ A: "a", C: "c" });
  });

  it("reports an unset variable with its line", () => {
    const notices = new Notices();
    parseEnvFile({ file: ".env", text: "A=1\nB=$NO\n" }, () => undefined, notices);
    expect(notices.list().map(formatNotice)).toEqual(['.env:2:3: the "NO" variable is not set, defaulting to a blank string']);
  });

  it.each([
    ["A=1\nB C=2", `.env:2:1: expected a variable name without a space, found "B C"`],
    ["A=1\n  B!=2", `.env:2:4: expected a letter, a digit or one of "_.-[]" in a variable name, found "!" in "B!=2"`],
    ["=1", `.env:1:1: expected NAME=value, found "=1"`],
    ["A=1\nB='x\ny", `.env:2:3: expected a closing ', found "'x"`],
    ["A=${B", `.env:1:3: expected "\${NAME}" or a form of it, found "\${B"`],
  ])("refuses %j", (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it("gives back what single quotes hold", () => {
    fc.assert(fc.property(fc.string().filter((text) => !/['\\]/.test(text)), (text) => {
      expect(parse(`A='${text}'\nB=2`)).toEqual({ A: text, B: "2" });
    }));
  });
});
