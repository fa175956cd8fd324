/** Compares a recorded text with ours where the recording has a placeholder for something that has no name: each stands for one thing. */

/** What the things look like that placeholders stand for, by the word that the placeholder begins with. */
const PATTERNS: Readonly<Record<string, string>> = {
  id: "[0-9a-f]{64}",
  id12: "[0-9a-f]{12}",
  sid: "[0-9a-z]{25}",
  ctr: "[0-9a-f]{64}",
  net: "[0-9a-f]{64}|[0-9a-z]{25}",
  ep: "[0-9a-f]{64}",
  node: "[0-9a-z]{25}",
  svc: "[0-9a-z]{25}",
  task: "[0-9a-z]{25}",
  cluster: "[0-9a-z]{25}",
  veth: "veth[0-9a-f]{7}",
  mac: "(?:[0-9a-f]{2}:){5}[0-9a-f]{2}",
  ll: "fe80:[0-9a-f:]+",
  peer: "[0-9a-f.]+",
  sandbox: "[0-9a-f]{64}",
  state: "[^ ]+",
};
/** These are new at each mention. */
const ANYTHING: Readonly<Record<string, string>> = {
  t: "[0-9./]+",
  time: "\\d{4}-\\d\\d-\\d\\dT[0-9:.]+(?:Z|[+-]\\d\\d:\\d\\d)?",
  "dns-port": "\\d+",
  "swarm-token": "SWMTKN-1-[a-z0-9]+-[a-z0-9]+",
  "sandbox~12": "[0-9a-f]{12}",
};
const PLACEHOLDER = new RegExp(`<((?:${Object.keys(PATTERNS).join("|")})(?::[^<>]*?)?(?:~\\d+)?|${Object.keys(ANYTHING).join("|")})>`, "g");

/** Remembers, in one scenario, what each placeholder stood for. */
export class Unifier {
  readonly #bound = new Map<string, string>();
  readonly #owners = new Map<string, string>();

  /** Whether `got` can be what the recording says; if so, what it tells about placeholders holds from now on. */
  matches(expected: string, got: string): boolean {
    if (expected === got) return true;
    if (!expected.includes("<")) return false;
    const names: string[] = [];
    let pattern = "";
    let end = 0;
    for (const found of expected.matchAll(PLACEHOLDER)) {
      const [whole, name = ""] = found;
      pattern += escape(expected.slice(end, found.index));
      end = found.index + whole.length;
      const bound = this.#bound.get(name);
      const anything = ANYTHING[name];
      if (bound !== undefined) pattern += escape(bound);
      else if (anything !== undefined) pattern += `(?:${anything})`;
      else if (names.includes(name)) pattern += `\\${names.indexOf(name) + 1}`;
      else {
        names.push(name);
        // What is named here as it is there stays as it is.
        pattern += `(${escape(whole)}|${patternOf(name)})`;
      }
    }
    const match = new RegExp(`^${pattern}${escape(expected.slice(end))}$`, "s").exec(got);
    if (match === null) return false;
    const values = names.map((name, index) => ({ name, value: match[index + 1] ?? "" }));
    if (values.some(({ name, value }) => (this.#owners.get(value) ?? name) !== name)) return false;
    for (const { name, value } of values) {
      if (value === `<${name}>`) continue;
      this.#bound.set(name, value);
      this.#owners.set(value, name);
    }
    return true;
  }
}

function patternOf(name: string): string {
  const digits = /~(\d+)$/.exec(name)?.[1];
  return digits === undefined ? (PATTERNS[name.split(":")[0] ?? ""] ?? ".+") : `[0-9a-z]{${digits}}`;
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
