/**
 * Compares files that moby's own tests wrote for containers: /etc/resolv.conf and /etc/hosts of the current generation. The name of a
 * file is the case; what goes in stands in moby's tests (daemon/libnetwork/internal/resolvconf, integration/networking).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ResolvConfOverrides } from "../../src/model/inspect/resolv-conf";
import { internal, legacy, merged } from "../../src/model/inspect/resolv-conf-29";
import { SandboxFiles } from "../../src/model/inspect/sandbox-files";
import type { Difference, Skip } from "./checks";

const HOST_FILE = "/etc/resolv.conf";
const NONE: ResolvConfOverrides = { nameservers: [], search: [], options: [] };
const servers = (...nameservers: string[]) => ({ ...NONE, nameservers });

type Lines = () => readonly string[];

/** What the host says, what the container says itself, and the options that Docker's DNS needs. */
const WITH_DNS: Readonly<Record<string, readonly [host: ResolvConfOverrides, own: ResolvConfOverrides, required: readonly string[]]>> = {
  IPv4_only: [servers("10.0.0.1"), NONE, []],
  IPv6_only: [servers("fd14:6e0e:f855::1"), NONE, []],
  "IPv4_and_IPv6,_ipv6_enabled": [servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, []],
  IPv4_localhost: [servers("127.0.0.53"), NONE, []],
  IPv4_localhost_override: [servers("10.0.0.1"), servers("127.0.0.53"), []],
  IPv4_and_IPv6_localhost: [servers("127.0.0.53", "::1"), NONE, []],
  No_config: [NONE, NONE, []],
  ndots_present_and_required: [{ ...servers("127.0.0.53"), options: ["ndots:1"] }, NONE, ["ndots:0"]],
  ndots_missing_but_required: [servers("127.0.0.53"), NONE, ["ndots:0"]],
  "ndots_host,_override_and_required": [{ ...servers("127.0.0.53"), options: ["ndots:1"] }, { ...NONE, options: ["ndots:2"] }, ["ndots:0"]],
  Extra_required_options: [{ ...servers("127.0.0.53"), options: ["trust-ad"] }, NONE, ["ndots:0", "attempts:3", "edns0", "trust-ad"]],
};

const WITHOUT_DNS: Readonly<Record<string, readonly [host: ResolvConfOverrides, own: ResolvConfOverrides, hasIpv6: boolean]>> = {
  Routable_IPv4_only: [servers("10.0.0.1"), NONE, false],
  "Routable_IPv4_and_IPv6,_ipv6_enabled": [servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, true],
  "Routable_IPv4_and_IPv6,_ipv6_disabled": [servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, false],
  "IPv4_localhost,_ipv6_disabled": [servers("127.0.0.53"), NONE, false],
  "IPv4_localhost,_ipv6_enabled": [servers("127.0.0.53"), NONE, true],
  "IPv4_and_IPv6_localhost,_ipv6_disabled": [servers("127.0.0.53", "::1"), NONE, false],
  "IPv4_and_IPv6_localhost,_ipv6_enabled": [servers("127.0.0.53", "::1"), NONE, true],
  "IPv4_localhost,_IPv6_routeable,_ipv6_enabled": [servers("127.0.0.53", "fd3e:2d1a:1f5a::1"), NONE, true],
  "IPv4_localhost,_IPv6_routeable,_ipv6_disabled": [servers("127.0.0.53", "fd3e:2d1a:1f5a::1"), NONE, false],
  Override_nameservers: [servers("10.0.0.1"), servers("127.0.0.1", "::1"), false],
};

/** /etc/hosts after the first so many joins and leaves. */
function hostsAfter(steps: number): readonly string[] {
  const entries = ["192.0.2.3", "2001:db8::1234"].map((address) => ({ address, names: "otherhost.invalid" }));
  const host = { resolvConf: servers("10.0.0.1"), hosts: [] };
  const sandbox = new SandboxFiles({ generation: "29", mode: "own", name: "c1", hostname: "c1", domainname: "invalid", entries, dns: NONE, host });
  const first = ["192.168.123.2", "fde6:be58:aedf::2"];
  const second = ["192.168.124.2", "fdd2:c4e3:c4d5::2"];
  sandbox.join({ addresses: first, hasIpv6: true });
  sandbox.join({ addresses: second, hasIpv6: true });
  if (steps >= 2) sandbox.leave({ addresses: first, knownNames: [] });
  if (steps >= 3) sandbox.join({ addresses: first, hasIpv6: true });
  if (steps >= 4) sandbox.leave({ addresses: first, knownNames: [] });
  if (steps >= 5) sandbox.leave({ addresses: second, knownNames: [] });
  return sandbox.hosts;
}

const CASES: ReadonlyMap<string, Lines> = new Map<string, Lines>([
  ...Object.entries(WITH_DNS).map(([name, [host, own, required]]): [string, Lines] => [`TestRCTransformForIntNS__${name}`, () => internal(merged(host, own), HOST_FILE, required)]),
  ...Object.entries(WITHOUT_DNS).map(([name, [host, own, hasIpv6]]): [string, Lines] => [`TestRCTransformForLegacyNw__${name}`, () => legacy(merged(host, own), HOST_FILE, hasIpv6)]),
  ...[1, 2, 3, 4, 5].map((step): [string, Lines] => [`TestEtcHostsDisconnect${step}`, () => hostsAfter(step)]),
]);

export interface MobyFileResult {
  readonly name: string;
  readonly passed: number;
  readonly total: number;
  readonly differences: readonly Difference[];
}

/** Whether a folder holds such files. */
export function isMobyFileFolder(folder: string): boolean {
  return readdirSync(folder).some((name) => /^Test(RC|EtcHosts)\w*.*\.golden$/.test(name));
}

/** Every file, line by line; a file whose case is not known is named. */
export function compareMobyFiles(folder: string): { readonly results: readonly MobyFileResult[]; readonly skipped: readonly Skip[] } {
  const results: MobyFileResult[] = [];
  const skipped: Skip[] = [];
  for (const file of readdirSync(folder).sort()) {
    const name = file.replace(/\.golden$/, "");
    const lines = CASES.get(name);
    if (lines === undefined) skipped.push({ what: file, why: "a unit test of moby's parser or of another part, not what a container gets" });
    else results.push(compareLines(name, readFileSync(join(folder, file), "utf8"), lines()));
  }
  return { results, skipped };
}

function compareLines(name: string, text: string, got: readonly string[]): MobyFileResult {
  const expected = text.replace(/\n$/, "").split("\n");
  const total = Math.max(expected.length, got.length);
  const differences = Array.from({ length: total }, (_, line) => ({ path: `${name}:${line + 1}`, expected: expected[line] ?? "(nothing)", got: got[line] ?? "(nothing)" }));
  const wrong = differences.filter((difference) => difference.expected !== difference.got);
  return { name, passed: total - wrong.length, total, differences: wrong };
}
