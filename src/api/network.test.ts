/** Labs of a real network, on the TypeScript engine in this thread; that other places give the same is tested in test/. */
import { describe, expect, it } from "vitest";
import { requests, shop, traffic } from "../../test/support/shop";
import { NO_TSHARK, tshark, tsharkFields } from "../../test/support/tshark";
import type { Lab } from "./lab";
import { compile, type TopologySpec } from "./spec";
import { startHere } from "../../test/support/lab";

function start(spec: TopologySpec): Promise<Lab> {
  return startHere(() => compile(spec));
}

describe("a run's result", () => {
  it("counts messages: sent = delivered + in flight + lost", async () => {
    const lab = await start(shop([traffic({ startNs: 10e9 })], { loss: 2 ** 30, delayNs: 1e6 }));
    // A neighbour that answers ARP in spite of the loss is there before the flow starts.
    await lab.ping("web", "db", { count: 9, interval: "100ms" });
    const { flows, drops, totals } = await lab.run({ for: `${10_100_000_000 - lab.now}ns` });
    const [flow] = flows;
    expect(flow).toMatchObject({ name: "queries", from: "web", to: "db:5432/udp", address: "172.18.0.3", kind: "constant", protocol: "udp", state: "running" });
    expect(flow!.sent).toBe(1_001);
    expect(flow!.delivered + flow!.inFlight + flow!.lost).toBe(flow!.sent);
    // Two cables that lose a quarter each: 438 are expected to die.
    expect(flow!.lost).toBeGreaterThan(400);
    expect(flow!.drops).toEqual([{ reason: "LinkLoss", count: expect.any(Number) }]);
    expect(drops.reduce((sum, { count }) => sum + count, 0)).toBe(totals.dropped);
    expect(drops.every(({ reason, place }) => reason === "LinkLoss" && /^(web:eth0|db:eth0|host1:veth\w+)$/.test(place))).toBe(true);
  });

  it("measures latency one way for messages and both ways for requests", async () => {
    const lab = await start(shop([traffic(), requests()], { delayNs: 5e6 }));
    const { flows, traffic: added } = await lab.run({ for: "1s" });
    const [queries, ...pages] = flows;
    // Two cables of 5 ms, one way; four for a round trip.
    expect(queries!.latency.p50 / 1e6).toBeCloseTo(10, 0);
    expect(pages.map(({ name }) => name)).toEqual(["pages#1", "pages#2"]);
    for (const { latency } of pages) expect(latency.p50 / 1e6).toBeCloseTo(20, 0);
    expect(added[1]).toMatchObject({ name: "pages", flows: 2, answered: pages[0]!.answered + pages[1]!.answered });
  });

  it("gives throughput over the time in which a flow could send", async () => {
    const lab = await start(shop([traffic({ startNs: 0.5e9, stopNs: 1e9 })]));
    const { flows } = await lab.run({ for: "2s" });
    expect(flows[0]).toMatchObject({ state: "finished", sent: 5_000 });
    expect(flows[0]!.throughput).toEqual({ bitsPerSecond: 10_000 * 512 * 8, messagesPerSecond: 10_000 });
  });
});

describe("ping", () => {
  it("measures round trips, and lets time pass until the last answer", async () => {
    const lab = await start(shop([], { delayNs: 250_000 }));
    const result = await lab.ping("web", "db", { count: 4, interval: "100ms", size: 1_000 });
    expect(result).toMatchObject({ from: "web", to: "db", address: "172.18.0.3", sizeBytes: 1_000, sent: 4, received: 4 });
    expect(result.replies.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3]);
    // The first one waits for ARP, which takes another millisecond.
    expect(result.rtt!.min / 1e6).toBeCloseTo(1, 1);
    expect(result.rtt!.max / 1e6).toBeCloseTo(2, 1);
    expect(lab.now).toBeGreaterThanOrEqual(301e6);
    expect(lab.now).toBeLessThan(304e6);
    expect(String(result)).toContain("4 packets transmitted, 4 received, 0% packet loss");
  });

  it("leaves no flow behind, and its slot serves the next", async () => {
    const lab = await start(shop([traffic()]));
    for (let count = 0; count < 300; count++) expect((await lab.ping("web", "cache", { count: 1 })).received).toBe(1);
    const { flows } = await lab.counters();
    expect(flows.map(({ name }) => name)).toEqual(["queries"]);
    expect(lab.describe().flows.map(({ name }) => name)).toEqual(["queries"]);
  });

  it("agrees with the engine's own measurement", async () => {
    const lab = await start(shop([traffic({ kind: "ping", name: "echo", to: { host: "db", protocol: "icmp" }, rate: { perSecond: 10 }, sizeBytes: 56, count: 5 })]));
    await lab.run({ for: "2s" });
    const { flows } = await lab.counters();
    const again = await start(shop());
    const { rtt } = await again.ping("web", "db", { count: 5, interval: "100ms" });
    expect(rtt).toMatchObject({ min: flows[0]!.latency.min, max: flows[0]!.latency.max, avg: Math.round(flows[0]!.latency.mean) });
  });

  it("reaches the sender itself", async () => {
    const lab = await start(shop());
    expect(await lab.ping("web", "web", { count: 2 })).toMatchObject({ received: 2, address: "172.18.0.2" });
  });

  it("to nobody tells why", async () => {
    const lab = await start(shop());
    const result = await lab.ping("web", "172.18.0.99", { count: 1 });
    expect(result).toMatchObject({ sent: 1, received: 0, replies: [{ sequence: 0, dropped: { reason: "NeighFailed", place: "web:eth0" } }] });
    expect(result.rtt).toBeUndefined();
    expect(String(result)).toContain("no answer for icmp_seq=0: NeighFailed at web:eth0");
  });

  it("from or to an unknown name is refused, and the lab goes on", async () => {
    const lab = await start(shop());
    await expect(lab.ping("webb", "db")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(lab.ping("web", "dbb")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(lab.ping("web", "db", { count: 0 })).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect((await lab.ping("web", "db", { count: 1 })).received).toBe(1);
  });
});

describe("a capture", () => {
  it("shows a packet at every device that it passes, whole and without a fault", async (context) => {
    const lab = await start(shop([traffic(), requests()], { loss: 2 ** 26, delayNs: 1e5, rateBps: 1e9 }));
    const capture = lab.capture({ at: "all" });
    await lab.run({ for: "50ms" });
    await lab.ping("web", "db", { count: 2, interval: "10ms", size: 4_000 });
    const file = await capture.bytes();
    const checked = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];
    const faults = ["_ws.malformed", "ip.checksum.status==0", "udp.checksum.status==0", "tcp.checksum.status==0", "icmp.checksum.status==0"];
    // The payload is a counting pattern, which a dissector that goes by port numbers alone takes for a broken protocol of its own.
    const asData = ["--disable-protocol", "pgsql", "--disable-protocol", "resp"];
    const lines = tshark(file, ...checked, ...asData, "-Y", faults.join(" || "));
    if (lines === undefined) return context.skip(NO_TSHARK);
    expect(lines).toEqual([]);
    const frames = tsharkFields(file, ["frame.interface_name", "frame.packet_flags_direction", "ip.src_host"], "-Nn", "-Y", "icmp");
    expect(frames).toContain("web:eth0|0x00000002|web");
    expect(frames).toContain("db:eth0|0x00000001|web");
    const dropped = tsharkFields(file, ["frame.comment"], "-Y", "frame.comment");
    expect(new Set(dropped)).toEqual(new Set(["dropped: LinkLoss at link"]));
    const { totals } = await lab.counters();
    expect(dropped).toHaveLength(totals.dropped);
    expect(tshark(file)).toHaveLength((await capture.frames()).length);
  });

  it("has the frames of its own devices, at its own length, whatever others capture", async () => {
    const lab = await start(shop([traffic()]));
    const short = lab.capture({ at: ["web:eth0"], snaplen: 60 });
    const long = lab.capture({ at: ["web", "db:eth0"] });
    await lab.run({ for: "1ms" });
    const [few, many] = [await short.frames(), await long.frames()];
    expect(new Set(few.map(({ device }) => device))).toEqual(new Set(["web:eth0"]));
    expect(Math.max(...few.map(({ bytes }) => bytes.length))).toBe(60);
    expect(Math.max(...few.map(({ length }) => length))).toBe(554);
    expect(new Set(many.map(({ device }) => device))).toEqual(new Set(["web:eth0", "db:eth0"]));
    expect(Math.max(...many.map(({ bytes }) => bytes.length))).toBe(554);
    expect(few.length).toBe(many.filter(({ device }) => device === "web:eth0").length);
  });

  it("shows an injected frame, and how it died", async () => {
    const lab = await start(shop());
    const capture = lab.capture({ at: ["db:eth0"] });
    await lab.inject("db:eth0", new Uint8Array(60).fill(0xee), { at: "5ms" });
    await lab.run({ for: "10ms" });
    const [frame] = await capture.frames();
    expect(Math.round(frame!.timeNs / 1e4)).toBe(500);
    expect([frame]).toMatchObject([{ direction: "inbound", length: 60, dropped: { reason: "UnhandledProto", node: "receive" } }]);
    await expect(lab.inject("db:eth7", new Uint8Array(60))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("a trace", () => {
  it("follows packets from socket to socket, node by node", async () => {
    const lab = await start(shop([traffic()]));
    const trace = lab.trace("queries", { packets: 2 });
    await lab.run({ for: "10ms" });
    const packets = await trace.packets();
    expect(packets.map(({ flow, sequence, deliveries }) => [flow, sequence, deliveries])).toEqual([
      ["queries", 0, 1],
      ["queries", 1, 1],
    ]);
    expect(packets[1]!.hops.map(({ device, node }) => `${device} ${node}`.replace(/veth\w+/, "veth"))).toEqual([
      "(no device) socket-output",
      "(no device) ip-output",
      // The sandbox of a network with DNS has rules of its own.
      "web:eth0 local-out",
      "web:eth0 postrouting",
      "web:eth0 neighbour-output",
      "web:eth0 device-transmit",
      "host1:veth receive",
      "host1:veth bridge-input",
      "host1:veth bridge-forward",
      "host1:veth device-transmit",
      "db:eth0 receive",
      "db:eth0 ip-input",
      "db:eth0 prerouting",
      "db:eth0 local-deliver",
      "db:eth0 local-in",
      "db:eth0 udp-input",
      "db:eth0 udp-input",
    ]);
    expect((await trace.text()).split("\n")[0]).toBe("queries #0");
  });

  it("tells where and why a packet died", async () => {
    const lab = await start(shop([traffic({ to: { host: "db", port: 5432, protocol: "udp" }, count: 1 })]));
    await lab.down("db:eth0");
    const trace = lab.trace("queries");
    await lab.run({ for: "10s" });
    const [packet] = await trace.packets();
    expect(packet!.deliveries).toBe(0);
    expect(packet!.drops).toContainEqual({ reason: "NeighFailed", place: "web:eth0" });
    expect(String(packet)).toMatch(/neighbour-output +dropped: NeighFailed$/m);
  });

  it("may be asked for again", async () => {
    const lab = await start(shop([traffic()]));
    const first = lab.trace("queries");
    await lab.run({ for: "1ms" });
    const second = lab.trace("queries");
    await lab.run({ for: "1ms" });
    expect((await first.packets()).map(({ sequence }) => sequence)).toEqual([0]);
    expect((await second.packets()).map(({ sequence }) => sequence)).toEqual([11]);
  });
});

describe("a device", () => {
  it("that goes down drops what it gets, until it is up again", async () => {
    const lab = await start(shop([traffic()]));
    await lab.run({ for: "10ms" });
    await lab.down("db:eth0");
    await lab.run({ for: "10ms" });
    await lab.up("db:eth0");
    const { flows } = await lab.run({ for: "10ms" });
    expect(flows[0]).toMatchObject({ sent: 301, delivered: 201, lost: 100, drops: [{ reason: "DevReady", count: 100 }] });
  });
});

describe("traffic added to a running lab", () => {
  it("begins with the next call and is counted like any other", async () => {
    const lab = await start(shop([traffic()]));
    await lab.run({ for: "10ms" });
    lab.traffic("extra", "cache").to("db:9000/udp").rate("1kpps").size(100);
    lab.traffic("later", "cache").to("db:9001/udp").rate("1kpps").during("30ms", "40ms");
    const trace = lab.trace("extra");
    await lab.ping("web", "db", { count: 1 });
    const { flows } = await lab.run({ for: `${50_000_000 - lab.now}ns` });
    expect(flows.map(({ name, sent, lost }) => [name, sent, lost])).toEqual([
      ["queries", 501, 0],
      ["extra", 41, 0],
      ["later", 10, 0],
    ]);
    expect(lab.describe().flows.map(({ name }) => name)).toEqual(["queries", "extra", "later"]);
    expect(await trace.packets()).toHaveLength(1);
  });

  it("that cannot be is the error of the next call, once", async () => {
    const lab = await start(shop());
    lab.traffic("lost", "web").to("nobody:80/udp").rate("1kpps");
    await expect(lab.run({ for: "1ms" })).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await lab.run({ for: "1ms" })).toMatchObject({ now: 1e6 });
  });

  it("that nobody described cannot be traced", async () => {
    const lab = await start(shop([traffic()]));
    expect(() => lab.trace("querys")).toThrow('trace: expected one of queries, found "querys"');
  });
});

describe("a cable", () => {
  it("can be changed while packets fly, in both directions", async () => {
    const lab = await start(shop([], { delayNs: 1e6 }));
    expect((await lab.ping("web", "db", { count: 2 })).rtt!.min / 1e6).toBeCloseTo(4, 1);
    await lab.link("web:eth0", { delay: "5ms" });
    expect((await lab.ping("web", "db", { count: 2 })).rtt!.min / 1e6).toBeCloseTo(12, 1);
    await lab.link("web:eth0", { loss: 1 });
    expect((await lab.ping("web", "db", { count: 2 })).received).toBe(0);
    await lab.link("web:eth0", { loss: 0 });
    expect((await lab.ping("web", "db", { count: 2 })).rtt!.min / 1e6).toBeCloseTo(12, 1);
  });

  it("that was described as ideal has nothing to change", async () => {
    const lab = await start(shop());
    await expect(lab.link("web:eth0", { loss: 1 })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    await expect(lab.link("web:eth9", { loss: 1 })).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
