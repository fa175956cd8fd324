import { toPlain, type AnswerValue } from "../../model/inspect/answer";

/** A value as Go's encoding/json writes it, without the escapes for HTML. */
export function goJson(value: AnswerValue): string {
  return escapeSeparators(JSON.stringify(toPlain(value)));
}

/** The same over several lines, each level four blanks further in, as `docker inspect` prints it. */
export function goJsonIndented(value: AnswerValue): string {
  return escapeSeparators(JSON.stringify(toPlain(value), undefined, 4));
}

/** The same with the escapes that keep it harmless inside HTML; the client's lists are written so. */
export function goJsonForHtml(value: AnswerValue): string {
  return goJson(value).replace(/[<>&]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Go escapes the two line separators that JavaScript does not. */
function escapeSeparators(json: string): string {
  return json.replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}
