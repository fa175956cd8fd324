/** The images' wget: what it prints is the server's answer. */
import { lookUp } from "./libc";
import { complained, printed, type Program } from "./process";

const TIMEOUT_SECS = 5;

export const wget: Program = async (process, argv) => {
  let seconds = TIMEOUT_SECS;
  let url = "";
  for (let at = 1; at < argv.length; at++) {
    if (argv[at] === "-T") seconds = Number(argv[++at] ?? TIMEOUT_SECS);
    else if (!argv[at]!.startsWith("-")) url = argv[at]!;
  }
  const timeoutMs = seconds * 1000;
  const authority = url.replace(/^http:\/\//, "").replace(/\/.*$/s, "");
  const { host, port } = split(authority);
  const found = await lookUp(process, host, timeoutMs);
  if ("failure" in found) return complained(`wget: bad address '${host}'`);
  const { result, server, peer, local } = await process.traffic.exchange(process.place, "tcp", found.address, port, { host: authority, timeoutMs });
  if (result === "ok") return printed([JSON.stringify({ server, peer, local: local ?? found.address })]);
  if (result === "timeout") return complained("wget: download timed out");
  if (result === "closed") return complained("wget: error getting response");
  const words: Readonly<Record<string, string>> = { refused: "Connection refused", "host-unreachable": "No route to host", "net-unreachable": "Network is unreachable" };
  return complained(`wget: can't connect to remote host (${found.address}): ${words[result] ?? ""}`);
};

function split(authority: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(authority) ?? [];
  return { host: bracketed ?? plain ?? authority, port: Number(port ?? 80) };
}
