import { describe, expect, it } from "vitest";
import { ipv4Cidr, parseCidr, type Ipv4Cidr } from "../net/cidr";
import { formatIpv4, parseIpv4 } from "../net/ip";
import { lastOf } from "./block";
import { AddressPool } from "./ipam";

const block = (text: string) => parseCidr(text, "subnet") as Ipv4Cidr;
const pool = (subnet: string, range?: string, reservesEdges = true) => new AddressPool(block(subnet), range ? block(range) : undefined, { reservesEdges });
const ip = (text: string) => BigInt(parseIpv4(text, "ip"));

function takeAll(from: AddressPool): string[] {
  const taken: string[] = [];
  for (let next = from.take(); next !== undefined; next = from.take()) taken.push(formatIpv4(Number(next)));
  return taken;
}

describe("addresses of a subnet", () => {
  it("are handed out from the lowest, without the network and the broadcast address", () => {
    expect(takeAll(pool("10.0.0.0/29"))).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  });

  it("are used again at once when they are free again", () => {
    const addresses = pool("10.0.0.0/29");
    takeAll(addresses);
    addresses.release(ip("10.0.0.5"));
    addresses.release(ip("10.0.0.2"));
    expect(takeAll(addresses)).toEqual(["10.0.0.2", "10.0.0.5"]);
  });

  it("can be claimed once, and are skipped then", () => {
    const addresses = pool("10.0.0.0/29");
    expect(addresses.claim(ip("10.0.0.2"))).toBe(true);
    expect(addresses.claim(ip("10.0.0.2"))).toBe(false);
    expect([addresses.take(), addresses.take()].map((value) => formatIpv4(Number(value ?? 0n)))).toEqual(["10.0.0.1", "10.0.0.3"]);
  });

  it("cannot be claimed at the edges", () => {
    const addresses = pool("10.0.0.0/29");
    expect(addresses.claim(ip("10.0.0.0"))).toBe(false);
    expect(addresses.claim(ip("10.0.0.7"))).toBe(false);
  });

  it("include both of a /31 where the edges are not kept back", () => {
    expect(takeAll(pool("10.0.0.0/31", undefined, false))).toEqual(["10.0.0.0", "10.0.0.1"]);
    expect(takeAll(pool("10.0.0.0/31"))).toEqual([]);
  });

  it("come from the whole range if there is one, its first and last address included", () => {
    expect(takeAll(pool("10.0.0.0/24", "10.0.0.128/30"))).toEqual(["10.0.0.128", "10.0.0.129", "10.0.0.130", "10.0.0.131"]);
  });

  it("may be claimed outside the range", () => {
    const addresses = pool("10.0.0.0/24", "10.0.0.128/30");
    expect(addresses.claim(ip("10.0.0.9"))).toBe(true);
    addresses.release(ip("10.0.0.9"));
    expect(takeAll(addresses)).toHaveLength(4);
  });
});

describe("the last address of a block", () => {
  it("has all host bits set", () => {
    expect(formatIpv4(Number(lastOf(block("172.17.0.0/16"))))).toBe("172.17.255.255");
    expect(formatIpv4(Number(lastOf(ipv4Cidr(0, 0))))).toBe("255.255.255.255");
  });
});
