/**
 * Compares rule dumps of moby's own tests with ours. The name of a file is its configuration: `hairpin=false,internal=false,icc=true,
 * masq=true,snat=false,gwm=nat,bindlh=false__iptables.golden`; `cleaned,…` is a host whose network has gone; `no__…` has the family
 * switched off; `wsl2mirrored=true` may follow.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { FirewallPort } from "../../src/model/firewall";
import { createDriverFirewall, renderSave } from "../../src/model/firewall";
import type { Family, FirewallState } from "../../src/model/firewall";
import { parseCidr } from "../../src/net/cidr";
import { parseIp } from "../../src/net/ip";

/** One file. A check is one line. */
export interface RuleDumpResult {
  readonly name: string;
  readonly passed: number;
  readonly total: number;
  readonly differences: readonly { readonly path: string; readonly expected: string; readonly got: string }[];
}

/** A file of the folder that is no rule dump, and why. */
export interface SkippedFile {
  readonly what: string;
  readonly why: string;
}

/** What the name of a file says. */
export interface DumpConfiguration {
  readonly family: Family;
  /** The family's packet filter is the daemon's to program. */
  readonly enabled: boolean;
  /** Before the network is made, or after it is gone. */
  readonly cleaned: boolean;
  readonly hairpin: boolean;
  readonly internal: boolean;
  readonly icc: boolean;
  readonly masquerade: boolean;
  readonly snat: boolean;
  readonly gatewayMode: "nat" | "nat-unprotected" | "routed";
  readonly bindLocalhost: boolean;
  readonly wsl2Mirrored: boolean;
}

const MODES = ["nat", "nat-unprotected", "routed"] as const;
const KEYS = new Set(["hairpin", "internal", "icc", "masq", "snat", "gwm", "bindlh", "wsl2mirrored"]);
/** The tables of a dump, in the dump's order. */
const TABLES = ["raw", "filter", "nat"] as const;

/** Compares every dump of a folder. */
export function compareRuleDumps(folder: string): { readonly results: readonly RuleDumpResult[]; readonly skipped: readonly SkippedFile[] } {
  const results: RuleDumpResult[] = [];
  const skipped: SkippedFile[] = [];
  for (const name of readdirSync(folder).sort()) {
    const configuration = readDumpName(name);
    if (configuration) results.push(compareRuleDump(name, readFileSync(join(folder, name), "utf8")));
    else skipped.push({ what: name, why: "its name is not that of a rule dump" });
  }
  return { results, skipped };
}

/** Whether a folder holds rule dumps. */
export function isRuleDumpFolder(folder: string): boolean {
  return readdirSync(folder).some((name) => readDumpName(name) !== undefined);
}

/** Compares the text of one dump, line by line. */
export function compareRuleDump(name: string, expected: string): RuleDumpResult {
  const configuration = readDumpName(name);
  if (!configuration) throw new Error(`${name}: not the name of a rule dump`);
  const [wanted, found] = [linesOf(expected), linesOf(renderDump(configuration))];
  const total = Math.max(wanted.length, found.length);
  const differences = [];
  for (let line = 0; line < total; line++) {
    const [want, got] = [wanted[line] ?? "(nothing)", found[line] ?? "(nothing)"];
    if (want !== got) differences.push({ path: `${basename(name)}:${line + 1}`, expected: want, got });
  }
  return { name, passed: total - differences.length, total, differences };
}

/** What a name says; nothing if it is not the name of a dump. */
export function readDumpName(name: string): DumpConfiguration | undefined {
  const [, head, tool] = /^(?:.*\/)?([^/]*)__(iptables|ip6tables)\.golden$/.exec(name) ?? [];
  if (head === undefined) return undefined;
  const words = head.split(",");
  const values = new Map(words.filter((word) => word.includes("=")).map((word) => word.split("=", 2) as [string, string]));
  if ([...values.keys()].some((key) => !KEYS.has(key)) || words.some((word) => !word.includes("=") && word !== "cleaned" && word !== "no")) return undefined;
  const isOn = (key: string) => values.get(key) === "true";
  return {
    family: tool === "iptables" ? 4 : 6,
    enabled: !words.includes("no"),
    cleaned: words.includes("cleaned"),
    hairpin: isOn("hairpin"),
    internal: isOn("internal"),
    icc: isOn("icc"),
    masquerade: isOn("masq"),
    snat: isOn("snat"),
    gatewayMode: MODES.find((mode) => mode === values.get("gwm")) ?? "nat",
    bindLocalhost: isOn("bindlh"),
    wsl2Mirrored: isOn("wsl2mirrored"),
  };
}

/** The dump that Docker 29's driver leaves with this configuration. */
export function renderDump(configuration: DumpConfiguration): string {
  return renderSave(dumpState(configuration), configuration.family, { tables: TABLES });
}

/** The rules after everything of the test was added, and, for `cleaned`, taken away again. */
export function dumpState({ enabled, cleaned, hairpin, wsl2Mirrored, ...network }: DumpConfiguration): FirewallState {
  const firewall = createDriverFirewall("29");
  firewall.start({ iptables: enabled, ip6tables: enabled, userlandProxy: !hairpin, allowDirectRouting: false, wsl2Mirrored });
  const { gatewayMode, snat } = network;
  const address = (text: string) => parseIp(text, "address");
  firewall.addNetwork({
    id: "dummy",
    name: "dummy",
    device: "br-dummy",
    internal: network.internal,
    icc: network.icc,
    masquerade: network.masquerade,
    trustedInterfaces: [],
    v4: { subnet: parseCidr("192.168.0.0/24", "subnet"), gatewayMode, hostAddress: snat ? address("192.168.123.0") : undefined },
    v6: { subnet: parseCidr("fd49:efd7:54aa::/64", "subnet"), gatewayMode, hostAddress: snat ? address("fd34:d0d4:672f::123") : undefined },
  });
  const endpoint = { container: "c", addresses: [address("192.168.0.2"), address("fd49:efd7:54aa::1")] };
  firewall.attach("dummy", endpoint);
  const hostAddresses = network.bindLocalhost ? ["127.0.0.1", "::1"] : ["0.0.0.0", "::"];
  const ports = endpoint.addresses.map(
    (own, index): FirewallPort => ({ container: "c", address: own, port: 80, protocol: "tcp", hostAddress: address(hostAddresses[index]!), hostPort: 8080 }),
  );
  firewall.publish("dummy", ports);
  if (cleaned) {
    firewall.unpublish("dummy", ports);
    firewall.detach("dummy", endpoint);
    firewall.removeNetwork("dummy");
  }
  return firewall.snapshot();
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
