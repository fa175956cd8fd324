import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createDriverFirewall, listChain } from "../../src/model/firewall";
import { parseCidr } from "../../src/net/cidr";
import { parseIp } from "../../src/net/ip";
import { compareRuleDump, compareRuleDumps, isRuleDumpFolder, readDumpName, renderDump } from "./rule-dumps";

const FOLDER = fileURLToPath(new URL("../../../shared/fixtures/moby-iptables", import.meta.url));
const HERE = existsSync(FOLDER);
if (!HERE) console.log(`rule dumps: skipped, there is no folder ${FOLDER}`);

describe("the rules of Docker 29", () => {
  it.runIf(HERE)("equal the dumps of its own tests, line by line", () => {
    const { results, skipped } = compareRuleDumps(FOLDER);
    expect(skipped).toEqual([]);
    expect(results.length).toBeGreaterThan(100);
    expect(results.flatMap(({ differences }) => differences)).toEqual([]);
  });

  it.runIf(HERE)("come in a folder that is known as such", () => {
    expect(isRuleDumpFolder(FOLDER)).toBe(true);
  });
});

const SKIPPED_RAW = fileURLToPath(new URL("../../../shared/fixtures/moby-etchosts", import.meta.url));
const SKIPPED_RAW_HERE = existsSync(SKIPPED_RAW);
if (!SKIPPED_RAW_HERE) console.log(`dumps of table raw: skipped, there is no folder ${SKIPPED_RAW}`);

describe.runIf(SKIPPED_RAW_HERE)("table raw of Docker 29", () => {
  it.each([true, false])("is as its own test dumps it, with DOCKER_INSECURE_NO_IPTABLES_RAW=1: %s", (skips) => {
    const firewall = createDriverFirewall("29");
    firewall.start({ iptables: true, ip6tables: true, userlandProxy: true, allowDirectRouting: false, rawRules: !skips });
    const family = (text: string) => ({ subnet: parseCidr(text, "subnet"), gatewayMode: "nat", hostAddress: undefined }) as const;
    const [v4, v6] = [family("192.168.0.0/24"), family("fd30:1159:a755::/64")];
    firewall.addNetwork({ id: "b", name: "bridge", device: "docker0", internal: false, icc: true, masquerade: true, trustedInterfaces: [], v4, v6 });
    const addresses = [parseIp("192.168.0.2", "address"), parseIp("fd30:1159:a755::2", "address")];
    firewall.attach("b", { container: "c", addresses });
    const binding = { container: "c", port: 80, protocol: "tcp", hostPort: 8080 } as const;
    firewall.publish("b", [
      { ...binding, address: addresses[0]!, hostAddress: parseIp("127.0.0.1", "address") },
      { ...binding, address: addresses[1]!, hostAddress: parseIp("::1", "address") },
    ]);
    const { v4: tables4, v6: tables6 } = firewall.snapshot();
    for (const [name, tables] of [["ipv4", tables4], ["ipv6", tables6]] as const) {
      const chains = tables.find((table) => table.name === "raw")!.chains.map(listChain);
      const listed = [...chains.map(([policy]) => policy!), ...chains.flatMap(([, ...rules]) => rules)];
      expect(`${listed.join("\n")}\n`).toBe(readFileSync(`${SKIPPED_RAW}/TestSkipRawRules__skip=${skips}_${name}.golden`, "utf8"));
    }
  });
});

describe("the comparison of rule dumps", () => {
  const NAME = "hairpin=false,internal=false,icc=true,masq=true,snat=false,gwm=nat,bindlh=false__iptables.golden";
  const text = renderDump(readDumpName(NAME)!);

  it("finds a line that differs, and says where", () => {
    const changed = text.replace("--dport 8080", "--dport 8081");
    const { passed, total, differences } = compareRuleDump(NAME, changed);
    expect(differences).toEqual([
      {
        path: expect.stringMatching(/__iptables\.golden:\d+$/),
        expected: "-A DOCKER ! -i br-dummy -p tcp -m tcp --dport 8081 -j DNAT --to-destination 192.168.0.2:80",
        got: "-A DOCKER ! -i br-dummy -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.168.0.2:80",
      },
    ]);
    expect(passed).toBe(total - 1);
  });

  it("counts lines that are missing on either side", () => {
    expect(compareRuleDump(NAME, `${text}*mangle\nCOMMIT\n`).differences).toHaveLength(2);
    expect(compareRuleDump(NAME, "").passed).toBe(0);
  });

  it("knows what a name says, and what is no name of a dump", () => {
    expect(readDumpName("cleaned,hairpin=true,wsl2mirrored=true__iptables.golden")).toMatchObject({ cleaned: true, hairpin: true, wsl2Mirrored: true, family: 4 });
    expect(readDumpName("no__ip6tables.golden")).toMatchObject({ enabled: false, family: 6 });
    expect(readDumpName("colour=red__iptables.golden")).toBeUndefined();
    expect(readDumpName("README.md")).toBeUndefined();
  });

  it("takes what other parameters make irrelevant as such: masquerade, SNAT, mode and address on an internal network", () => {
    const base = readDumpName("hairpin=true,internal=true,icc=true__iptables.golden")!;
    const other = { ...base, masquerade: true, snat: true, gatewayMode: "nat-unprotected", bindLocalhost: true } as const;
    expect(renderDump(other)).toBe(renderDump(base));
  });
});
