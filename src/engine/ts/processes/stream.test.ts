import { describe, expect, it } from "vitest";
import { FlowError } from "../../../../assembly/abi/counter";
import { DNS_MX, DNS_TXT, RESOLVER_AUTHORITATIVE, RESOLVER_LEGACY } from "../../../../assembly/abi/dns";
import { Drop } from "../../../../assembly/abi/drop";
import { Family } from "../../../../assembly/abi/netfilter";
import { DeviceKind, SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { ip6, loopback6, network6 } from "../../../../test/support/ipv6";
import { ip, MS, containersOnBridge, SECOND } from "../../../../test/support/program";
import { simulate } from "../../../../test/support/simulate";
import { decodeDnsAnswer } from "../../../observe/dns-message";
import type { CapturedFrame } from "../../engine";

const LOCAL_DNS = ip("127.0.0.11");
const ADDRESSES = Array.from({ length: 200 }, (_, i) => `172.18.2.${i}`);
const ROOM = { zoneRecords: 1024 };
const TCP = { protocol: PROTOCOL_TCP, timeoutNs: 60 * SECOND };

type Upstream = "server" | "closed" | "silent" | "mute" | "nowhere" | "empty";

interface World {
  readonly flags?: number;
  /** "server" knows example.test, "empty" no name, "closed" refuses, "mute" takes connections and says nothing, "silent" is not there, to "nowhere" there is no way. */
  readonly upstreams?: readonly Upstream[];
}

/** A container with an embedded name server, on the same host as upstream servers in containers of their own; all of them speak TCP. */
function world({ flags = 0, upstreams = [] }: World = {}) {
  const { draft, root, containers } = containersOnBridge(4);
  const [client, ...servers] = containers;
  const addressOf = (kind: Upstream, i: number) => (kind === "nowhere" ? ip("198.51.100.1") : kind === "silent" ? ip("172.17.9.9") : servers[i].ip);
  const resolver = draft.dns.resolver([draft.dns.zone({ web: ["172.18.0.2"], many: ADDRESSES })], upstreams.map((kind, i) => ({ namespace: root, ip: addressOf(kind, i) })), flags);
  draft.socket({ namespace: client.namespace, protocol: PROTOCOL_TCP, ip: LOCAL_DNS, port: 53, role: SocketRole.Resolver, resolver });
  upstreams.forEach((kind, i) => {
    const names = draft.dns.zone(kind === "server" ? { "www.example.test": ["198.51.100.10"], "many.example.test": ADDRESSES } : { "else.test": ["198.51.100.9"] }, { ttl: 60 });
    const zone = draft.dns.resolver([names], [], RESOLVER_AUTHORITATIVE);
    const socket = { namespace: servers[i].namespace, protocol: PROTOCOL_TCP, port: 53 };
    if (kind === "server" || kind === "empty") draft.socket({ ...socket, role: SocketRole.NameServer, resolver: zone });
    if (kind === "mute") draft.socket({ ...socket, role: SocketRole.Sink });
  });
  return { draft, client, servers };
}

function ask(options: World, name: string, type?: number, untilNs = 3 * SECOND) {
  const { draft, client, servers } = world(options);
  draft.query(client.namespace, LOCAL_DNS, name, { type, ...TCP });
  const { counters, drops, frames } = simulate(draft.program({ capacity: ROOM }), { untilNs, capture: [...servers.map(({ device }) => device), 0] });
  const [flow] = counters.flows;
  return { flow, drops, frames, answer: decodeDnsAnswer(flow.outcome.reply) };
}

/** Flags and payload bytes of the TCP segments that a device saw. */
function segmentsOf(frames: readonly CapturedFrame[], device: number): string[] {
  const seen = frames.filter((frame) => frame.device === device && frame.reason === Drop.None && frame.bytes[23] === PROTOCOL_TCP);
  return seen.map(({ bytes, direction }) => {
    const data = new DataView(bytes.buffer, bytes.byteOffset).getUint16(16) - 20 - (bytes[46] >>> 4) * 4;
    return `${direction === 1 ? "<" : ">"}${["F", "S", "R", "P", "."].filter((_, bit) => (bytes[47] & (1 << bit)) !== 0).join("")}${data || ""}`;
  });
}

describe("a name server over TCP", () => {
  it("answers a name of its network", () => {
    const { answer, flow } = ask({}, "WEB");
    expect(answer).toEqual({ code: "NOERROR", authoritative: false, truncated: false, records: [{ name: "web", type: "A", ttl: 600, data: "172.18.0.2" }] });
    expect(flow).toMatchObject({ delivered: 1, deliveredBytes: 23, answered: 1, answeredBytes: 2 + 21 + 19, errors: 0 });
    expect(flow.outcome).toMatchObject({ server: 1, peerIp: ip("127.0.0.1"), localIp: LOCAL_DNS, localPort: 53 });
  });

  it("leaves nothing out of what no datagram would hold", () => {
    const { answer, flow } = ask({}, "many");
    expect(answer?.truncated).toBe(false);
    expect(new Set(answer?.records.map(({ data }) => data))).toEqual(new Set(ADDRESSES));
    expect(flow.answeredBytes).toBe(2 + 22 + 200 * 20);
    expect(ask({ flags: RESOLVER_LEGACY }, "many").answer?.records).toHaveLength(200);
  });

  it("leaves out what no message holds, which only the later generation says", () => {
    const answerOf = (flags: number) => {
      const { draft, client } = world();
      const names = { most: Array.from({ length: 3000 }, (_, i) => `172.${19 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`) };
      const resolver = draft.dns.resolver([draft.dns.zone(names)], [], flags);
      draft.socket({ namespace: client.namespace, protocol: PROTOCOL_TCP, ip: ip("127.0.0.12"), port: 53, role: SocketRole.Resolver, resolver });
      draft.query(client.namespace, ip("127.0.0.12"), "most", TCP);
      const { counters } = simulate(draft.program({ capacity: { zoneRecords: 8192 } }), { untilNs: SECOND });
      return decodeDnsAnswer(counters.flows[0].outcome.reply);
    };
    // Nobody has 65,535 bytes of records, but 3,000 fit.
    expect(answerOf(0)).toMatchObject({ truncated: false });
    expect(answerOf(0)?.records).toHaveLength(3000);
    expect(answerOf(RESOLVER_LEGACY)?.records).toHaveLength(3000);
  });

  it("is closed by the client, which has all of the answer before", () => {
    const { frames, drops } = ask({}, "web");
    // Everything passes lo twice, once out and once in: out alone is enough.
    const { draft, client } = world();
    expect(drops).toEqual({});
    const lo = draft.devices.findIndex(({ namespace, kind }) => namespace === client.namespace && kind === 0);
    draft.query(client.namespace, LOCAL_DNS, "web", TCP);
    const seen = simulate(draft.program(), { untilNs: SECOND, capture: [lo] }).frames.filter(({ direction }) => direction === 2);
    expect(segmentsOf(seen, lo)).toEqual([">S", ">S.", ">.", ">P.23", ">.", ">P.42", ">.", ">F.", ">F.", ">."]);
    expect(frames).toBeDefined();
  });

  it("closes a connection that says nothing for 2 s, or 8 s after an answer", () => {
    const quiet = (bytes: number) => {
      const { draft, client } = world();
      // A message of the usual payload: no length in front that would make sense, so the server goes on waiting for the rest.
      draft.request(client.namespace, { namespace: client.namespace, ip: LOCAL_DNS }, { destinationPort: 53, bytes, unserved: true, timeoutNs: 60 * SECOND });
      const { counters } = simulate(draft.program(), { untilNs: 4 * SECOND });
      return counters.flows[0];
    };
    expect(quiet(1)).toMatchObject({ answered: 0, state: 2 });
  });

  it("gives up a client's connection that is refused", () => {
    const { draft, client } = world();
    draft.query(client.namespace, client.ip, "web", TCP);
    expect(simulate(draft.program(), { untilNs: SECOND }).counters.flows[0]).toMatchObject({ errors: 1, error: FlowError.ConnectionRefused });
  });
});

describe("a question that is passed on over TCP", () => {
  it("goes to the server over a connection of its own, which later generations close first, and 20.10 last", () => {
    const { answer, flow, frames } = ask({ upstreams: ["server"] }, "www.example.test");
    expect(answer).toMatchObject({ code: "NOERROR", authoritative: true, records: [{ data: "198.51.100.10" }] });
    expect(flow).toMatchObject({ answered: 1, delivered: 1 });
    expect(flow.outcome).toMatchObject({ server: 2, peerIp: ip("172.17.0.1"), localIp: ip("172.17.0.3"), localPort: 53 });
    const device = world({ upstreams: ["server"] }).servers[0].device;
    expect(segmentsOf(frames, device)).toEqual(["<S", ">S.", "<.", "<P.36", ">.", ">P.52", "<.", "<F.", ">F.", "<."]);
    expect(ask({ upstreams: ["server"], flags: RESOLVER_LEGACY }, "www.example.test").answer?.records).toHaveLength(1);
  });

  it("brings back long answers whole", () => {
    expect(ask({ upstreams: ["server"] }, "many.example.test").answer?.records).toHaveLength(200);
  });

  it("asks the next server after a refused connection, and after 4 s without one", () => {
    for (const flags of [0, RESOLVER_LEGACY]) {
      const refused = ask({ upstreams: ["closed", "server"], flags }, "www.example.test");
      expect(refused.answer?.records).toHaveLength(1);
      expect(refused.flow.latency.maxNs).toBeLessThan(SECOND);
      expect(ask({ upstreams: ["nowhere", "server"], flags }, "www.example.test").answer?.records).toHaveLength(1);
      const mute = ask({ upstreams: ["mute", "server"], flags }, "www.example.test", undefined, 9 * SECOND);
      expect(mute.answer?.records).toHaveLength(1);
      expect(Math.floor(mute.flow.latency.maxNs / SECOND)).toBe(4);
    }
  });

  it("gives a connection 4 s, whatever the addresses' owner does", () => {
    const { draft, client } = world({ upstreams: ["silent", "server"] });
    draft.query(client.namespace, LOCAL_DNS, "www.example.test", TCP);
    const [flow] = simulate(draft.program({ capacity: ROOM }), { untilNs: 9 * SECOND }).counters.flows;
    // Nobody answers ARP: EHOSTUNREACH after three tries of a second.
    expect(Math.floor(flow.latency.maxNs / SECOND)).toBe(3);
    expect(decodeDnsAnswer(flow.outcome.reply)?.records).toHaveLength(1);
  });

  it("ends in SERVFAIL without RA, and in 20.10 in nothing", () => {
    const failed = ask({ upstreams: ["closed", "nowhere"] }, "www.example.test");
    expect(failed.answer?.code).toBe("SERVFAIL");
    expect(failed.flow.outcome.reply[3]).toBe(2);
    expect(ask({}, "www.example.test").answer?.code).toBe("SERVFAIL");
    const legacy = ask({ upstreams: ["mute", "closed"], flags: RESOLVER_LEGACY }, "www.example.test", undefined, 20 * SECOND);
    expect(legacy.answer).toBeNull();
    // The server closes a connection on which nothing is asked any more.
    expect(legacy.flow).toMatchObject({ answered: 0, errors: 1, error: FlowError.Closed });
  });

  it("in 20.10 keeps an answer that it does not like for when nobody has a better one", () => {
    const only = ask({ upstreams: ["empty"], flags: RESOLVER_LEGACY }, "www.example.test");
    expect(only.answer?.code).toBe("NXDOMAIN");
    expect(ask({ upstreams: ["server"], flags: RESOLVER_LEGACY }, "www.example.test", DNS_TXT).answer?.code).toBe("NOERROR");
    expect(ask({ upstreams: ["server"] }, "web", DNS_MX).answer?.code).toBe("NOERROR");
  });
});

describe("a server with an IPv6 address", () => {
  const SIX = { server: ip6("fd00::3"), host: ip6("fd00::1"), nowhere: ip6("fd01::9") };

  /** The resolver's host asks a container on its bridge. */
  function ask6(protocol: number, upstreams: readonly (keyof typeof SIX)[], flags = 0) {
    const { draft, root, containers } = containersOnBridge(2);
    const [client, server] = containers;
    const bridge = draft.devices.findIndex(({ kind }) => kind === DeviceKind.Bridge);
    loopback6(draft, root);
    network6(draft, bridge, containers, "fd00");
    const records = upstreams.map((name) => ({ namespace: root, ip: 0, family: Family.Ipv6, ip6: SIX[name] }));
    const own = draft.dns.resolver([draft.dns.zone({ web: ["172.18.0.2"] })], records, flags);
    const theirs = draft.dns.resolver([draft.dns.zone({ "www.example.test": ["198.51.100.10"] }, { ttl: 60 })], [], RESOLVER_AUTHORITATIVE);
    draft.socket({ namespace: client.namespace, protocol, ip: LOCAL_DNS, port: 53, role: SocketRole.Resolver, resolver: own });
    draft.socket({ namespace: server.namespace, protocol, family: Family.Ipv6, port: 53, role: SocketRole.NameServer, resolver: theirs });
    draft.query(client.namespace, LOCAL_DNS, "www.example.test", { protocol, timeoutNs: 60 * SECOND });
    const { counters } = simulate(draft.program(), { untilNs: 9 * SECOND });
    return { answer: decodeDnsAnswer(counters.flows[0].outcome.reply), outcome: counters.flows[0].outcome };
  }

  it.each([PROTOCOL_UDP, PROTOCOL_TCP])("is asked in IPv6, whatever the client speaks (protocol %i)", (protocol) => {
    const { answer, outcome } = ask6(protocol, ["server"]);
    expect(answer?.records).toHaveLength(1);
    expect(outcome).toMatchObject({ localIp6: SIX.server, peerIp6: SIX.host, localIp: 0, localPort: 53 });
  });

  it.each([PROTOCOL_UDP, PROTOCOL_TCP])("is passed over if it refuses, or if there is no way (protocol %i)", (protocol) => {
    expect(ask6(protocol, ["host", "nowhere", "server"]).answer?.records).toHaveLength(1);
    expect(ask6(protocol, ["host", "nowhere"]).answer?.code).toBe("SERVFAIL");
    expect(ask6(protocol, ["host"], RESOLVER_LEGACY).answer).toBeNull();
  });
});

describe("several questions", () => {
  it("at one time each have a connection, as far as there are streams", () => {
    const withStreams = (streams: number) => {
      const { draft, client } = world();
      for (let i = 0; i < 8; i++) draft.query(client.namespace, LOCAL_DNS, "web", { ...TCP, startNs: i });
      const { counters, drops } = simulate(draft.program({ capacity: { streams } }), { untilNs: MS - 1 });
      const sum = (key: "answered" | "blocked") => counters.flows.reduce((total, flow) => total + flow[key], 0);
      return { answered: sum("answered"), blocked: sum("blocked"), overflows: drops.TcpListenOverflow ?? 0 };
    };
    expect(withStreams(16)).toEqual({ answered: 8, blocked: 0, overflows: 0 });
    expect(withStreams(1)).toEqual({ answered: 0, blocked: 7, overflows: 1 });
    expect(withStreams(0)).toEqual({ answered: 0, blocked: 8, overflows: 0 });
  });

  it("of one flow take ports in turn", () => {
    const { draft, client } = world();
    draft.query(client.namespace, LOCAL_DNS, "web", { ...TCP, count: 5, intervalNs: 10 * MS, sourcePorts: 5 });
    expect(simulate(draft.program(), { untilNs: SECOND }).counters.flows[0]).toMatchObject({ sent: 5, answered: 5, delivered: 5, blocked: 0 });
  });
});

