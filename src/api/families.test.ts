/** Names that have addresses of both families, on the TypeScript engine in this thread. */
import { describe, expect, it } from "vitest";
import { docker } from "../../test/support/docker";
import { startHere } from "../../test/support/lab";

const both = () => docker("both").network("back", { subnet: "172.20.0.0/16", subnet6: "fd00:20::/64" }).container("db", { networks: ["back"] }).container("web", { networks: ["back"] });

describe("a name with addresses of both families", () => {
  it("is asked over both", async () => {
    const lab = await startHere(() => both().compile());
    const result = await lab.reach("web", "db:5432");
    expect(result).toMatchObject({ reachable: true, address: "172.20.0.2", overIpv6: { reachable: true, address: "fd00:20::2", peer: "fd00:20::3" } });
    expect(String(result)).toContain("\nover IPv6: web → db:5432 (fd00:20::2): ok; db saw fd00:20::3");
    await lab.iptables("-I DOCKER-USER -j DROP");
    expect(await lab.reach("web", "db:5432", { family: 6 })).toMatchObject({ reachable: true, address: "fd00:20::2" });
    expect(await lab.reach("web", "db:5432", { family: 4 })).not.toHaveProperty("overIpv6");
    expect(await lab.reach("web", "172.20.0.2:5432")).not.toHaveProperty("overIpv6");
  });

  it("carries traffic over the one that is wanted", async () => {
    const flows = async (family?: 4 | 6) => {
      const traffic = both().traffic("queries", "web").to("db:5432/tcp").request();
      const lab = await startHere(() => (family === undefined ? traffic : traffic.family(family)).compile());
      return (await lab.run({ for: "100ms" })).flows.map(({ address, answered }) => [address, answered > 5]);
    };
    expect(await flows()).toEqual([["172.20.0.2", true]]);
    expect(await flows(6)).toEqual([["fd00:20::2", true]]);
  });

  it("says where there is no address of the family that is wanted", async () => {
    const lab = await startHere(() => docker("four").network("back").container("db", { networks: ["back"] }).container("web", { networks: ["back"] }).compile());
    expect(await lab.reach("web", "db:5432")).not.toHaveProperty("overIpv6");
    expect(await lab.reach("web", "db:5432", { family: 6 })).toMatchObject({ result: "unresolvable", reason: '"db" has no address of IPv6 for web' });
  });

  it("is told to the neighbours in both families where Docker does", async () => {
    for (const [generation, count] of [["29", 3], ["20.10", 0]] as const) {
      const lab = await startHere(() => docker("both", { docker: generation }).network("back", { subnet: "172.20.0.0/16", subnet6: "fd00:20::/64" }).network("front").container("db", { networks: ["back"] }).container("web", { networks: ["front"] }).compile());
      await lab.run({ for: "2s" });
      const capture = lab.capture({ at: ["db:eth0"] });
      await lab.connect("web", "back");
      await lab.run({ for: "5s" });
      const frames = await capture.frames();
      const arp = frames.filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 6 && bytes[31] === bytes[41]);
      // ICMPv6 type 136, to all nodes.
      const advertised = frames.filter(({ bytes }) => bytes[12] === 0x86 && bytes[54] === 136 && bytes[38] === 0xff);
      expect([arp.length, advertised.length]).toEqual([count, count]);
      if (count > 0) expect((await lab.ping("db", "fd00:20::3", { count: 1 })).received).toBe(1);
    }
  });
});
