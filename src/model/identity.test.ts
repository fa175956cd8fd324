import { describe, expect, it } from "vitest";
import { formatMac } from "../net/mac";
import { Identity, macOf0242 } from "./identity";

describe("what a daemon draws at random", () => {
  const names = Array.from({ length: 2000 }, (_, index) => `c${index}`);

  it("depends on the seed and the name, and on nothing else", () => {
    expect(new Identity(1).id("network", "host1", "front")).toBe(new Identity(1).id("network", "host1", "front"));
    expect(new Identity(1).id("network", "host1", "front")).not.toBe(new Identity(2).id("network", "host1", "front"));
    expect(new Identity(1).id("network", "host1", "front")).not.toBe(new Identity(1).id("container", "host1", "front"));
    expect(new Identity(1).id("network", "a", "bc")).not.toBe(new Identity(1).id("network", "ab", "c"));
  });

  it("has IDs of 64 hexadecimal digits whose first 12 differ", () => {
    const ids = names.map((name) => new Identity(0).id("container", name));
    expect(ids.every((id) => /^[0-9a-f]{64}$/.test(id))).toBe(true);
    expect(new Set(ids.map((id) => id.slice(0, 12))).size).toBe(names.length);
  });

  it("has MACs that are unicast and locally administered, all different", () => {
    const macs = names.map((name) => new Identity(0).randomMac(name));
    expect(macs.every((mac) => (Math.floor(mac / 2 ** 40) & 3) === 2)).toBe(true);
    expect(new Set(macs).size).toBe(names.length);
    const firstOctets = new Set(macs.map((mac) => Math.floor(mac / 2 ** 40)));
    expect(firstOctets.size).toBe(64);
  });

  it("spreads every bit evenly", () => {
    const counts = Array<number>(28).fill(0);
    for (const name of names) {
      const bits = parseInt(new Identity(0).suffix("veth", name), 16);
      for (let bit = 0; bit < 28; bit++) counts[bit]! += (bits >>> bit) & 1;
    }
    // Five standard deviations around 1000.
    expect(counts.every((count) => Math.abs(count - 1000) < 112)).toBe(true);
  });

  it("starts the MACs of 20.10's bridges with 02:42", () => {
    expect(formatMac(new Identity(0).random0242Mac("docker0"))).toMatch(/^02:42(:[0-9a-f]{2}){4}$/);
  });
});

describe("the MAC of an address", () => {
  it("is 02:42 and its octets", () => {
    expect(formatMac(macOf0242(0xac110002))).toBe("02:42:ac:11:00:02");
    expect(formatMac(macOf0242(0xffffffff))).toBe("02:42:ff:ff:ff:ff");
  });
});
