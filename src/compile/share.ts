/**
 * `after`, made of as much of `before` as says the same: what has not changed can be told by identity then. Both are plain data; things
 * in lists are known by their `id` or `name`, or by their place.
 *
 * @example shared([{ id: "a", ip: 1 }], [{ id: "b", ip: 2 }, { id: "a", ip: 1 }])[1] // the very object of before
 */
export function shared<T>(before: unknown, after: T): T {
  if (Object.is(before, after) || !isPlain(before) || !isPlain(after)) return after;
  if (Array.isArray(after)) return Array.isArray(before) ? (sharedList(before, after) as T) : after;
  return Array.isArray(before) ? after : sharedRecord(before as Fields, after as Fields) as T;
}

type Fields = Readonly<Record<string, unknown>>;

function isPlain(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype;
}

function sharedRecord(before: Fields, after: Fields): Fields {
  let found: Record<string, unknown> | undefined;
  let isSame = true;
  let count = 0;
  for (const key in after) {
    count++;
    const [old, own] = [before[key], after[key]];
    const value = Object.is(old, own) ? own : shared(old, own);
    if (value !== own) {
      found ??= { ...after };
      found[key] = value;
    }
    if (!Object.is(value, old) || (value === undefined && !(key in before))) isSame = false;
  }
  if (isSame) for (const _ in before) count--;
  return isSame && count === 0 ? before : (found ?? after);
}

function sharedList(before: readonly unknown[], after: readonly unknown[]): readonly unknown[] {
  let found: unknown[] | undefined;
  let isSame = before.length === after.length;
  let byName: ReadonlyMap<unknown, unknown> | undefined;
  for (let index = 0; index < after.length; index++) {
    const own = after[index];
    let old = before[index];
    if (Object.is(own, old)) continue;
    const name = nameOf(own);
    if (name !== undefined && nameOf(old) !== name) {
      byName ??= new Map(before.map((each) => [nameOf(each), each]));
      old = byName.get(name);
    }
    const value = shared(old, own);
    if (value !== own) {
      found ??= [...after];
      found[index] = value;
    }
    if (!Object.is(value, before[index])) isSame = false;
  }
  return isSame ? before : (found ?? after);
}

function nameOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, host, name } = value as { readonly id?: unknown; readonly host?: unknown; readonly name?: unknown };
  return id === undefined ? name : typeof host === "string" ? `${host} ${String(id)}` : id;
}
