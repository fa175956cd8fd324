import { describe, expect, it } from "vitest";
import { formatCidr, parseCidr, type Ipv4Cidr } from "../net/cidr";
import { AddressSpace, firstFit, nextFit } from "./address-space";

const block = (text: string) => parseCidr(text, "subnet") as Ipv4Cidr;
const take = (space: AddressSpace, count: number) => Array.from({ length: count }, () => space.takeDefault()).map((subnet) => subnet && formatCidr(subnet));

describe("the default subnets", () => {
  it("are 15 of /16, then 16 of /20", () => {
    const all = take(new AddressSpace(nextFit()), 32);
    expect(all.filter((_, index) => [0, 3, 14, 15, 16, 30].includes(index))).toEqual([
      "172.17.0.0/16", "172.20.0.0/16", "172.31.0.0/16", "192.168.0.0/20", "192.168.16.0/20", "192.168.240.0/20",
    ]);
    expect(all[31]).toBeUndefined();
  });
});

describe("a search for the first fit", () => {
  it("uses a released subnet at once", () => {
    const space = new AddressSpace(firstFit());
    expect(take(space, 2)).toEqual(["172.17.0.0/16", "172.18.0.0/16"]);
    space.release(block("172.17.0.0/16"));
    expect(take(space, 2)).toEqual(["172.17.0.0/16", "172.19.0.0/16"]);
  });
});

describe("a search for the next fit", () => {
  it("goes on after the last one and wraps", () => {
    const space = new AddressSpace(nextFit());
    expect(take(space, 1)).toEqual(["172.17.0.0/16"]);
    space.release(block("172.17.0.0/16"));
    expect(take(space, 30).at(-1)).toBe("192.168.240.0/20");
    expect(take(space, 2)).toEqual(["172.17.0.0/16", undefined]);
  });

  it("is not moved by a look at the first default subnet", () => {
    const space = new AddressSpace(nextFit());
    expect(formatCidr(space.findFirstDefault()!)).toBe("172.17.0.0/16");
    expect(take(space, 1)).toEqual(["172.17.0.0/16"]);
  });
});

describe.each([["first", firstFit], ["next", nextFit]])("the %s fit", (_, choice) => {
  it("skips what overlaps a block given by hand", () => {
    const space = new AddressSpace(choice());
    expect(space.claim(block("172.16.0.0/14"))).toBe(true);
    expect(take(space, 1)).toEqual(["172.20.0.0/16"]);
  });

  it("finds nothing when all are taken", () => {
    const space = new AddressSpace(choice());
    expect(take(space, 32).at(-1)).toBeUndefined();
  });
});

describe("a block given by hand", () => {
  it("may not overlap a taken one, inside or around", () => {
    const space = new AddressSpace(firstFit());
    space.takeDefault();
    expect(space.claim(block("172.17.5.0/24"))).toBe(false);
    expect(space.claim(block("172.0.0.0/8"))).toBe(false);
    expect(space.claim(block("10.0.0.0/8"))).toBe(true);
  });
});
