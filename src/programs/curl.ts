/** curl: one page over HTTP; what it prints is the server's answer. */
import { lookUp } from "./libc";
import { type Program, type ProgramResult } from "./process";

/** Linux gives a connection up after so long (tcp_syn_retries 6). */
const CONNECT_MS = 130_000;
/** Options that take a value which changes nothing here. */
const VALUES = new Set(["-H", "--header", "-X", "--request", "-d", "--data", "-A", "--user-agent", "-u", "--user", "--retry", "--retry-delay"]);

interface Wish {
  readonly url: string;
  readonly timeoutMs: number;
  readonly silent: boolean;
  readonly showsErrors: boolean;
  readonly discards: boolean;
  readonly format: string;
  readonly family: 4 | 6 | undefined;
}

export const curl: Program = async (process, argv) => {
  const wish = read(argv.slice(1));
  if (wish.url === "") return { exit: 2, stdout: "", stderr: "curl: (2) no URL specified\n" };
  const [, host = "", bracketed, port = "80"] = /^(?:http:\/\/)?((?:\[([^\]]*)\])|[^:/]*)(?::(\d+))?/.exec(wish.url) ?? [];
  if (wish.url.startsWith("https:")) return failed(wish, 35, "TLS is not simulated");
  const name = bracketed ?? host;
  const found = await lookUp(process, name, wish.timeoutMs, wish.family);
  if ("failure" in found) return failed(wish, 6, `Could not resolve host: ${name}`);
  const outcome = await process.traffic.exchange(process.place, "tcp", found.address, Number(port), { host: `${host}:${port}`, timeoutMs: wish.timeoutMs });
  const { result, server, peer, local, elapsedMs = 0 } = outcome;
  const took = Math.round(elapsedMs);
  if (result === "ok") return fetched(wish, JSON.stringify({ server, peer, local: local ?? found.address }));
  if (result === "closed") return failed(wish, 52, "Empty reply from server");
  if (result === "timeout" && wish.timeoutMs < CONNECT_MS) return failed(wish, 28, `Connection timed out after ${took} milliseconds`);
  return failed(wish, result === "timeout" ? 28 : 7, `Failed to connect to ${name} port ${port} after ${took} ms: Couldn't connect to server`);
};

function fetched({ discards, format }: Wish, page: string): ProgramResult {
  return { exit: 0, stdout: `${discards ? "" : `${page}\n`}${written(format, "200")}`, stderr: "" };
}

function failed({ silent, showsErrors, format }: Wish, exit: number, message: string): ProgramResult {
  return { exit, stdout: written(format, "000"), stderr: silent && !showsErrors ? "" : `curl: (${exit}) ${message}\n` };
}

function written(format: string, code: string): string {
  return format.replaceAll("%{http_code}", code).replaceAll("%{response_code}", code).replaceAll("\\n", "\n");
}

function read(words: readonly string[]): Wish {
  let [url, seconds, format] = ["", CONNECT_MS / 1000, ""];
  let [silent, showsErrors, discards] = [false, false, false];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (word === "-m" || word === "--max-time" || word === "--connect-timeout") seconds = Number(words[++at] ?? seconds);
    else if (word === "-w" || word === "--write-out") format = words[++at] ?? "";
    else if (word === "-o" || word === "--output") discards = words[++at] !== "-";
    else if (VALUES.has(word)) at++;
    else if (word === "-I" || word === "--head") discards = true;
    else if (word === "--silent" || /^-[a-zA-Z]*s/.test(word)) silent = true;
    else if (!word.startsWith("-")) url = word;
    if (word === "--show-error" || /^-[a-zA-Z]*S/.test(word)) showsErrors = true;
    if (/^-[a-zA-Z]*[mow]$/.test(word) && word.length > 2) {
      const value = words[++at] ?? "";
      if (word.endsWith("m")) seconds = Number(value);
      else if (word.endsWith("w")) format = value;
      else discards = true;
    }
  }
  const family = words.includes("-6") || words.includes("--ipv6") ? 6 : words.includes("-4") || words.includes("--ipv4") ? 4 : undefined;
  return { url, timeoutMs: seconds * 1000, silent, showsErrors, discards, format, family };
}
