import { Answer, toUntyped, type AnswerValue } from "../model/inspect/answer";
import { Failure, type Output } from "./outcome";
import { executeTemplate } from "./template/execute";
import { goJsonIndented } from "./template/json";
import { withNetip } from "./template/netip";
import { parseTemplate } from "./template/parser";
import { TemplateError, type TemplateNode } from "./template/syntax";

/** An object that was asked for, or why there is none. */
export type Inspected = { readonly answer: Answer } | { readonly refusal: string };

/**
 * Prints objects one after the other, as JSON or by a template, and says at the end what went wrong (docker/cli cli/command/inspect/inspector.go).
 *
 * @param isCurrent Whether the client is that of Docker 29, with its types of addresses.
 * @param types Of objects that the client does not keep as JSON as well: what it says of a field that there is not.
 * @throws Failure with every refusal.
 */
export function printInspected(names: readonly string[], look: (name: string) => Inspected, format: string, output: Output, isCurrent = false, types?: GoTypes): void {
  const template = format === "" ? undefined : readTemplate(format);
  const objects = names.map(look);
  const refusals: string[] = [];
  const answers: Answer[] = [];
  let text = "";
  for (const object of objects) {
    if ("refusal" in object) refusals.push(object.refusal);
    else if (!template) answers.push(object.answer);
    else {
      try {
        text += `${fill(template, object.answer, isCurrent, types)}\n`;
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        refusals.push(`template parsing error: ${error.message}`);
      }
    }
  }
  if (template) output.stdout += text === "" ? "\n" : text;
  else output.line(answers.length === 0 ? "[]" : goJsonIndented(answers));
  if (refusals.length > 0) throw new Failure(refusals.join("\n"));
}

/** @throws Failure in the client's words. */
export function readTemplate(format: string): readonly TemplateNode[] {
  try {
    return parseTemplate(format.replace(/\\t/g, "\t").replace(/\\n/g, "\n"));
  } catch (error) {
    if (error instanceof TemplateError) throw new Failure(`template parsing error: ${error.message}`, 64);
    throw error;
  }
}

/** By the names of Go's fields; if that fails, by those of JSON, with whose complaint it fails then. */
function fill(template: readonly TemplateNode[], answer: Answer, isCurrent: boolean, types: GoTypes | undefined): string {
  try {
    return executeTemplate(template, isCurrent ? withNetip(answer) : answer, { missingKey: "nothing", ...(types && { typeOf: typesIn(answer, types) }) });
  } catch (error) {
    if (!(error instanceof TemplateError) || types) throw error;
    return executeTemplate(template, toUntyped(answer), { missingKey: "error", typeOf: () => "interface {}" });
  }
}

/** Names of Go's types by the paths of fields; "" for the object itself. */
export type GoTypes = Readonly<Record<string, string>>;

function typesIn(answer: Answer, types: GoTypes): (value: AnswerValue) => string | undefined {
  const named = Object.entries(types).map(([path, type]) => ({ type, value: valueAt(answer, path) }));
  return (wanted) => named.find(({ value }) => value === wanted)?.type;
}

function valueAt(answer: Answer, path: string): AnswerValue | undefined {
  return path.split(".").filter((name) => name !== "").reduce<AnswerValue | undefined>((value, name) => (value instanceof Answer ? value.fields.find(({ json }) => json === name)?.value : undefined), answer);
}
