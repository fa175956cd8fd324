import { describe, expect, it } from "vitest";
import { Answer, NO_SLICE, toUntyped, type AnswerValue } from "../../model/inspect/answer";
import { executeTemplate } from "./execute";
import { parseTemplate } from "./parser";

const endpoint = (ip: string) => Answer.of({ IPAddress: ip, Aliases: NO_SLICE });
const data = new Answer([
  { json: "Id", go: "ID", value: "abc" },
  { json: "Name", value: "/c1" },
  { json: "Ports", value: new Map<string, AnswerValue>([["81/tcp", NO_SLICE], ["80/tcp", [Answer.of({ HostIp: "0.0.0.0", HostPort: "8080" })]]]) },
  { json: "Networks", value: new Map<string, AnswerValue>([["b", endpoint("10.0.0.2")], ["a", endpoint("10.0.0.1")]]) },
  { json: "Gateway", value: "", omitEmpty: true },
]);

const fill = (template: string, value: AnswerValue = data) => executeTemplate(parseTemplate(template), value, { missingKey: "nothing" });
const failure = (run: () => string): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return "no failure";
};

describe("a template", () => {
  it.each([
    ["{{.Name}}", "/c1"],
    ["{{ .ID }}|{{.Gateway}}|", "abc||"],
    ["{{json .Networks}}", '{"a":{"IPAddress":"10.0.0.1","Aliases":null},"b":{"IPAddress":"10.0.0.2","Aliases":null}}'],
    ["{{range .Networks}}{{.IPAddress}} {{end}}", "10.0.0.1 10.0.0.2 "],
    ["{{range $k, $v := .Networks}}{{$k}}={{$v.IPAddress}};{{end}}", "a=10.0.0.1;b=10.0.0.2;"],
    ["{{range $p, $c := .Ports}}{{$p}}{{if $c}}->{{(index $c 0).HostPort}}{{else}} closed{{end}} {{end}}", "80/tcp->8080 81/tcp closed "],
    ['{{(index .Networks "a").IPAddress}}', "10.0.0.1"],
    ["{{.Networks.none.IPAddress}}", "<no value>"],
    ["{{with .Gateway}}{{.}}{{else}}none{{end}}", "none"],
    ["{{if eq .Name \"/c1\"}}yes{{else if .ID}}no{{end}}", "yes"],
    ["{{.Name | printf \"%-6s|\"}}", "/c1   |"],
    ["{{upper .Name}} {{len .Networks}} {{println 1 2}}", "/C1 2 1 2\n"],
    ["a {{- /* gone */ -}} b", "ab"],
    ["{{$x := .Name}}{{$x}}{{$.ID}}", "/c1abc"],
    ["{{.Ports}}", "map[80/tcp:[{0.0.0.0 8080}] 81/tcp:[]]"],
    ['{{html "<a>"}} {{js "it\'s"}} {{urlquery "a b"}} {{printf "%T" .Name}}', "&lt;a&gt; it\\'s a+b string"],
    ['{{index .Networks "none"}}', "<nil>"],
    ["{{join (split .Name \"c\") \"-\"}}", "/-1"],
  ])("%s is filled in", (template, text) => {
    expect(fill(template)).toBe(text);
  });

  it.each([
    ["{{.Name", "template: :1: unclosed action"],
    ["{{}}", "template: :1: missing value for command"],
    ["{{.A}", "template: :1: bad character U+007D '}'"],
    ["{{end}}", "template: :1: unexpected {{end}}"],
    ["{{if}}", "template: :1: missing value for if"],
    ["{{if .A}}", "template: :1: unexpected EOF"],
    ["{{range}}{{end}}", "template: :1: missing value for range"],
    ["{{$x}}", 'template: :1: undefined variable "$x"'],
    ['{{"a}}', "template: :1: unterminated quoted string"],
    ["{{foo}}", 'template: :1: function "foo" not defined'],
    ["{{.A.}}", "template: :1: unexpected <.> in operand"],
    ["{{1a}}", 'template: :1: bad number syntax: "1a"'],
    ["{{else}}", "template: :1: unexpected {{else}}"],
    ["{{(.A}}", "template: :1: unclosed left paren"],
    ["{{.A)}}", 'template: :1: unexpected ")" in command'],
  ])("%s is refused in Go's words", (template, message) => {
    expect(failure(() => fill(template))).toBe(message);
  });

  it.each([
    ["{{.Nope}}", 'template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"'],
    ["{{.Name.Nope}}", `template: :1:7: executing "" at <.Name.Nope>: can't evaluate field Nope in type string`],
    ['{{(index (index .Ports "81/tcp") 0).HostPort}}', 'template: :1:3: executing "" at <index (index .Ports "81/tcp") 0>: error calling index: index of untyped nil'],
  ])("%s fails on data without types", (template, message) => {
    expect(failure(() => executeTemplate(parseTemplate(template), toUntyped(data), { missingKey: "error" }))).toBe(message);
  });
});
