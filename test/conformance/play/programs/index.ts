/** The programs of the recordings' images: busybox's applets, and servers. */
import { splitWords } from "../../../../src/client";
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

const echo: Program = async (_, argv) => printed([argv.slice(1).join(" ")]);

/** `sh -c` with commands one after the other, joined by `;`, `&&` or `||`; without words it finds no input and ends. */
const sh: Program = async (process, argv) => {
  const script = argv[1] === "-c" ? (argv[2] ?? "") : "";
  let result = printed([]);
  for (const [, joint, text] of `;${script}`.matchAll(/(;|&&|\|\|)([^;&|]*)/g)) {
    const isSkipped = (joint === "&&" && result.exit !== 0) || (joint === "||" && result.exit === 0);
    const words = splitWords(text ?? "");
    if (isSkipped || words.length === 0) continue;
    if (words[0] === "exit") return { ...result, exit: Number(words[1] ?? result.exit) };
    const { exit, stdout, stderr } = await run(process, words);
    result = { exit, stdout: result.stdout + stdout, stderr: result.stderr + stderr };
  }
  return result;
};

const PROGRAMS: Readonly<Record<string, Program>> = { cat, echo, env, sh, printenv: env, hostname, ip, nslookup, ping, traceroute, wget, true: nothing, false: failure, sleep: nothing };

/** Whether it is known what a command answers. */
export function isProgram(argv: readonly string[]): boolean {
  return PROGRAMS[nameOf(argv)] !== undefined;
}

function nameOf([path = ""]: readonly string[]): string {
  return path.replace(/^.*\//, "");
}

/** Applets that the images have and nothing is known of. */
const OTHERS = new Set("arp arping awk brctl cp curl date dd df dig find getent grep head host id ifconfig kill killall ls lsof mkdir mv nc netcat netstat ps route rm sed ss sysctl tail tc tcpdump telnet top touch tr udhcpc uname vi wc who".split(" "));

/**
 * What a command answers.
 *
 * @throws Error for an applet that is not simulated.
 */
export const run: Program = async (process, argv) => {
  const name = nameOf(argv);
  const program = PROGRAMS[name];
  if (program !== undefined) return program(process, argv);
  if (OTHERS.has(name)) throw new Error(`the program ${JSON.stringify(name)} is not simulated`);
  // The words of runc 1.1.5, by way of the daemon.
  return { exit: 126, stdout: `OCI runtime exec failed: exec failed: unable to start container process: exec: ${JSON.stringify(argv[0] ?? "")}: executable file not found in $PATH: unknown\n`, stderr: "" };
};
