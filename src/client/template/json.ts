import { ListRow } from "./row";
import { BIG_INTEGER, toPlain, type AnswerValue } from "../../model/inspect/answer";

/** A value as Go's encoding/json writes it, without the escapes for HTML; rows of the client's lists have them. */
export function goJson(value: AnswerValue): string {
  const json = escapeSeparators(JSON.stringify(toPlain(value)));
  return value instanceof ListRow ? json.replace(/[<>&]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`) : json;
}

/** The same over several lines, each level four blanks further in, as `docker inspect` prints it. */
export function goJsonIndented(value: AnswerValue): string {
  return escapeSeparators(JSON.stringify(toPlain(value), undefined, 4));
}

/** Go escapes the two line separators that JavaScript does not. */
function escapeSeparators(json: string): string {
  return withIntegers(json).replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

const QUOTED_INTEGER = new RegExp(`"${JSON.stringify(BIG_INTEGER).slice(1, -1).replace("\\", "\\\\")}(\\d+)"`, "g");

function withIntegers(json: string): string {
  return json.replace(QUOTED_INTEGER, "$1");
}
