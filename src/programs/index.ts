/** Programs that ask the network something: busybox's applets, curl, and a shell that runs them. */
import { curl } from "./curl";
import { ip } from "./ip";
import { getent } from "./libc";
import { nc } from "./nc";
import { nslookup, ping } from "./ping";
import { complained, type ProcessView, type Program, type ProgramResult, printed, UnknownProgram } from "./process";
import { shellOf } from "./shell";
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

/** `-i`: the addresses that /etc/hosts has for the host's name. `-f`: the first name of the line in /etc/hosts that has the host's name. */
const hostname: Program = async (process, argv) => {
  const own = (line: string) => line.trim().split(/\s+/).slice(1).includes(process.hostname);
  if (argv.includes("-i")) return printed([process.hosts.filter(own).map((line) => line.trim().split(/\s+/)[0]!).join(" ")]);
  if (!argv.includes("-f")) return printed([process.hostname]);
  const names = process.hosts.map((line) => line.trim().split(/\s+/).slice(1)).find((candidates) => candidates.includes(process.hostname));
  return printed([names?.[0] ?? process.hostname]);
};

/** busybox's `sysctl`, as far as it reads. `-n`: without names. */
const sysctl: Program = async (process, argv) => {
  const words = argv.slice(1);
  const names = words.filter((word) => !word.startsWith("-"));
  const lines = names.map((name) => {
    const value = process.sysctl(name.replaceAll(".", "/"));
    if (value === undefined) throw new UnknownProgram(`expected a setting that is simulated, found ${JSON.stringify(name)}`);
    return words.includes("-n") ? value : `${name} = ${value}`;
  });
  return printed(lines);
};

const pwd: Program = async ({ workdir }) => printed([workdir === undefined || workdir === "" ? "/" : workdir]);
const env: Program = async (process) => printed(process.environment);
const nothing: Program = async () => printed([]);
const failure: Program = async () => printed([], 1);

const echo: Program = async (_, argv) => printed([argv.slice(1).join(" ")]);

const sleep: Program = async (process, argv) => {
  await process.traffic.pause(Number.parseFloat(argv[1] ?? "0") * 1000 || 0);
  return printed([]);
};

const PROGRAMS: Readonly<Record<string, Program>> = { cat, curl, echo, env, getent, sh: shellOf(run), ash: shellOf(run), bash: shellOf(run), printenv: env, hostname, ip, nc, nslookup, ping, ping6: ping, pwd, sysctl, traceroute, wget, true: nothing, false: failure, sleep };
/** Those that end by themselves when they are a container's first process. */
const ONE_SHOT = new Set(["cat", "curl", "echo", "env", "false", "getent", "hostname", "ip", "nslookup", "ping", "ping6", "printenv", "pwd", "sysctl", "traceroute", "true", "wget"]);

/** Whether a first process does its work and ends. */
export function isOneShot(argv: readonly string[]): boolean {
  const name = nameOf(argv);
  return ONE_SHOT.has(name) && (name !== "cat" || argv.length > 1);
}


/** Whether it is known what a command answers. */
export function isProgram(argv: readonly string[]): boolean {
  return PROGRAMS[nameOf(argv)] !== undefined;
}

function nameOf([path = ""]: readonly string[]): string {
  return path.replace(/^.*\//, "");
}

/** Applets that the images have and nothing is known of. */
const OTHERS = new Set("arp arping awk brctl cp date dd df dig find grep head host id ifconfig kill killall ls lsof mkdir mv netcat netstat ps route rm sed ss tail tc tcpdump telnet top touch tr udhcpc uname vi wc who".split(" "));

/**
 * What a command answers.
 *
 * @throws UnknownProgram for an applet that is not simulated.
 */
export async function run(process: ProcessView, argv: readonly string[]): Promise<ProgramResult> {
  const name = nameOf(argv);
  const program = PROGRAMS[name];
  if (program !== undefined) return program(process, argv);
  if (OTHERS.has(name)) throw new UnknownProgram(`expected one of ${Object.keys(PROGRAMS).sort().join(", ")}, found ${JSON.stringify(name)}, which is not simulated`);
  // The words of runc 1.1.5, by way of the daemon.
  const path = argv[0] ?? "";
  const reason = path.includes("/") ? `stat ${path}: no such file or directory` : "executable file not found in $PATH";
  return { exit: 126, stdout: `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(path)}: ${reason}: unknown\n`, stderr: "" };
}

export { containerView } from "./container-network";
export { type ProcessView, UnknownProgram } from "./process";
export type { EchoOptions, EchoOutcome, ExchangeOptions, ExchangeOutcome, HopOutcome, QueryHow, QueryOutcome, Traffic } from "./traffic";
