import { describe, expect, it } from "vitest";
import { SimulationError } from "../errors";
import { loadCompose } from "./load";
import type { DockwireSection, TrafficRule } from "./x-dockwire";

/** The section with these lines, in a project of services `web`, `db`, `back` and networks `default`, `back`, `store`. */
function read(...lines: string[]): DockwireSection {
  const section = lines.map((line) => `  ${line}`).join("\n");
  const services = "services: {web: {image: a}, db: {image: b, networks: [store]}, back: {image: c, networks: [back]}}\nnetworks: {back: , store: }";
  const { dockwire } = loadCompose({ file: "f", text: `x-dockwire:\n${section}\n${services}` });
  if (!dockwire) throw new Error("expected a section x-dockwire");
  return dockwire;
}

const traffic = (text: string): TrafficRule => read(`traffic: [{${text}}]`).traffic[0] as TrafficRule;

/** The message of what `act` throws. */
function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof SimulationError ? error.message : String(error);
  }
  return "nothing was thrown";
}

describe("x-dockwire", () => {
  it("sets how the run goes", () => {
    expect(read("for: 1m30s", "seed: 7", "engine: ts", "docker: '20.10'")).toMatchObject({
      durationNs: 90e9, seed: 7, engine: "ts", docker: "20.10", links: [], traffic: [], defaultTraffic: true,
      place: { path: "x-dockwire", position: { file: "f", line: 1, column: 1 } },
    });
    expect(read("docker: 20.10").docker).toBe("20.10");
    expect(read("docker: 29").docker).toBe("29");
    expect(read("seed: 0")).toMatchObject({ durationNs: undefined, engine: undefined, docker: undefined });
  });

  it("is absent when the file has none", () => {
    expect(loadCompose({ file: "f", text: "services: {a: {image: a}}" }).dockwire).toBeUndefined();
  });

  it("describes links of everything, of a network and of a service", () => {
    const { links } = read(
      "links:",
      "  default: {rate: 10Gbit, delay: 50us}",
      "  store: {loss: 0.1%, duplicate: 0.5, reorder: 0, jitter: 5us}",
      "  db: {limit: 100}",
      "  service:back: {rate: 1Mbit}",
      "  network:back: {delay: 0}",
    );
    expect(links.map(({ scope, link }) => [scope, link])).toEqual([
      [{ kind: "default" }, { rateBps: 1e10, delayNs: 50_000 }],
      [{ kind: "network", name: "store" }, { loss: 4294967, duplicate: 0x80000000, reorder: 0, jitterNs: 5000 }],
      [{ kind: "service", name: "db" }, { limitPackets: 100 }],
      [{ kind: "service", name: "back" }, { rateBps: 1e6 }],
      [{ kind: "network", name: "back" }, { delayNs: 0 }],
    ]);
    expect(links[1]?.place).toEqual({ path: "x-dockwire.links.store", position: { file: "f", line: 4, column: 5 } });
  });

  it("turns default traffic off once it describes its own, unless told otherwise", () => {
    const one = "traffic: [{from: web, to: db}]";
    expect([read("seed: 1"), read(one), read(one, "default_traffic: true"), read("default_traffic: false")].map((s) => s.defaultTraffic)).toEqual([
      true, false, true, false,
    ]);
  });
});

describe("traffic", () => {
  it("is a ping without a port, a request without a rate, else constant", () => {
    expect(traffic("from: web, to: db")).toMatchObject({
      name: "web-db", kind: "ping", to: { service: "db", port: undefined, protocol: "icmp" }, sizeBytes: 56, timeoutNs: 1e9,
      rate: { per: "messages", messagesPerSecond: 1 },
    });
    expect(traffic("from: web, to: db:5432")).toMatchObject({
      kind: "request", to: { service: "db", port: 5432, protocol: "tcp" }, rate: undefined, sizeBytes: 128, responseBytes: 1024,
      thinkNs: 10e6, timeoutNs: 1e9, clients: 1, startNs: 0, stopNs: undefined, count: undefined,
    });
    expect(traffic("from: web, to: 'db:53/UDP', rate: 10Mbit")).toMatchObject({
      kind: "constant", to: { port: 53, protocol: "udp" }, rate: { per: "bits", bitsPerSecond: 1e7 }, sizeBytes: 512, responseBytes: 0, timeoutNs: 0,
    });
  });

  it("says everything of every kind", () => {
    expect(traffic("name: q, from: web, to: db:1/tcp, kind: request, size: 1k, response: 64k, think: 0, timeout: 5s, clients: 4, count: 9, start: 1s, stop: 2s"))
      .toMatchObject({
        name: "q", kind: "request", sizeBytes: 1024, responseBytes: 65536, thinkNs: 0, timeoutNs: 5e9, clients: 4, count: 9, startNs: 1e9, stopNs: 2e9,
      });
    expect(traffic("from: web, to: db:1/udp, kind: onoff, rate: 5kpps, on: 1s, off: 500ms, size: 0")).toMatchObject({
      kind: "onoff", rate: { per: "messages", messagesPerSecond: 5000 }, onNs: 1e9, offNs: 5e8, sizeBytes: 0,
    });
    expect(traffic("from: web, to: db:1/udp, kind: poisson, rate: 100/s")).toMatchObject({ kind: "poisson" });
  });

  it("may come from and go to machines around the project, and to addresses", () => {
    expect(traffic("from: lan, to: host:8080")).toMatchObject({ name: "lan-host", from: "lan", to: { service: "host", port: 8080, protocol: "tcp" } });
    expect(traffic("from: host, to: 127.0.0.1:53/udp")).toMatchObject({ from: "host", to: { service: "127.0.0.1", port: 53, protocol: "udp" } });
    expect(traffic("from: web, to: internet")).toMatchObject({ kind: "ping", to: { service: "internet" } });
  });

  it("has a name of its own for every flow", () => {
    const { traffic: rules } = read("traffic:", ..."ab".split("").map(() => "  - {from: web, to: db}"), "  - {from: web, to: db, name: web-db-2}");
    expect(rules.map(({ name }) => name)).toEqual(["web-db", "web-db-3", "web-db-2"]);
  });
});

describe("mistakes in x-dockwire", () => {
  it.each([
    ["for: 10", `f:2:8: x-dockwire.for: expected a duration such as "50us", "1.5s" or "1m30s", found "10"`],
    ["for: 0s", `f:2:8: x-dockwire.for: expected a duration above 0, found "0s"`],
    ["for: [1s]", "f:2:3: x-dockwire.for: expected a string or a number, found a list"],
    ["fro: 10s", `f:2:3: x-dockwire: additional property "fro" is not allowed, did you mean "for"?`],
    ["seed: -1", "f:2:9: x-dockwire.seed: expected an integer from 0 to 4294967295, found -1"],
    ["engine: was", `f:2:11: x-dockwire.engine: expected "wasm" or "ts", found "was"`],
    ["docker: 28", `f:2:11: x-dockwire.docker: expected "29" or "20.10", found 28`],
    ["default_traffic: maybe", `f:2:20: x-dockwire.default_traffic: expected true or false, found "maybe"`],
    ["links: {bd: {rate: 1Gbit}}", `f:2:11: x-dockwire.links.bd: expected a service, a network or "default", found "bd", did you mean "db"?`],
    ["links: {network:db: {}}", `f:2:11: x-dockwire.links.network:db: expected a service, a network or "default", found "network:db", did you mean "db"?`],
    ["links: {back: {}}", `f:2:11: x-dockwire.links.back: expected "service:back" or "network:back", found "back", which is both a service and a network`],
    ["links: {db: {rate: 1Gbps}}", `f:2:22: x-dockwire.links.db.rate: expected a rate such as "10Mbit", "200kbit" or "1Gbit", found "1Gbps"`],
    ["links: {db: {delay: -1s}}", `f:2:23: x-dockwire.links.db.delay: expected a duration such as "50us", "1.5s" or "1m30s", found "-1s"`],
    ["links: {db: {jitter: 5s}}", `f:2:24: x-dockwire.links.db.jitter: expected at most 4.2s, found "5s"`],
    ["links: {db: {loss: 5}}", `f:2:22: x-dockwire.links.db.loss: expected a fraction from 0 to 1 or percent such as "0.1%", found "5"`],
    ["links: {db: {limit: 0}}", "f:2:23: x-dockwire.links.db.limit: expected an integer from 1 to 65535, found 0"],
    ["links: {db: {los: 5%}}", `f:2:16: x-dockwire.links.db: additional property "los" is not allowed, did you mean "loss"?`],
    ["traffic: {from: web}", "f:2:3: x-dockwire.traffic: expected a list, found a mapping"],
    ["traffic: [{from: web}]", `f:2:13: x-dockwire.traffic[0]: expected the property "to", found none`],
    ["traffic: [{from: wbe, to: db}]", `f:2:20: x-dockwire.traffic[0].from: expected a service or one of lan, internet, host, found "wbe", did you mean "web"?`],
    ["traffic: [{from: web, to: 'x:80'}]", `f:2:29: x-dockwire.traffic[0].to: expected a service or one of lan, internet, host, found "x"`],
    ["traffic: [{from: web, to: 'db:0'}]", `f:2:29: x-dockwire.traffic[0].to: expected "service:port[/tcp|/udp]", or "service" for a ping, found "db:0"`],
    ["traffic: [{from: web, to: 'db:1/sctp'}]", `f:2:29: x-dockwire.traffic[0].to: expected "service:port[/tcp|/udp]", or "service" for a ping, found "db:1/sctp"`],
    ["traffic: [{from: web, to: db, kind: poisson}]", `f:2:29: x-dockwire.traffic[0].to: expected "service:port[/proto]", found "db"`],
    ["traffic: [{from: web, to: 'db:1', kind: ping}]", `f:2:29: x-dockwire.traffic[0].to: expected a service without a port for a ping, found "db:1"`],
    ["traffic: [{from: web, to: 'db:1', kind: burst}]", `f:2:43: x-dockwire.traffic[0].kind: expected "constant", "poisson", "onoff", "request", "exchange" or "ping", found "burst"`],
    ["traffic: [{from: web, to: 'db:1', kind: constant}]", `f:2:13: x-dockwire.traffic[0]: expected the property "rate", found none`],
    ["traffic: [{from: web, to: 'db:1', rate: 5}]", `f:2:43: x-dockwire.traffic[0].rate: expected a rate such as "200Mbit", "100/s" or "5kpps", found 5`],
    ["traffic: [{from: web, to: 'db:1', rate: 0bit}]", `f:2:43: x-dockwire.traffic[0].rate: expected a whole number of bits per second above 0, found "0bit"`],
    ["traffic: [{from: web, to: 'db:1', kind: onoff, rate: 1/s, on: 1s}]", `f:2:13: x-dockwire.traffic[0]: expected the property "off", found none`],
    ["traffic: [{from: web, to: 'db:1', rate: 1/s, on: 1s}]", `f:2:52: x-dockwire.traffic[0].on: expected only in traffic of kind "onoff", found with kind "constant"`],
    ["traffic: [{from: web, to: db, response: 1k}]", `f:2:43: x-dockwire.traffic[0].response: expected only in traffic of kind "request" or "exchange", found with kind "ping"`],
    ["traffic: [{from: web, to: 'db:1/udp', kind: exchange}]", `f:2:29: x-dockwire.traffic[0].to: expected a TCP port for exchanges, found "db:1/udp"`],
    ["traffic: [{from: web, to: 'db:1/udp', size: 64k}]", `f:2:47: x-dockwire.traffic[0].size: expected 0 to 65507 bytes, found "64k"`],
    ["traffic: [{from: web, to: 'db:1', size: 0}]", "f:2:43: x-dockwire.traffic[0].size: expected 1 to 2147483647 bytes, found 0"],
    ["traffic: [{from: web, to: 'db:1', start: 2s, stop: 1s}]", `f:2:54: x-dockwire.traffic[0].stop: expected a time after start, found "1s"`],
    ["traffic: [{from: web, to: db, name: x}, {from: db, to: web, name: x}]", `f:2:69: x-dockwire.traffic[1].name: expected a name of its own, found "x" twice`],
  ])("are named with their place: %s", (line, message) => {
    expect(messageOf(() => read(line))).toBe(message);
  });
});
