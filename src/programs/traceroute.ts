/** busybox traceroute, with one question per hop. */
import { lookUp } from "./libc";
import { complained, millis, printed, type Program } from "./process";

/** Where it begins; each datagram goes to the next port. */
const FIRST_PORT = 33434;
/** Who said that it goes no further, and why. */
const REFUSALS: Readonly<Record<string, string>> = { "net-unreachable": " !N", "host-unreachable": " !H", prohibited: " !X" };
const DEFAULTS = { hops: 30, waitSecs: 5, questions: 3 };

export const traceroute: Program = async (process, argv) => {
  const options = new Map<string, number>();
  const words: string[] = [];
  for (let at = 1; at < argv.length; at++) {
    const letter = /^-([mwqf])$/.exec(argv[at]!)?.[1];
    if (letter !== undefined) options.set(letter, Number(argv[++at]));
    else if (!argv[at]!.startsWith("-")) words.push(argv[at]!);
  }
  const [name = ""] = words;
  const hops = options.get("m") ?? DEFAULTS.hops;
  const waitMs = (options.get("w") ?? DEFAULTS.waitSecs) * 1000;
  const questions = options.get("q") ?? DEFAULTS.questions;
  const found = await lookUp(process, name, waitMs);
  if ("failure" in found) return complained(`traceroute: bad address '${name}'`);
  const lines = [`traceroute to ${name} (${found.address}), ${hops} hops max, 46 byte packets`];
  let port = FIRST_PORT;
  for (let ttl = 1; ttl <= hops; ttl++) {
    let said: string | undefined;
    let isThere = false;
    let line = `${String(ttl).padStart(2)} `;
    for (let question = 0; question < questions; question++) {
      const { result, by, timeMs } = await process.traffic.hop(process.place, found.address, port++, ttl, waitMs);
      isThere ||= result === "refused" || by === found.address;
      const who = by ?? (result === "refused" ? found.address : undefined);
      line += who === undefined ? " *" : `${who === said ? "" : ` ${who}`}  ${millis(timeMs)} ms`;
      said = who ?? said;
      line += REFUSALS[result] ?? "";
      isThere ||= REFUSALS[result] !== undefined;
    }
    lines.push(line);
    if (isThere) break;
  }
  return printed(lines);
};
