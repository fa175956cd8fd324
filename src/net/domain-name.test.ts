import { describe, expect, it } from "vitest";
import { domainNameBytes } from "./domain-name";

describe("domainNameBytes", () => {
  it("puts lengths in front of labels and the root at the end", () => {
    expect([...(domainNameBytes("Web.a") ?? [])]).toEqual([3, 119, 101, 98, 1, 97, 0]);
    expect(domainNameBytes("web.")).toEqual(domainNameBytes("web"));
    expect([...(domainNameBytes(".") ?? [])]).toEqual([0]);
  });

  it("knows what cannot be a name", () => {
    expect(domainNameBytes("a..b")).toBeNull();
    expect(domainNameBytes("x".repeat(63))).toHaveLength(65);
    expect(domainNameBytes("x".repeat(64))).toBeNull();
    expect(domainNameBytes(Array.from({ length: 127 }, () => "a").join("."))).toHaveLength(255);
    expect(domainNameBytes(Array.from({ length: 128 }, () => "a").join("."))).toBeNull();
  });
});
