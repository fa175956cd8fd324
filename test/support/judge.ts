/** The Linux kernel of this machine as the judge of what the packet path does to frames. */
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Hook, Table, Target } from "../../assembly/abi/netfilter";
import { type ChainSpec, HOOK_NAMES, iptablesArguments, TABLE_NAMES } from "./rules";

export interface JudgedStep {
  readonly side: number;
  /** Hexadecimal. */
  readonly frame: string;
  /** How many frames are expected; the kernel is given time for more. */
  readonly expected: number;
}

/** What `judge.py` builds. */
export interface JudgedScenario {
  readonly bridge: boolean;
  readonly family: 4 | 6;
  readonly bridgeMac: string;
  readonly macs: readonly string[];
  readonly addresses: readonly (readonly [device: string, address: string])[];
  readonly neighbours: readonly (readonly [device: string, ip: string, mac: string])[];
  /** For iptables-restore. */
  readonly rules: string;
  readonly steps: readonly JudgedStep[];
}

/** What came out after each step: side and frame. */
export type Judged = readonly (readonly (readonly [side: number, frame: string])[])[];

const SCRIPT = fileURLToPath(new URL("./judge.py", import.meta.url));

/** Why the kernel of this machine cannot be asked; undefined if it can. */
export function whyNoJudge(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "not root on Linux: no network namespaces";
  for (const command of [["ip", "-V"], ["iptables-restore", "--version"], ["ip6tables-restore", "--version"], ["python3", "--version"]]) {
    if (spawnSync(command[0], command.slice(1)).status !== 0) return `${command[0]} is not installed`;
  }
  const name = `dwj${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]);
  if (made.status !== 0) return "network namespaces cannot be made here";
  const listed = spawnSync("ip", ["netns", "exec", name, "iptables", "-t", "nat", "-S"]);
  const bridged = spawnSync("ip", ["netns", "exec", name, "cat", "/proc/sys/net/bridge/bridge-nf-call-iptables"]);
  spawnSync("ip", ["netns", "del", name]);
  if (listed.status !== 0) return "iptables does not work in a network namespace here";
  return bridged.status === 0 ? undefined : "br_netfilter is not loaded";
}

export function judge(scenarios: readonly JudgedScenario[]): Judged[] {
  const text = execFileSync("python3", [SCRIPT], { input: JSON.stringify(scenarios), encoding: "utf8", maxBuffer: 1 << 28 });
  return JSON.parse(text) as Judged[];
}

/** Chains as iptables-restore reads them. */
export function restoreText(chains: readonly ChainSpec[], deviceName: (device: number) => string): string {
  const chainName = (index: number) => {
    const { hook } = chains[index];
    return hook === undefined ? `USER${index}` : HOOK_NAMES[hook as Hook];
  };
  const tables = [Table.Raw, Table.Mangle, Table.Nat, Table.Filter].flatMap((table) => {
    const own = chains.flatMap((chain, index) => (chain.table === table ? [{ chain, index }] : []));
    if (own.length === 0) return [];
    const heads = own.map(({ chain, index }) => {
      const policy = chain.hook === undefined ? "-" : chain.policy === Target.Drop ? "DROP" : "ACCEPT";
      return `:${chainName(index)} ${policy} [0:0]`;
    });
    const rules = own.flatMap(({ chain, index }) =>
      chain.rules.map((rule) => ["-A", chainName(index), ...iptablesArguments(rule, deviceName, chainName)].join(" ")),
    );
    return [`*${TABLE_NAMES[table]}`, ...heads, ...rules, "COMMIT"];
  });
  return `${tables.join("\n")}\n`;
}
