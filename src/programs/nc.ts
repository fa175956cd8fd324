/** busybox nc, as far as it looks who listens: `nc -z`, `-v`, `-u`, `-w SECONDS`. */
import { lookUp } from "./libc";
import { complained, printed, type Program } from "./process";

const WAIT_SECS = 130;
const WORDS: Readonly<Record<string, string>> = {
  refused: "Connection refused",
  timeout: "Operation timed out",
  "host-unreachable": "Host is unreachable",
  "net-unreachable": "Network unreachable",
  "port-unreachable": "Connection refused",
};

export const nc: Program = async (process, argv) => {
  let switches = "";
  let seconds = WAIT_SECS;
  const words: string[] = [];
  for (let at = 1; at < argv.length; at++) {
    const word = argv[at]!;
    if (!word.startsWith("-")) words.push(word);
    else if (word.endsWith("w")) seconds = Number(argv[++at] ?? WAIT_SECS);
    if (word.startsWith("-")) switches += word.slice(1);
  }
  const [host = "", port = ""] = words;
  if (!/^\d+$/.test(port)) return complained("nc: bad port, or none");
  const found = await lookUp(process, host, seconds * 1000);
  if ("failure" in found) return complained(`nc: bad address '${host}'`);
  const isDatagram = switches.includes("u");
  const { result } = await process.traffic.exchange(process.place, isDatagram ? "udp" : "tcp", found.address, Number(port), { host, timeoutMs: seconds * 1000 });
  const where = `${host} (${found.address}:${port})`;
  // Whoever only accepts is there, and so may be who does not answer a datagram.
  const isOpen = result === "ok" || result === "closed" || (isDatagram && result === "timeout");
  if (isOpen) return { ...printed([]), stderr: switches.includes("v") ? `${where} open\n` : "" };
  return switches.includes("v") ? complained(`nc: ${where}: ${WORDS[result] ?? result}`) : printed([], 1);
};
