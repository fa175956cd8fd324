import { describe, expect, it } from "vitest";
import { docker } from "../../test/support/docker";
import type { DockerTopology } from "./docker";
import { startHere } from "../../test/support/lab";

async function received(topology: DockerTopology, from: string, to: string): Promise<number> {
  const lab = await startHere(() => topology.compile());
  return (await lab.ping(from, to, { count: 1, timeout: "2s" })).received;
}

describe("rules of a host's user", () => {
  const shop = (rules?: string) => docker("shop", rules === undefined ? {} : { rules }).host("h1").network("front").container("web", { networks: ["front"] });

  it("keep containers from the internet in DOCKER-USER", async () => {
    expect(await received(shop(), "web", "internet")).toBe(1);
    expect(await received(shop("-I DOCKER-USER -s 172.18.0.0/16 -j DROP"), "web", "internet")).toBe(0);
    expect(await received(shop("-I DOCKER-USER -s 10.0.0.0/8 -j DROP"), "web", "internet")).toBe(1);
  });

  it("keep neighbours from the host in INPUT", async () => {
    expect(await received(shop("-A INPUT -i eth0 -p icmp --icmp-type echo-request -j DROP"), "lan", "h1")).toBe(0);
    expect(await received(shop("-A INPUT -i eth0 -p icmp --icmp-type echo-reply -j DROP"), "lan", "h1")).toBe(1);
  });

  it("may differ from host to host", () => {
    const two = docker("two", { rules: "-A INPUT -s 10.0.0.1 -j DROP" }).host("h1").host("h2", { rules: "-A INPUT -s 10.0.0.2 -j DROP" });
    const [first = "", second = ""] = two.compile().rules().split("# h2: iptables-save");
    expect(first).toContain("-A INPUT -s 10.0.0.1/32 -j DROP\n");
    expect(second).toContain("-A INPUT -s 10.0.0.2/32 -j DROP\n");
    expect(second).not.toContain("10.0.0.1");
  });

  it("are refused with the host's name, line and column", () => {
    expect(() => docker("one").host("h1", { rules: "-A INPUT -m string -j DROP" }).compile()).toThrow(/^h1\.rules:1:13: /);
  });
});
