import type { Checks } from "../checks";
import type { Json, Row } from "../recording";

/** What was asked, not what came of it; `first` tells that two tries differed. */
const ASKED = new Set(["from", "proto", "to", "port", "qtype", "size", "first"]);

/** Every field of the outcome of one probe. */
export function compareRow(checks: Checks, path: string, expected: Row, got: Row | string): void {
  const wanted = outcomeOf(expected);
  // Nothing of it is to be compared.
  if (expected.result === undefined) return;
  if (typeof got === "string") checks.fail(path, wanted, got);
  else checks.compare(path, wanted, outcomeOf(drawn(expected, got)));
}

/** Of several addresses of a name one is drawn: the one that the recording drew, if ours could have drawn it. */
function drawn(expected: Row, { alternatives, ...got }: Row): Row {
  const others = Array.isArray(alternatives) ? (alternatives as unknown as readonly Row[]) : [];
  return got.addr === expected.addr ? got : (others.find(({ addr }) => addr === expected.addr) ?? got);
}

function outcomeOf(row: Row): { readonly [field: string]: Json | undefined } {
  const outcome = Object.fromEntries(Object.entries(row).filter(([field]) => !ASKED.has(field)));
  return Array.isArray(outcome.answers) ? { ...outcome, answers: [...(outcome.answers as Json[])].sort(byData) } : outcome;
}

/** Several answers are shuffled anew for each query. */
function byData(a: Json, b: Json): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)].map((text) => text.replace(/\d+/g, (digits) => digits.padStart(10, "0")));
  return x! < y! ? -1 : x === y ? 0 : 1;
}
