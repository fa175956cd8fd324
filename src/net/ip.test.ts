import fc from "fast-check";
import { isIP } from "node:net";
import { describe, expect, it } from "vitest";
import { formatIp, formatIpv4, formatIpv6, isIp, isIpv4, isIpv6, parseIp, parseIpv4, parseIpv6 } from "./ip";

describe("IPv4", () => {
  it("reads a dotted quad as an unsigned number", () => {
    expect(parseIpv4("255.0.1.2", "x")).toBe(0xff000102);
    expect(parseIpv4("0.0.0.0", "x")).toBe(0);
  });

  it("comes back unchanged through text", () => {
    fc.assert(fc.property(fc.nat(0xffffffff), (value) => parseIpv4(formatIpv4(value), "x") === value));
  });

  it("refuses what is not a dotted quad, naming the field", () => {
    for (const text of ["", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "a.b.c.d"]) expect(isIpv4(text)).toBe(false);
    expect(() => parseIpv4("172.20.0", "ipv4_address")).toThrow(
      `ipv4_address: expected an IPv4 address such as "172.20.0.5", found "172.20.0"`,
    );
  });
});

describe("IPv6", () => {
  it("reads every form of RFC 4291", () => {
    expect(parseIpv6("::", "x")).toBe(0n);
    expect(parseIpv6("::1", "x")).toBe(1n);
    expect(parseIpv6("fd00::", "x")).toBe(0xfd00n << 112n);
    expect(parseIpv6("::ffff:10.0.0.1", "x")).toBe(0xffff0a000001n);
    expect(parseIpv6("1:2:3:4:5:6:7:8", "x")).toBe(0x00010002000300040005000600070008n);
  });

  it("writes the canonical form of RFC 5952", () => {
    expect(formatIpv6(parseIpv6("2001:DB8:0:0:1:0:0:1", "x"))).toBe("2001:db8::1:0:0:1");
    expect(formatIpv6(parseIpv6("2001:db8:0:1:1:1:1:1", "x"))).toBe("2001:db8:0:1:1:1:1:1");
    expect(formatIpv6(parseIpv6("1:0:0:2:0:0:0:3", "x"))).toBe("1:0:0:2::3");
    expect(formatIpv6(0n)).toBe("::");
  });

  it("comes back unchanged through text", () => {
    fc.assert(fc.property(fc.bigInt(0n, 2n ** 128n - 1n), (value) => parseIpv6(formatIpv6(value), "x") === value));
  });

  it("agrees with Node on what is an address", () => {
    const part = fc.constantFrom("0", "1", "ffff", "12345", "", "1.2.3.4", "g", "DB8");
    fc.assert(fc.property(fc.array(part, { minLength: 1, maxLength: 9 }), (parts) => {
      const text = parts.join(":");
      expect(isIpv6(text), text).toBe(isIP(text) === 6);
    }));
  });

  it("refuses a zone and a group too many", () => {
    expect(isIpv6("fe80::1%eth0")).toBe(false);
    expect(() => parseIpv6("1:2:3:4:5:6:7::8:9", "gateway")).toThrow(`gateway: expected an IPv6 address such as "fd00::5"`);
  });
});

it("keeps the family of an address", () => {
  expect(parseIp("10.0.0.1", "x")).toEqual({ family: 4, value: 0x0a000001 });
  expect(formatIp(parseIp("FD00:0::1", "x"))).toBe("fd00::1");
  expect(formatIp(parseIp("10.0.0.1", "x"))).toBe("10.0.0.1");
  expect(isIp("localhost")).toBe(false);
  expect(() => parseIp("localhost", "host_ip")).toThrow(`host_ip: expected an IPv4 or IPv6 address, found "localhost"`);
});
