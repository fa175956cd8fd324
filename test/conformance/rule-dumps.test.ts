import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
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
