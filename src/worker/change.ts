/** What is different in a program, for a thread that has the one before: of a list, which runs of it stay and what is new. */
export type Change =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "fields"; readonly fields: Readonly<Record<string, Change>>; readonly gone: readonly string[] }
  /** Pairs: where a run begins in the list before, or NEW for one of `added`; and its length. */
  | { readonly kind: "list"; readonly runs: readonly number[]; readonly added: readonly unknown[] };

const NEW = -1;
/** The same in every field. */
export const NO_CHANGE: Change = { kind: "fields", fields: {}, gone: [] };

/** Undefined: they are the same, as what is the same is the same object. */
export function changeOf(before: unknown, after: unknown): Change | undefined {
  if (Object.is(before, after)) return undefined;
  if (Array.isArray(before) && Array.isArray(after)) return changeOfList(before, after);
  return isRecord(before) && isRecord(after) ? changeOfFields(before, after) : { kind: "value", value: after };
}

/** What `after` was, from `before` and their difference. */
export function changed(before: unknown, change: Change): unknown {
  if (change.kind === "value") return change.value;
  if (change.kind === "list") return changedList(before as readonly unknown[], change.runs, change.added);
  const fields: Record<string, unknown> = { ...(before as Fields) };
  for (const name of change.gone) delete fields[name];
  for (const [name, inner] of Object.entries(change.fields)) fields[name] = changed(fields[name], inner);
  return fields;
}

type Fields = Readonly<Record<string, unknown>>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function changeOfFields(before: Fields, after: Fields): Change | undefined {
  const fields: Record<string, Change> = {};
  for (const name of Object.keys(after)) {
    const change = name in before ? changeOf(before[name], after[name]) : { kind: "value" as const, value: after[name] };
    if (change !== undefined) fields[name] = change;
  }
  return { kind: "fields", fields, gone: Object.keys(before).filter((name) => !(name in after)) };
}

function changeOfList(before: readonly unknown[], after: readonly unknown[]): Change {
  const places = new Map<unknown, number>();
  const [runs, added]: [number[], unknown[]] = [[], []];
  let from = NEW;
  let length = 0;
  let next = 0;
  const close = () => {
    if (length > 0) runs.push(from, length);
    length = 0;
  };
  for (const value of after) {
    if (next >= before.length || before[next] !== value) {
      if (places.size === 0) before.forEach((each, index) => places.set(each, index));
      next = places.get(value) ?? NEW;
    }
    const isNew = next === NEW || before[next] !== value;
    if (isNew ? from !== NEW : from === NEW || next !== from + length) close();
    if (length === 0) from = isNew ? NEW : next;
    length++;
    if (isNew) added.push(value);
    else next++;
  }
  close();
  return { kind: "list", runs, added };
}

function changedList(before: readonly unknown[], runs: readonly number[], added: readonly unknown[]): unknown[] {
  const after: unknown[] = [];
  let taken = 0;
  for (let index = 0; index < runs.length; index += 2) {
    const [from, length] = [runs[index]!, runs[index + 1]!];
    const [list, first] = from === NEW ? [added, taken] : [before, from];
    for (let at = first; at < first + length; at++) after.push(list[at]);
    if (from === NEW) taken += length;
  }
  return after;
}
