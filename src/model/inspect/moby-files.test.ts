/** Files that moby's own tests wrote, where the folder of fixtures exists: the current generation. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ResolvConfOverrides } from "./resolv-conf";
import { internal, legacy, merged } from "./resolv-conf-29";
import { SandboxFiles } from "./sandbox-files";

const FOLDER = fileURLToPath(new URL("../../../../shared/fixtures/", import.meta.url));
const HERE = existsSync(FOLDER);
if (!HERE) console.log(`moby's files: skipped, there is no folder ${FOLDER}`);

const golden = (path: string) => readFileSync(FOLDER + path, "utf8");
const HOST_FILE = "/etc/resolv.conf";
const NONE: ResolvConfOverrides = { nameservers: [], search: [], options: [] };
const servers = (...nameservers: string[]) => ({ ...NONE, nameservers });
const textOf = (lines: readonly string[]) => `${lines.join("\n")}\n`;

describe("resolv.conf", () => {
  it.runIf(HERE).each([
    ["IPv4_only", servers("10.0.0.1"), NONE, []],
    ["IPv6_only", servers("fd14:6e0e:f855::1"), NONE, []],
    ["IPv4_and_IPv6,_ipv6_enabled", servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, []],
    ["IPv4_localhost", servers("127.0.0.53"), NONE, []],
    ["IPv4_localhost_override", servers("10.0.0.1"), servers("127.0.0.53"), []],
    ["IPv4_and_IPv6_localhost", servers("127.0.0.53", "::1"), NONE, []],
    ["No_config", NONE, NONE, []],
    ["ndots_present_and_required", { ...servers("127.0.0.53"), options: ["ndots:1"] }, NONE, ["ndots:0"]],
    ["ndots_missing_but_required", servers("127.0.0.53"), NONE, ["ndots:0"]],
    ["ndots_host,_override_and_required", { ...servers("127.0.0.53"), options: ["ndots:1"] }, { ...NONE, options: ["ndots:2"] }, ["ndots:0"]],
    ["Extra_required_options", { ...servers("127.0.0.53"), options: ["trust-ad"] }, NONE, ["ndots:0", "attempts:3", "edns0", "trust-ad"]],
  ] as const)("with Docker's DNS: %s", (name, host, own, required) => {
    expect(textOf(internal(merged(host, own), HOST_FILE, required))).toBe(golden(`moby-resolvconf/TestRCTransformForIntNS__${name}.golden`));
  });

  it.runIf(HERE).each([
    ["Routable_IPv4_only", servers("10.0.0.1"), NONE, false],
    ["Routable_IPv4_and_IPv6,_ipv6_enabled", servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, true],
    ["Routable_IPv4_and_IPv6,_ipv6_disabled", servers("10.0.0.1", "fdb6:b8fe:b528::1"), NONE, false],
    ["IPv4_localhost,_ipv6_disabled", servers("127.0.0.53"), NONE, false],
    ["IPv4_localhost,_ipv6_enabled", servers("127.0.0.53"), NONE, true],
    ["IPv4_and_IPv6_localhost,_ipv6_disabled", servers("127.0.0.53", "::1"), NONE, false],
    ["IPv4_and_IPv6_localhost,_ipv6_enabled", servers("127.0.0.53", "::1"), NONE, true],
    ["IPv4_localhost,_IPv6_routeable,_ipv6_enabled", servers("127.0.0.53", "fd3e:2d1a:1f5a::1"), NONE, true],
    ["IPv4_localhost,_IPv6_routeable,_ipv6_disabled", servers("127.0.0.53", "fd3e:2d1a:1f5a::1"), NONE, false],
    ["Override_nameservers", servers("10.0.0.1"), servers("127.0.0.1", "::1"), false],
  ] as const)("without Docker's DNS: %s", (name, host, own, hasIpv6) => {
    expect(textOf(legacy(merged(host, own), HOST_FILE, hasIpv6))).toBe(golden(`moby-resolvconf/TestRCTransformForLegacyNw__${name}.golden`));
  });
});

describe("hosts", () => {
  it.runIf(HERE)("goes with the container through its networks", () => {
    const entries = ["192.0.2.3", "2001:db8::1234"].map((address) => ({ address, names: "otherhost.invalid" }));
    const host = { resolvConf: servers("10.0.0.1"), hosts: [] };
    const sandbox = new SandboxFiles({ generation: "29", mode: "own", name: "c1", hostname: "c1", domainname: "invalid", entries, dns: NONE, host });
    const first = ["192.168.123.2", "fde6:be58:aedf::2"];
    const second = ["192.168.124.2", "fdd2:c4e3:c4d5::2"];
    const at = (step: number) => expect(textOf(sandbox.hosts), `step ${step}`).toBe(golden(`moby-etchosts/TestEtcHostsDisconnect${step}.golden`));
    sandbox.join({ addresses: first, hasIpv6: true });
    sandbox.join({ addresses: second, hasIpv6: true });
    at(1);
    sandbox.leave({ addresses: first, knownNames: [] });
    at(2);
    sandbox.join({ addresses: first, hasIpv6: true });
    at(3);
    sandbox.leave({ addresses: first, knownNames: [] });
    at(4);
    sandbox.leave({ addresses: second, knownNames: [] });
    at(5);
  });
});
