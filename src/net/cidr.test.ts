import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cidrContains, cidrContainsCidr, cidrsOverlap, formatCidr, ipv4Cidr, ipv4Mask, ipv6Cidr, parseCidr } from "./cidr";
import { formatIpv4, parseIp } from "./ip";

const cidr = (text: string) => parseCidr(text, "subnet");
const ip = (text: string) => parseIp(text, "address");

describe("parseCidr", () => {
  it("keeps the written address beside the network", () => {
    expect(cidr("172.20.0.9/24")).toEqual({ family: 4, address: 0xac140009, network: 0xac140000, prefixLength: 24 });
    expect(formatCidr(cidr("172.20.0.9/24"))).toBe("172.20.0.0/24");
    expect(formatCidr(cidr("FD00:0:0::5/64"))).toBe("fd00::/64");
    expect(formatCidr(cidr("0.0.0.0/0"))).toBe("0.0.0.0/0");
  });

  it("says which part is wrong", () => {
    expect(() => cidr("172.20.0.0")).toThrow(`subnet: expected a CIDR such as "172.20.0.0/24", found "172.20.0.0" without a prefix length`);
    expect(() => cidr("172.20.0/24")).toThrow(`subnet: expected a CIDR such as "172.20.0.0/24", found "172.20.0/24"`);
    expect(() => cidr("172.20.0.0/33")).toThrow(`subnet: expected a prefix length from 0 to 32, found "33" in "172.20.0.0/33"`);
    expect(() => cidr("fd00::/129")).toThrow(`subnet: expected a prefix length from 0 to 128, found "129" in "fd00::/129"`);
    expect(() => cidr("10.0.0.0/08")).toThrow(`found "08"`);
    expect(() => cidr("10.0.0.0/")).toThrow(`found ""`);
  });

  it("carries the position into the message", () => {
    const position = { file: "compose.yaml", line: 7, column: 19 };
    expect(() => parseCidr("x", "subnet", { position })).toThrow(/^compose\.yaml:7:19: subnet: expected a CIDR/);
  });
});

it("knows the netmask of every length", () => {
  expect([0, 1, 8, 24, 31, 32].map((length) => formatIpv4(ipv4Mask(length)))).toEqual([
    "0.0.0.0", "128.0.0.0", "255.0.0.0", "255.255.255.0", "255.255.255.254", "255.255.255.255",
  ]);
});

it("contains its own addresses and no others", () => {
  expect(cidrContains(cidr("172.20.0.0/24"), ip("172.20.0.255"))).toBe(true);
  expect(cidrContains(cidr("172.20.0.0/24"), ip("172.20.1.0"))).toBe(false);
  expect(cidrContains(cidr("172.20.0.0/24"), ip("::ac14:1"))).toBe(false);
  expect(cidrContains(cidr("fd00::/64"), ip("fd00::ffff"))).toBe(true);
  expect(cidrContains(cidr("fd00::/64"), ip("10.0.0.1"))).toBe(false);
  expect(cidrContains(cidr("::/0"), ip("ffff::"))).toBe(true);
});

it("finds overlaps whichever block is larger", () => {
  expect(cidrsOverlap(cidr("10.0.0.0/8"), cidr("10.1.0.0/16"))).toBe(true);
  expect(cidrsOverlap(cidr("10.1.0.0/16"), cidr("10.0.0.0/8"))).toBe(true);
  expect(cidrsOverlap(cidr("10.1.0.0/16"), cidr("10.2.0.0/16"))).toBe(false);
  expect(cidrsOverlap(cidr("::/0"), cidr("0.0.0.0/0"))).toBe(false);
  expect(cidrContainsCidr(cidr("10.1.0.0/16"), cidr("10.0.0.0/8"))).toBe(false);
});

it("overlaps exactly when it shares an address", () => {
  const block = fc.tuple(fc.nat(0xffffffff), fc.integer({ min: 0, max: 32 })).map(([address, length]) => ipv4Cidr(address, length));
  fc.assert(fc.property(block, block, (a, b) => {
    const last = (c: typeof a) => (c.network | ~ipv4Mask(c.prefixLength)) >>> 0;
    expect(cidrsOverlap(a, b)).toBe(a.network <= last(b) && b.network <= last(a));
  }));
});

it("comes back unchanged through text", () => {
  const bits = fc.bigInt(0n, 2n ** 128n - 1n);
  const block = fc.tuple(bits, fc.integer({ min: 0, max: 128 })).map(([address, length]) => ipv6Cidr(address, length));
  fc.assert(fc.property(block, (b) => {
    expect(cidr(formatCidr(b))).toEqual({ ...b, address: b.network });
  }));
});
