import { Answer, type AnswerValue } from "../../model/inspect/answer";

/** A row of a list of the client: its fields are texts, or switches, and labels can be asked for by name. */
export class ListRow extends Answer {
  readonly #labels: Readonly<Record<string, string>> | undefined;

  /** Without `labels` it is a row of headings. */
  constructor(values: Readonly<Record<string, string | boolean>>, labels?: Readonly<Record<string, string>>) {
    // As JSON they stand in the order of their names.
    const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1));
    super(sorted.map(([json, value]): { json: string; value: AnswerValue } => ({ json, value })));
    this.#labels = labels;
  }

  /** `{{.Label "name"}}`; in a row of headings, the last part of the name (docker/cli cli/command/formatter/custom.go: SubHeaderContext). */
  label(name: string): string {
    return this.#labels === undefined ? (name.split(".").at(-1) ?? "").replace(/[-_]/g, " ") : (this.#labels[name] ?? "");
  }
}
