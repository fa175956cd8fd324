import { describe, expect, it } from "vitest";
import { docker, refusalOf } from "../../test/support/docker";
import { simulate } from "../../test/support/simulate";
import { LabTraffic, parseTarget } from "./traffic";

const from = docker("x").container("web").traffic("load", "web");

describe("traffic in words", () => {
  it("is requests, pings, or messages at a rate, depending on what is said", () => {
    expect(from.to("db:80").spec.traffic[0]).toMatchObject({ kind: "request", sizeBytes: 128, responseBytes: 1024, thinkNs: 10_000_000, timeoutNs: 1_000_000_000, clients: 1 });
    expect(from.to("db").spec.traffic[0]).toMatchObject({ kind: "ping", sizeBytes: 56, rate: { perSecond: 1 } });
    expect(from.to("db:80").rate("2kpps").spec.traffic[0]).toMatchObject({ kind: "constant", sizeBytes: 512, rate: { perSecond: 2000 }, responseBytes: 0 });
    expect(from.to("db:80/udp").poisson("1Mbit").spec.traffic[0]).toMatchObject({ kind: "poisson", rate: { bitsPerSecond: 1_000_000 } });
    expect(from.to("db:80").onOff({ rate: "5/s", on: "1s", off: "500ms" }).spec.traffic[0]).toMatchObject({ kind: "onoff", onNs: 1e9, offNs: 5e8 });
    expect(from.to("db:80").exchange({ response: "16k" }).spec.traffic[0]).toMatchObject({ kind: "exchange", sizeBytes: 128, responseBytes: 16384, timeoutNs: 1e9 });
    expect(from.to("db:80").request().rate("5/s").spec.traffic[0]).toMatchObject({ kind: "request", rate: { perSecond: 5 } });
  });

  it("takes its properties in any order", () => {
    const one = from.size("1k").count(3).clients(2).during("1s", "9s").dontFragment().to("db:53/udp").rate("1/s");
    const other = from.to("db:53/udp").rate("1/s").dontFragment().during("1s", "9s").clients(2).count(3).size(1024);
    expect(one.spec).toEqual(other.spec);
    expect(one.spec.traffic[0]).toMatchObject({ sizeBytes: 1024, count: 3, clients: 2, startNs: 1e9, stopNs: 9e9, dontFragment: true });
  });

  it("of a lab remembers when it was added, and what was said since", () => {
    const traffic = new LabTraffic("late", "web", 5_000);
    expect(refusalOf(() => traffic.spec)).toMatch(/^INVALID_INPUT: traffic late: to: expected a target/);
    traffic.to("db:80").request({ size: 10, response: 20, think: "1us", timeout: "2us", clients: 3 });
    expect(traffic.spec).toMatchObject({ name: "late", startNs: 5_000, sizeBytes: 10, responseBytes: 20, thinkNs: 1_000, timeoutNs: 2_000, clients: 3 });
  });
});

describe("a target", () => {
  it("is a name or an address, a port, and TCP unless it says UDP", () => {
    expect(parseTarget("db:5432")).toEqual({ host: "db", port: 5432, protocol: "tcp" });
    expect(parseTarget("10.0.0.1:53/UDP")).toEqual({ host: "10.0.0.1", port: 53, protocol: "udp" });
    expect(parseTarget("my_db.back")).toEqual({ host: "my_db.back", protocol: "icmp" });
  });

  it.each(["", ":80", "db:", "db:0", "db:65536", "db:80/sctp", "db:80/tcp/x", "a b"])("is refused: %j", (text) => {
    expect(refusalOf(() => parseTarget(text))).toBe(`INVALID_INPUT: to: expected "name:port[/tcp|/udp]", or "name" for a ping, found ${JSON.stringify(text)}`);
  });
});

describe("a target of IPv6", () => {
  it("stands in brackets where it has a port", () => {
    expect(parseTarget("[fd00::2]:80/udp")).toEqual({ host: "fd00::2", port: 80, protocol: "udp" });
    expect(parseTarget("[fd00::2]")).toEqual({ host: "fd00::2", protocol: "icmp" });
    expect(parseTarget("fd00::2")).toEqual({ host: "fd00::2", protocol: "icmp" });
    expect(refusalOf(() => parseTarget("[fd00]:80"))).toBe(`INVALID_INPUT: to: expected an IPv6 address in brackets, such as "[fd00::2]:80/tcp", found "[fd00]:80"`);
  });

  it("is reached like one of IPv4, published ports included", async () => {
    const shop = docker("shop").network("front", { subnet6: "fd00:1::/64" }).container("web", { networks: ["front"] }).container("db", { networks: ["front"], publish: ["8080:80"] });
    const { program } = shop
      .traffic("ask", "web").to("[fd00:1::3]:5432/tcp").request({ clients: 1 })
      .traffic("own", "host1").to("[::1]:8080/tcp").exchange()
      .traffic("ping", "web").to("fd00:1::3")
      .compile();
    const { counters } = simulate(program, { untilNs: 2_500_000_000 });
    for (const flow of counters.flows) expect(flow).toMatchObject({ errors: 0 });
    expect(counters.flows.every(({ answered }) => answered > 1)).toBe(true);
  });
});
