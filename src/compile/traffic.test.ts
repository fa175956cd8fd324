import { describe, expect, it } from "vitest";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { docker, fromSpec, refusalOf } from "../../test/support/docker";
import type { DockerTopology } from "../api/docker";
import type { DatapathProgram } from "../engine/program";
import type { TrafficSpec } from "../model/spec";
import { intervalOf } from "./interval";

const pair = docker("pair")
  .network("lan")
  .container("web", { networks: ["lan"], publish: ["8080:80"] })
  .container("db", { networks: ["lan"] });
const [HOST, WEB, DB] = [0, 1, 2];
const DB_IP = 0xac120003;

/** A proxy of the published port for each family, and in each container a name server, over UDP and TCP. */
const PROCESSES = 6;
/** 127.0.0.11. */
const NAME_SERVER = 0x7f00000b;

function trafficSockets({ sockets }: DatapathProgram) {
  return sockets.filter(({ role, ip }) => role <= SocketRole.Client && ip !== NAME_SERVER);
}

/** The one flow of a topology. */
function flowOf(topology: DockerTopology) {
  const { program } = topology.compile();
  expect(program.flows).toHaveLength(1);
  return program.flows[0]!;
}

describe("traffic", () => {
  it("becomes a flow with a socket at each end", () => {
    const { program } = pair.traffic("queries", "web").to("db:5432/tcp").rate("1kpps").size(100).compile();
    expect(program.flows).toEqual([
      {
        kind: FlowKind.Constant, protocol: PROTOCOL_TCP, namespace: WEB, destination: DB_IP, destinationPort: 5432, sourcePort: 32768, bytes: 100,
        responseBytes: 0, count: NONE, dontFragment: 0, intervalNs: 1_000_000, onNs: 0, offNs: 0, startNs: 0, stopNs: Number.MAX_SAFE_INTEGER, thinkNs: 0, timeoutNs: 0,
      },
    ]);
    expect(trafficSockets(program)).toEqual([
      { namespace: DB, protocol: PROTOCOL_TCP, ip: 0, port: 5432, role: SocketRole.Sink, flow: NONE },
      { namespace: WEB, protocol: PROTOCOL_TCP, ip: 0, port: 32768, role: SocketRole.Client, flow: 0 },
    ]);
    expect(program.names.flows).toEqual(["queries"]);
  });

  it("without a port is a ping with an identifier of its own and no socket", () => {
    const { program } = pair.traffic("one", "web").to("db").traffic("two", "db").to("web").rate("10/s").compile();
    expect(program.flows.map(({ kind, protocol, sourcePort, intervalNs, bytes }) => ({ kind, protocol, sourcePort, intervalNs, bytes }))).toEqual([
      { kind: FlowKind.Ping, protocol: PROTOCOL_ICMP, sourcePort: 1, intervalNs: 1_000_000_000, bytes: 56 },
      { kind: FlowKind.Ping, protocol: PROTOCOL_ICMP, sourcePort: 2, intervalNs: 100_000_000, bytes: 56 },
    ]);
    expect(trafficSockets(program)).toEqual([]);
  });

  it("that asks has a server that answers, also for others on the same port", () => {
    const { program } = pair.traffic("load", "web").to("db:80/tcp").rate("1/s").traffic("ask", "web").to("db:80/tcp").request({ clients: 2 }).compile();
    expect(trafficSockets(program).map(({ port, role }) => `${SocketRole[role]} ${port}`)).toEqual(["Responder 80", "Client 32768", "Client 32769", "Client 32770"]);
    expect(program.names.flows).toEqual(["load", "ask#1", "ask#2"]);
    expect(program.flows[1]).toMatchObject({ kind: FlowKind.Request, intervalNs: 0, bytes: 128, responseBytes: 1024, thinkNs: 10_000_000, timeoutNs: 1_000_000_000 });
  });

  it("counts ephemeral ports by namespace and protocol, and passes those that are listened on", () => {
    const { program } = pair
      .traffic("aa", "db").to("web:32768/udp").rate("1/s")
      .traffic("bb", "web").to("db:53/udp").rate("1/s")
      .traffic("cc", "web").to("db:53/tcp").rate("1/s")
      .compile();
    expect(program.flows.map(({ protocol, sourcePort }) => [protocol, sourcePort])).toEqual([[PROTOCOL_UDP, 32768], [PROTOCOL_UDP, 32769], [PROTOCOL_TCP, 32768]]);
    const clash = pair.traffic("aa", "web").to("db:53/udp").rate("1/s").traffic("bb", "db").to("web:32768/udp").rate("1/s");
    expect(refusalOf(() => clash.compile())).toBe("CONFLICT: traffic bb: to: port 32768 is in use by a client there");
  });

  it("goes from every container of a service, to one after the other", () => {
    const service = docker("x")
      .network("lan")
      .container("web-1", { networks: ["lan"], service: "web" })
      .container("web-2", { networks: ["lan"], service: "web" })
      .container("db-1", { networks: { lan: { aliases: ["db"] } } })
      .container("db-2", { networks: { lan: { aliases: ["db"] } } });
    const { program } = fromSpec(service.spec).traffic("queries", "web").to("db:5432").request({ clients: 2 }).compile();
    expect(program.names.flows).toEqual(["queries/web-1#1", "queries/web-1#2", "queries/web-2#1", "queries/web-2#2"]);
    expect(program.flows.map(({ namespace, destination }) => [namespace, destination & 0xff])).toEqual([[1, 4], [1, 5], [2, 4], [2, 5]]);
  });

  it("may start at the host, go to an address that nobody has, or stay at home", () => {
    expect(flowOf(pair.traffic("up", "host1").to("172.18.0.3:80/udp").rate("1/s"))).toMatchObject({ namespace: HOST, destination: DB_IP });
    const { program } = pair.traffic("void", "web").to("172.18.0.99:80/udp").rate("1/s").compile();
    expect(trafficSockets(program).map(({ role }) => SocketRole[role])).toEqual(["Client"]);
    const own = pair.traffic("self", "web").to("localhost:80/tcp").request().compile();
    expect(trafficSockets(own.program)[0]).toMatchObject({ namespace: WEB, port: 80, role: SocketRole.Responder });
  });

  it("is described in words, flow by flow", () => {
    const topology = pair.traffic("queries", "web").to("db:5432/tcp").request({ clients: 2 }).compile();
    expect(topology.describe().flows.map(({ name, from, to, address }) => [name, from, to, address])).toEqual([
      ["queries#1", "web", "db:5432/tcp", "172.18.0.3"],
      ["queries#2", "web", "db:5432/tcp", "172.18.0.3"],
    ]);
  });

  it("can be added later: it goes on where the description ended", () => {
    const topology = pair.traffic("load", "web").to("db:80/tcp").rate("1/s").compile();
    const [spec] = pair.traffic("ask", "web").to("db:80/tcp").request().spec.traffic;
    const { flows, sockets, descriptions, cursor } = topology.resolveTraffic([spec!], topology.cursor);
    expect(flows.map(({ index, record }) => [index, record.sourcePort])).toEqual([[1, 32769]]);
    expect(sockets.map(({ index, record }) => [index, SocketRole[record.role]])).toEqual([[PROCESSES, "Responder"], [PROCESSES + 2, "Client"]]);
    expect(descriptions.map(({ name }) => name)).toEqual(["ask"]);
    expect(refusalOf(() => topology.resolveTraffic([spec!], cursor))).toBe('CONFLICT: traffic ask: the name "ask" is taken');
    expect(topology.resolveTraffic([spec!], topology.cursor).flows).toEqual(flows);
  });

  it("has to fit the tables of a network that runs", () => {
    const topology = pair.compile();
    const [spec] = pair.traffic("ask", "web").to("db:80/tcp").request({ clients: 257 }).spec.traffic;
    expect(refusalOf(() => topology.resolveTraffic([spec!], topology.cursor))).toBe("LIMIT_EXCEEDED: flows: the network has room for 256, 257 are needed");
  });
});

describe("traffic that cannot be", () => {
  const refused = (change: Partial<TrafficSpec>) => {
    const { spec } = pair.traffic("bad", "web").to("db:80/udp").rate("1/s");
    const traffic = spec.traffic.map((item) => ({ ...item, ...change }));
    return refusalOf(() => fromSpec({ ...spec, traffic }).compile());
  };

  it.each<[Partial<TrafficSpec>, string]>([
    [{ from: "nobody" }, 'NOT_FOUND: traffic bad: from: expected a container, a service or a host, found "nobody" (containers: "web", "db")'],
    [{ to: { host: "nobody", port: 1, protocol: "udp" } }, 'NOT_FOUND: traffic bad: web cannot resolve "nobody": no container, alias or link on lan is called that'],
    [{ to: { host: "db", protocol: "icmp" } }, 'INVALID_INPUT: traffic bad: to: expected a target with a port such as "db:5432/tcp", found "db"'],
    [{ kind: "ping" }, "INVALID_INPUT: traffic bad: to: expected a target without a port for pings, found db:80/udp"],
    [{ sizeBytes: 65_508 }, "INVALID_INPUT: traffic bad: size: expected a whole number from 0 to 65507, found 65508"],
    [{ to: { host: "db", port: 80, protocol: "tcp" }, sizeBytes: 0 }, "INVALID_INPUT: traffic bad: size: expected a whole number from 1 to 4194304, found 0"],
    [{ rate: { perSecond: 3e9 } }, "INVALID_INPUT: traffic bad: rate: expected from one message in 104 days to one per nanosecond, found 3000000000 a second"],
    [{ kind: "onoff", onNs: 0 }, "INVALID_INPUT: traffic bad: on: expected a whole number from 1 to 9007199254740991, found 0"],
    [{ stopNs: 5, startNs: 6 }, "INVALID_INPUT: traffic bad: stop: expected a whole number from 6 to 9007199254740991, found 5"],
    [{ clients: 0 }, "INVALID_INPUT: traffic bad: clients: expected a whole number from 1 to 10000, found 0"],
    [{ count: 1.5 }, "INVALID_INPUT: traffic bad: count: expected a whole number from 1 to 4294967294, found 1.5"],
  ])("is refused: %j", (change, message) => {
    expect(refused(change)).toBe(message);
  });

  it("says where it was written", () => {
    expect(refused({ from: "nobody", position: { file: "compose.yaml", line: 3, column: 5 } })).toMatch(/^NOT_FOUND: compose\.yaml:3:5: traffic bad: from/);
  });
});

describe("a rate", () => {
  const [spec] = pair.traffic("x", "web").to("db").spec.traffic;

  it("becomes whole nanoseconds, of payload bits or of messages", () => {
    expect(intervalOf({ perSecond: 100_000 }, 64, spec!)).toBe(10_000);
    expect(intervalOf({ perSecond: 3 }, 64, spec!)).toBe(333_333_333);
    expect(intervalOf({ bitsPerSecond: 200_000_000 }, 512, spec!)).toBe(20_480);
    expect(intervalOf({ perSecond: 1e9 }, 64, spec!)).toBe(1);
    expect(intervalOf({ perSecond: 0.001 }, 64, spec!)).toBe(1e12);
  });
});
