import { Answer, type AnswerValue } from "../model/inspect/answer";
import { executeTemplate } from "./template/execute";
import { parseTemplate } from "./template/parser";
import { TemplateError } from "./template/syntax";
import { Failure, type Output } from "./outcome";
import { ListRow } from "./template/row";
import { alignColumns } from "./table";

/** A list that the client prints, as `docker ps` and `docker network ls` do. */
export interface ListSpec {
  /** Go's name of the type of a row, for messages. */
  readonly type: string;
  readonly table: string;
  readonly raw: string;
  readonly quiet: string;
  readonly headings: Readonly<Record<string, string>>;
  readonly rows: readonly ListRow[];
  /** The client of Docker 29 prints it. */
  readonly isOf29: boolean;
}

/**
 * Prints a list in the asked format (docker/cli cli/command/formatter/formatter.go), which may be `json` in Docker 29.
 *
 * @throws Failure in the client's words if the template is wrong.
 */
export function printList(list: ListSpec, format: string, quiet: boolean, output: Output): void {
  const wanted = format === "" ? "table" : list.isOf29 && format === "json" ? "{{json .}}" : format;
  const isTable = wanted.startsWith("table");
  const body = templateOf(list, wanted, quiet);
  const text = body.replace(/\\t/g, "\t").replace(/\\n/g, "\n");
  const lines = attempt(() => {
    const template = parseTemplate(text);
    const fill = (value: AnswerValue, isHeading: boolean) =>
      executeTemplate(template, value, { missingKey: "nothing", isHeading, typeOf: (of) => (of instanceof Answer ? list.type : undefined) });
    const rows = list.rows.map((row) => fill(row, false));
    return isTable && !quiet ? [fill(new ListRow(list.headings), true), ...rows] : rows;
  });
  for (const line of isTable && !quiet ? alignColumns(lines) : lines) output.line(line);
}

function templateOf(list: ListSpec, format: string, quiet: boolean): string {
  if (format === "table") return quiet ? list.quiet : list.table;
  if (format === "raw") return quiet ? list.quiet : list.raw;
  return format.startsWith("table") ? format.slice("table".length).trim() : format;
}

function attempt(run: () => string[]): string[] {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError) throw new Failure(`template parsing error: ${error.message}`);
    throw error;
  }
}
