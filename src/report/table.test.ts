import { describe, expect, it } from "vitest";
import { plainStyle } from "./style";
import { markdownTable, table, wrapText } from "./table";

const COLUMNS = [{ title: "flow", shrink: true }, { title: "sent", align: "right" as const }];

describe("table", () => {
  it("aligns names to the left and numbers to the right", () => {
    expect(table(COLUMNS, [["web → db", "12"], ["a", "1,234"]])).toEqual(["flow       sent", "web → db     12", "a         1,234"]);
  });

  it("indents every line and leaves no blanks at the end of one", () => {
    expect(table([{ title: "a" }, { title: "b" }], [["x", ""]], { indent: 2 })).toEqual(["  a  b", "  x"]);
  });

  it("cuts a name in the middle to keep to the page", () => {
    const [, row] = table(COLUMNS, [["a-very-long-project-name-web-1 → db", "12"]], { width: 30 });
    expect(row).toBe("a-very-long…e-web-1 → db    12");
    expect(row).toHaveLength(30);
  });

  it("goes on in the next line where a column may wrap", () => {
    const lines = table([{ title: "n" }, { title: "why", wrap: true }], [["1", "the receiver is slower than its queue is long"]], { width: 30 });
    expect(lines).toEqual(["n  why", "1  the receiver is slower than", "   its queue is long"]);
  });

  it("measures a cell before it marks it", () => {
    const style = { ...plainStyle, good: (text: string) => `<${text}>` };
    expect(table(COLUMNS, [[{ text: "a", mark: "good" }, "1"]], { style })).toEqual(["flow  sent", "<a>        1"]);
  });

  it("escapes what Markdown would take for a border", () => {
    expect(markdownTable(COLUMNS, [["a|b", "1"]])).toEqual(["| flow | sent |", "| --- | --: |", "| a\\|b | 1 |"]);
  });

  it("leaves a word that is longer than the line alone on it", () => {
    expect(wrapText("a incomprehensible b", 6)).toEqual(["a", "incomprehensible", "b"]);
  });
});
