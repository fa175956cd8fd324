import { describe, expect, it } from "vitest";
import { FlowError } from "../../../../assembly/abi/counter";
import { DNS_AAAA, DNS_MX, DNS_PTR, DNS_TXT, RESOLVER_AUTHORITATIVE, RESOLVER_LEGACY, RESOLVER_NDOTS, ZONE_IPV6 } from "../../../../assembly/abi/dns";
import { SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { ethernet, ipv4, udp } from "../../../../test/support/frame";
import { CABLE, chance, containersOnBridge, ip, MS, SECOND, twoHosts } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { decodeDnsAnswer } from "../../../observe/dns-message";

const LOCAL_DNS = ip("127.0.0.11");
const NAMES = {
  web: ["172.18.0.2", "172.18.0.3", "172.18.0.4"],
  "web.front": ["172.18.0.2"],
  db: ["172.18.0.5", "fd00::5"],
  six: ["fd00::6"],
  "2.0.18.172.in-addr.arpa": [{ pointer: "web.front" }],
};

interface World {
  readonly flags?: number;
  readonly zoneFlags?: number;
  /** Roles of the upstream servers; "closed" has no socket, "nowhere" no route. */
  readonly upstreams?: readonly ("server" | "closed" | "silent" | "nowhere")[];
}

/** A container with an embedded name server, on the same host as two upstream servers in containers of their own. */
function world({ flags = 0, zoneFlags = 0, upstreams = [] }: World = {}) {
  const { draft, root, containers } = containersOnBridge(3);
  const [client, ...servers] = containers;
  const own = draft.dns.resolver([draft.dns.zone(NAMES, { flags: zoneFlags })], upstreams.map((kind, i) => ({ namespace: root, ip: kind === "nowhere" ? ip("198.51.100.1") : servers[i].ip })), flags);
  draft.socket({ namespace: client.namespace, ip: LOCAL_DNS, port: 53, role: SocketRole.Resolver, resolver: own });
  upstreams.forEach((kind, i) => {
    const plain = draft.dns.resolver([draft.dns.zone({ "www.example.test": ["198.51.100.10"] }, { ttl: 60 })], [], RESOLVER_AUTHORITATIVE);
    if (kind === "server") draft.socket({ namespace: servers[i].namespace, port: 53, role: SocketRole.NameServer, resolver: plain });
    if (kind === "silent") draft.socket({ namespace: servers[i].namespace, port: 53, role: SocketRole.Sink });
  });
  return { draft, client, servers };
}

function ask(options: World, name: string, type?: number, untilNs = 3 * SECOND) {
  const { draft, client } = world(options);
  draft.query(client.namespace, LOCAL_DNS, name, { type, timeoutNs: 60 * SECOND });
  const { counters, drops } = simulate(draft.program(), { untilNs });
  const [flow] = counters.flows;
  return { flow, drops, answer: decodeDnsAnswer(flow.outcome.reply) };
}

describe("an embedded name server", () => {
  it("answers a name of its network, shuffled, with a TTL of 600", () => {
    const { flow, answer } = ask({}, "WEB");
    expect(answer?.code).toBe("NOERROR");
    expect(answer?.records.map(({ data }) => data).sort()).toEqual(["172.18.0.2", "172.18.0.3", "172.18.0.4"]);
    expect(answer?.records[0]).toMatchObject({ name: "web", type: "A", ttl: 600 });
    expect(flow).toMatchObject({ delivered: 1, answered: 1, answeredBytes: 21 + 3 * 19 });
    expect(flow.outcome).toMatchObject({ server: 1, peerIp: ip("127.0.0.1"), localIp: LOCAL_DNS, localPort: 53 });
  });

  it("gives several orders of addresses over several queries", () => {
    const { draft, client } = world();
    for (let i = 0; i < 12; i++) draft.query(client.namespace, LOCAL_DNS, "web", { startNs: i * MS });
    const { counters } = simulate(draft.program(), { untilNs: SECOND });
    const orders = counters.flows.map(({ outcome }) => decodeDnsAnswer(outcome.reply)?.records.map(({ data }) => data).join());
    expect(new Set(orders).size).toBeGreaterThan(3);
  });

  it("knows a name whatever the type, as far as its records go", () => {
    expect(ask({}, "db", DNS_AAAA).answer).toMatchObject({ code: "NOERROR", records: [{ type: "AAAA", data: "fd00::5" }] });
    expect(ask({}, "web", DNS_AAAA).answer).toEqual({ code: "NOERROR", authoritative: false, truncated: false, records: [] });
    expect(ask({}, "web", DNS_MX).answer).toEqual({ code: "NOERROR", authoritative: false, truncated: false, records: [] });
    expect(ask({}, "2.0.18.172.in-addr.arpa", DNS_PTR).answer?.records).toEqual([{ name: "2.0.18.172.in-addr.arpa", type: "PTR", ttl: 600, data: "web.front" }]);
  });

  it("forwards what it does not know, from the namespace of the upstream server", () => {
    const { answer, flow } = ask({ upstreams: ["server"] }, "www.example.test");
    expect(answer).toEqual({ code: "NOERROR", authoritative: true, truncated: false, records: [{ name: "www.example.test", type: "A", ttl: 60, data: "198.51.100.10" }] });
    expect(flow.outcome).toMatchObject({ server: 2, peerIp: ip("172.17.0.1"), localIp: ip("172.17.0.3") });
    expect(ask({ upstreams: ["server"] }, "web", DNS_TXT).answer?.code).toBe("NXDOMAIN");
    expect(ask({ upstreams: ["server"] }, "nobody").answer?.code).toBe("NXDOMAIN");
    expect(ask({ upstreams: ["server"], flags: RESOLVER_NDOTS }, "nobody").answer?.code).toBe("NOERROR");
    expect(ask({ upstreams: ["server"], flags: RESOLVER_NDOTS }, "nobody.else").answer?.code).toBe("NXDOMAIN");
  });

  it("forwards AAAA of a name without one only in 20.10 on a network with IPv6", () => {
    expect(ask({ upstreams: ["server"], zoneFlags: ZONE_IPV6 }, "web", DNS_AAAA).answer?.code).toBe("NOERROR");
    expect(ask({ upstreams: ["server"], zoneFlags: ZONE_IPV6, flags: RESOLVER_LEGACY }, "web", DNS_AAAA).answer?.code).toBe("NXDOMAIN");
    expect(ask({ upstreams: ["server"], flags: RESOLVER_LEGACY }, "web", DNS_AAAA).answer?.code).toBe("NOERROR");
  });

  it("asks the next server when one fails: at once after an ICMP error, after 4 s of silence", () => {
    const refused = ask({ upstreams: ["closed", "server"] }, "www.example.test");
    expect(refused.answer?.records).toHaveLength(1);
    expect(refused.flow.latency.maxNs).toBeLessThan(SECOND);
    const silent = ask({ upstreams: ["silent", "server"] }, "www.example.test", undefined, 5 * SECOND);
    expect(silent.answer?.records).toHaveLength(1);
    expect(Math.floor(silent.flow.latency.maxNs / SECOND)).toBe(4);
    expect(ask({ upstreams: ["nowhere", "server"] }, "www.example.test").answer?.records).toHaveLength(1);
  });

  it("says SERVFAIL when nobody helps, and nothing at all in 20.10", () => {
    expect(ask({}, "www.example.test").answer?.code).toBe("SERVFAIL");
    expect(ask({ upstreams: ["closed", "nowhere"] }, "www.example.test").answer?.code).toBe("SERVFAIL");
    expect(ask({ upstreams: ["silent"] }, "www.example.test", undefined, 5 * SECOND).answer?.code).toBe("SERVFAIL");
    const legacy = ask({ upstreams: ["silent", "closed"], flags: RESOLVER_LEGACY }, "www.example.test", undefined, 20 * SECOND);
    expect(legacy.answer).toBeNull();
    expect(legacy.flow).toMatchObject({ answered: 0, errors: 0, error: FlowError.None });
  });

  it.each([
    ["under pointers, which take less room", 0, 16],
    ["under whole names in 20.10", RESOLVER_LEGACY, 20],
  ])("leaves out what does not fit %s, and says so", (_, flags, bytes) => {
    const { draft, client } = world();
    const many = Array.from({ length: 40 }, (_unused, i) => `172.18.1.${i}`);
    const resolver = draft.dns.resolver([draft.dns.zone({ many })], [], flags);
    draft.socket({ namespace: client.namespace, ip: ip("127.0.0.12"), port: 53, role: SocketRole.Resolver, resolver });
    draft.query(client.namespace, ip("127.0.0.12"), "many");
    const answer = decodeDnsAnswer(simulate(draft.program(), { untilNs: SECOND }).counters.flows[0].outcome.reply);
    expect(answer?.truncated).toBe(true);
    expect(answer?.records).toHaveLength(Math.floor((512 - 22) / bytes));
  });

  it.each([
    [0, 30, true, 22],
    [1232, 75, true, 33],
    [4096, 200, false, 33],
    [65_535, 200, false, 33],
  ])("takes an OPT record of %i bytes at its word, fragments of the answer or not", (udpSize, records, truncated, sentBytes) => {
    const { draft, client } = world();
    const resolver = draft.dns.resolver([draft.dns.zone({ many: Array.from({ length: 200 }, (_, i) => `172.18.1.${i}`) })]);
    draft.socket({ namespace: client.namespace, port: 53, role: SocketRole.Resolver, resolver });
    draft.query(client.namespace, client.ip, "many", { udpSize });
    const [flow] = simulate(draft.program(), { untilNs: SECOND }).counters.flows;
    expect(decodeDnsAnswer(flow.outcome.reply)).toMatchObject({ records: { length: records }, truncated });
    expect(flow.sentBytes).toBe(sentBytes);
  });

  it("asks nobody, and says nothing, about a pointer of what is no address, in 20.10", () => {
    const pointer = (name: string, flags: number) => ask({ upstreams: ["server"], flags }, name, DNS_PTR);
    expect(pointer("p1.example.test", 0).answer?.code).toBe("NXDOMAIN");
    expect(pointer("p1.example.test", RESOLVER_LEGACY).answer).toBeNull();
    expect(pointer("in-addr.arpa", RESOLVER_LEGACY).answer).toBeNull();
    expect(pointer("9.in-addr.arpa", RESOLVER_LEGACY).answer?.code).toBe("NXDOMAIN");
    expect(pointer("9.ip6.arpa", RESOLVER_LEGACY).answer?.code).toBe("NXDOMAIN");
  });

  it("fails without RA, and copies CD", () => {
    expect(ask({}, "www.example.test").flow.outcome.reply.subarray(2, 4)).toEqual(Uint8Array.of(0x81, 2));
    expect(ask({}, "web").flow.outcome.reply.subarray(2, 4)).toEqual(Uint8Array.of(0x81, 0x80));
  });

  it("writes longer answers for those who take them", () => {
    const { draft, client } = world();
    const many = Array.from({ length: 40 }, (_, i) => `172.18.1.${i}`);
    const resolver = draft.dns.resolver([draft.dns.zone({ many })]);
    draft.socket({ namespace: client.namespace, port: 53, role: SocketRole.Resolver, resolver });
    const question = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 4, 109, 97, 110, 121, 0, 0, 1, 0, 1];
    const sizes = [0, 512, 700, 850, 4096].map((size, at) => {
      const options = size === 0 ? [] : [0, 0, 41, size >> 8, size & 255, 0, 0, 0, 0, 0, 0];
      const packet = ipv4({ source: ip("172.18.0.1"), destination: client.ip, protocol: PROTOCOL_UDP }, udp(5000, 53, Uint8Array.from([...question, ...options])));
      return { timeNs: at * MS, device: client.device, bytes: ethernet(draft.devices[client.device], draft.devices[client.port], 0x0800, packet) };
    });
    const { frames } = simulate(draft.program(), { untilNs: SECOND, frames: sizes, capture: [client.device] });
    const answers = frames.filter(({ direction, bytes }) => direction === 2 && bytes[12] === 8 && bytes[13] === 0).map(({ bytes }) => decodeDnsAnswer(bytes.subarray(42)));
    expect(answers.map((answer) => [answer?.records.length, answer?.truncated])).toEqual([[30, true], [30, true], [40, false], [40, false], [40, false]]);
  });
});

describe("a name server", () => {
  /** Sends payloads to port 53 and returns the answers, whose frames end in a link that loses them. */
  function send(payloads: readonly Uint8Array[]) {
    const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(1) });
    const resolver = draft.dns.resolver([draft.dns.zone({ a: ["10.9.9.9"] })], [], RESOLVER_AUTHORITATIVE);
    draft.socket({ namespace: right.namespace, port: 53, role: SocketRole.NameServer, resolver });
    const { macHigh, macLow } = draft.devices[left.device];
    draft.neighbours.push({ device: right.device, ip: left.ip, macHigh, macLow });
    const frames = payloads.map((payload, timeNs) => {
      const datagram = udp(5000, 53, payload);
      const packet = ipv4({ source: left.ip, destination: right.ip, protocol: PROTOCOL_UDP }, datagram);
      return { timeNs: timeNs * MS, device: right.device, bytes: ethernet(draft.devices[right.device], draft.devices[left.device], 0x0800, packet) };
    });
    const { frames: captured, drops } = simulate(draft.program(), { untilNs: SECOND, frames, capture: [right.device] });
    const answers = captured.filter(({ direction, reason }) => direction === 2 && reason === 0).map(({ bytes }) => Array.from(bytes.subarray(42)));
    return { answers, processDrops: drops.ProcessDrop ?? 0 };
  }

  const header = (flags: number, counts = [1, 0, 0, 0]) => [0x12, 0x34, flags >> 8, flags & 255, ...counts.flatMap((count) => [count >> 8, count & 255])];
  const question = [1, 97, 0, 0, 1, 0, 1];

  it("does not answer what is not a query", () => {
    const noise = [[], [1, 2, 3], header(0x8100), [...header(0x0100), ...Array.from({ length: 501 }, () => 0)]].map((bytes) => Uint8Array.from(bytes));
    expect(send(noise)).toEqual({ answers: [], processDrops: 4 });
  });

  it("refuses messages that it does not understand with a header alone", () => {
    const faults = [
      [...header(0x0100, [0, 0, 0, 0])],
      [...header(0x0100, [2, 0, 0, 0]), ...question],
      [...header(0x0100), 1, 97],
      [...header(0x0100), 1, 97, 0, 0, 1],
      [...header(0x0100), 0xc0, 12, 0, 1, 0, 1],
      [...header(0x0100), 64, ...Array.from({ length: 64 }, () => 97), 0, 0, 1, 0, 1],
    ].map((bytes) => Uint8Array.from(bytes));
    expect(send(faults).answers).toEqual(faults.map(() => [0x12, 0x34, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0]));
    expect(send([Uint8Array.from([...header(0x2000), ...question])]).answers).toEqual([[0x12, 0x34, 0xa0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0]]);
  });

  it("repeats the question as it came", () => {
    const query = Uint8Array.from([...header(0x0100), 1, 65, 0, 0, 1, 0, 1]);
    expect(send([query]).answers).toEqual([[0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, 1, 65, 0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 2, 88, 0, 4, 10, 9, 9, 9]]);
  });
});
