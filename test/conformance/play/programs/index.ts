/** The programs of the recordings' images: busybox's applets, and servers. */
import { ip } from "./ip";
import { nslookup, ping } from "./ping";
import { complained, printed, type Program } from "./process";
import { traceroute } from "./traceroute";
import { wget } from "./wget";

/** The six lines that every /etc/hosts begins with (moby libnetwork/etchosts); recordings leave them out. */
export const STANDARD_HOSTS = [
  "127.0.0.1\tlocalhost",
  "::1\tlocalhost ip6-localhost ip6-loopback",
  "fe00::0\tip6-localnet",
  "ff00::0\tip6-mcastprefix",
  "ff02::1\tip6-allnodes",
  "ff02::2\tip6-allrouters",
];

const cat: Program = async (process, argv) => {
  const [path = ""] = argv.slice(1);
  if (path === "/etc/hosts") return printed(process.hosts);
  if (path === "/etc/resolv.conf") return printed(process.resolvConf);
  if (path === "/etc/hostname") return printed([process.hostname]);
  const value = path.startsWith("/proc/sys/") ? process.sysctl(path.slice("/proc/sys/".length)) : undefined;
  return value === undefined ? complained(`cat: can't open '${path}': No such file or directory`) : printed([value]);
};

/** `-f`: the first name of the line in /etc/hosts that has the host's name. */
const hostname: Program = async (process, argv) => {
  if (!argv.includes("-f")) return printed([process.hostname]);
  const names = process.hosts.map((line) => line.trim().split(/\s+/).slice(1)).find((candidates) => candidates.includes(process.hostname));
  return printed([names?.[0] ?? process.hostname]);
};

const env: Program = async (process) => printed(process.environment);
const nothing: Program = async () => printed([]);
const failure: Program = async () => printed([], 1);

const PROGRAMS: Readonly<Record<string, Program>> = { cat, env, printenv: env, hostname, ip, nslookup, ping, traceroute, wget, true: nothing, false: failure, sleep: nothing };

/** Whether it is known what a command answers. */
export function isProgram(argv: readonly string[]): boolean {
  return PROGRAMS[nameOf(argv)] !== undefined;
}

function nameOf([path = ""]: readonly string[]): string {
  return path.replace(/^.*\//, "");
}

/** What a command answers; nothing is known of others. */
export const run: Program = async (process, argv) => {
  const name = nameOf(argv);
  const program = PROGRAMS[name];
  if (program === undefined) throw new Error(`the program ${JSON.stringify(name)} is not simulated`);
  return program(process, argv);
};
