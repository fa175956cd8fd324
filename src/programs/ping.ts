/** busybox ping, and traceroute. */
import { isIp, isIpv4, parseIpv6 } from "../net/ip";
import { lookUp, resolverSettings } from "./libc";
import { complained, millis, printed, type Program } from "./process";
import type { QuerySocket } from "./traffic";

/** How long a program waits for a name, and ping for an answer if `-W` does not say otherwise. */
const WAIT_MS = 10_000;
/** Without `-c` it goes on until somebody ends it: after so many. */
const ENDLESS = 4;

export const ping: Program = async (process, argv) => {
  const options = new Map<string, string>();
  const words: string[] = [];
  for (let at = 1; at < argv.length; at++) {
    const word = argv[at]!;
    const [, letter = "", rest = ""] = /^-([cWwsiIt])(.*)$/.exec(word) ?? [];
    if (letter !== "") options.set(letter, rest !== "" ? rest : (argv[++at] ?? ""));
    else if (!word.startsWith("-")) words.push(word);
  }
  const [name = ""] = words;
  const found = await lookUp(process, name, WAIT_MS, argv.includes("-6") || /ping6$/.test(argv[0] ?? "") ? 6 : argv.includes("-4") ? 4 : undefined);
  if ("failure" in found) return complained(`ping: bad address '${name}'`);
  const count = Number(options.get("c") ?? ENDLESS);
  const size = Number(options.get("s") ?? "56");
  const waitMs = options.has("W") ? Number(options.get("W")) * 1000 : WAIT_MS;
  const intervalMs = Number(options.get("i") ?? "1") * 1000;
  const head = `PING ${name} (${found.address}): ${size} data bytes`;
  const lines: string[] = [];
  const times: number[] = [];
  for (let sequence = 0; sequence < count; sequence++) {
    const isLast = sequence === count - 1;
    // It sends the next one after an interval whatever comes back, and waits after the last one alone.
    const outcome = await process.traffic.echo(process.place, found.address, {
      size, firstSequence: sequence, count: 1, intervalMs, timeoutMs: isLast ? waitMs : intervalMs, dontFragment: false,
    });
    const refusal = LOCAL_ERRORS[outcome.by === undefined ? outcome.result : ""];
    if (refusal !== undefined) return complained(`ping: sendto: ${refusal}`, 1, [head, ...lines]);
    if (outcome.result === "ok") {
      lines.push(`${size + 8} bytes from ${found.address}: seq=${sequence} ttl=${outcome.ttl ?? 64} time=${millis(outcome.timeMs)} ms`);
      times.push(outcome.timeMs ?? 0.1);
    }
    if (!isLast) await process.traffic.pause(Math.max(0, intervalMs - (outcome.elapsedMs ?? 0)));
  }
  const lost = Math.round(((count - lines.length) / count) * 100);
  const summary = [`--- ${name} ping statistics ---`, `${count} packets transmitted, ${lines.length} packets received, ${lost}% packet loss`];
  const average = times.reduce((sum, time) => sum + time, 0) / times.length;
  const spread = [Math.min(...times), average, Math.max(...times)].map(millis).join("/");
  return printed([head, ...lines, "", ...summary, ...(times.length > 0 ? [`round-trip min/avg/max = ${spread} ms`] : [])], times.length > 0 ? 0 : 1);
};

/** What `sendto` itself refuses. */
const LOCAL_ERRORS: Readonly<Record<string, string>> = {
  "net-unreachable": "Network is unreachable",
  prohibited: "Permission denied",
  "message-too-long": "Message too long",
  "addr-not-available": "Cannot assign requested address",
};

/** busybox's asks in datagrams alone, and takes what a truncated answer holds for all of it. */
export const nslookup: Program = async (process, argv) => {
  const [name = "", wanted] = argv.slice(1).filter((word) => !word.startsWith("-"));
  const { servers, search } = resolverSettings(process.resolvConf);
  const server = wanted ?? servers[0] ?? "127.0.0.1";
  const lines = [`Server:\t\t${server}`, `Address:\t${server}:53`, ""];
  const names = isIp(name) ? [reverseName(name)] : name.includes(".") || search.length === 0 ? [name] : search.map((domain) => `${name}.${domain}`);
  let failures = 0;
  const socket: QuerySocket = {};
  for (const type of isIp(name) ? ["PTR"] : ["A", "AAAA"]) {
    for (const candidate of names) {
      const { result, rcode = "", answers = [], authoritative } = await process.traffic.query(process.place, server, candidate, type, WAIT_MS, { socket });
      if (result !== "ok") return complained("", 1, [";; connection timed out; no servers could be reached", ""]);
      if (rcode !== "NOERROR") {
        failures++;
        lines.push(`** server can't find ${candidate}: ${rcode}`, "");
        continue;
      }
      if (authoritative !== true) lines.push("Non-authoritative answer:");
      for (const answer of answers) lines.push(...(answer.type === "PTR" ? [`${answer.name}\tname = ${answer.data}`] : [`Name:\t${answer.name}`, `Address: ${answer.data}`]));
      lines.push("");
    }
  }
  return printed(lines, failures > 0 ? 1 : 0);
};

/** Where the name of an address is found (RFC 1035 §3.5, RFC 3596 §2.5). */
function reverseName(address: string): string {
  if (isIpv4(address)) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const digits = parseIpv6(address, "name").toString(16).padStart(32, "0");
  return `${[...digits].reverse().join(".")}.ip6.arpa`;
}
