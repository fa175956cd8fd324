import { describe, expect, it } from "vitest";
import { FlowState } from "../../assembly/abi/counter";
import { Drop } from "../../assembly/abi/drop";
import { DeviceKind, FlowKind } from "../../assembly/abi/program";
import { PROTOCOL_ICMP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { RECORDED_UNDERLAY, recordedHost } from "../../test/support/recorded-world";
import { dropsOf } from "../../test/support/simulate";
import { docker } from "../../test/support/docker";
import { createTsEngine } from "../engine/ts/index";
import type { FlowRecord } from "../engine/program";
import { decide } from "../model/decide";
import type { DockerGeneration } from "../model/spec";
import type { DockerState } from "../model/state";
import { parseIpv4 } from "../net/ip";
import { announcements, compile, compileState } from "./index";
import { render } from "./render";

const SECOND = 1_000_000_000;
const HOSTS = ["h1", "h2"].map((name, index) => ({
  name,
  cpus: 1,
  backlog: 1000,
  world: recordedHost({ ip: `192.0.2.1${index + 1}`, mac: `02:00:00:00:02:0${"bc"[index]}`, hostname: `host${index + 1}` }, "20.10"),
}));

function ping(namespace: number, to: string, fields: Partial<FlowRecord> = {}): FlowRecord {
  return {
    kind: FlowKind.Ping,
    protocol: PROTOCOL_ICMP,
    namespace,
    destination: parseIpv4(to, "to"),
    destinationPort: 0,
    sourcePort: 7,
    bytes: 56,
    responseBytes: 0,
    count: NONE,
    dontFragment: 0,
    intervalNs: SECOND,
    onNs: 0,
    offNs: 0,
    startNs: 0,
    stopNs: Number.MAX_SAFE_INTEGER,
    thinkNs: 0,
    timeoutNs: SECOND,
    ...fields,
  };
}

/** One container on a network, which may be another one at the same address. */
const pair = (mac: string, extra = false, generation: DockerGeneration = "20.10") => {
  const base = docker("pair", { docker: generation })
    .network("net", { subnet: "172.20.0.0/24" })
    .container("client", { networks: { net: { ipv4: "172.20.0.10" } } });
  const described = base.container("server", { networks: { net: { ipv4: "172.20.0.20", mac } } });
  return decide(extra ? described.container("more", { networks: ["net"] }).spec : described.spec);
};

describe("the world around hosts", () => {
  const states = HOSTS.map((host): DockerState => decide({ ...docker("plain").spec, hosts: [host] }));
  const state = {
    generation: states[0]!.generation,
    hosts: states.flatMap(({ hosts }) => hosts),
    networks: states.flatMap(({ networks }) => networks),
    containers: [],
  };
  const { program, layout } = compileState(state, { seed: 1, underlay: RECORDED_UNDERLAY });
  const devices = layout.network.builder.deviceIndex;
  const namespaceOf = (name: string) => program.names.namespaces.indexOf(name);

  function answers(from: string, to: string) {
    const engine = createTsEngine();
    engine.load({ ...program, flows: [ping(namespaceOf(from), to, { count: 1 })] }, { seed: 1 });
    engine.observe({ captureDevices: [devices.get(`${from}:eth0`)!], snaplen: 100, recordDrops: false, trace: [] });
    engine.run(5 * SECOND, Infinity);
    const [flow] = engine.counters().flows;
    // The TTL of the last IPv4 frame that came.
    const ttl = engine.drain().frames.filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0).at(-1)?.bytes[22];
    return { answered: flow!.answered, errors: flow!.errors, ttl };
  }

  it("is a switch, a router, and machines that hosts reach and that reach hosts", () => {
    expect(answers("h1", "192.0.2.12")).toEqual({ answered: 1, errors: 0, ttl: 64 });
    expect(answers("h1", "192.0.2.50")).toEqual({ answered: 1, errors: 0, ttl: 64 });
    expect(answers("h2", "198.51.100.20")).toEqual({ answered: 1, errors: 0, ttl: 63 });
    expect(answers("inet", "192.0.2.11")).toEqual({ answered: 1, errors: 0, ttl: 63 });
  });

  it("tells that it has no route to what the router does not know", () => {
    expect(answers("h1", "203.0.113.9")).toMatchObject({ answered: 0, errors: 1 });
  });

  it("looks like the hosts of the recordings from inside", () => {
    const text = render(program);
    expect(text).toContain("default via 192.0.2.1 dev eth0");
    expect(text).toContain("192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.11");
    expect(text).toContain("inet 198.51.100.53/24");
  });

  it("costs nothing where nobody asks for it", () => {
    const { hosts, namespaces } = compile(docker("plain").container("web").spec).program;
    expect([hosts.length, namespaces.length]).toEqual([1, 2]);
  });
});

describe("a state that follows another one", () => {
  it("keeps the indices of what is the same, appends what is new, and leaves Gone what is not there any more", () => {
    const first = compileState(pair("02:42:ac:14:00:14", true), { seed: 1 });
    const second = compileState(pair("02:42:ac:14:00:14"), { seed: 1 }, first.layout);
    const third = compileState(pair("02:42:ac:14:00:14", true), { seed: 1 }, second.layout);
    const more = first.layout.network.builder.deviceIndex.get("more:eth0")!;
    expect(second.program.devices[more]).toMatchObject({ kind: DeviceKind.Gone, flags: 0, peer: NONE });
    expect(second.program.devices).toHaveLength(first.program.devices.length);
    expect(second.layout.namespaceOf("host1", "client")).toBe(first.layout.namespaceOf("host1", "client"));
    expect(third.program).toEqual(first.program);
  });

  it("loads into an engine that runs: neighbours go on believing in the MAC of a container whose address another one has taken", () => {
    const first = compileState(pair("02:42:ac:14:00:14"), { seed: 1 });
    const engine = createTsEngine();
    const client = first.layout.namespaceOf("host1", "client")!;
    engine.load({ ...first.program, flows: [ping(client, "172.20.0.20")] }, { seed: 1 });
    engine.observe({ captureDevices: [], snaplen: 0, recordDrops: false, trace: [] });
    engine.run(3.5 * SECOND, Infinity);
    expect(engine.counters().flows[0]!.answered).toBe(4);
    const second = compileState(pair("02:aa:bb:cc:dd:ee"), { seed: 1 }, first.layout);
    engine.apply({ program: second.program });
    // Reachable for 30 s since ARP answered, five seconds of delay, three unicast probes and one that nobody answers.
    engine.run(34.5 * SECOND, Infinity);
    expect(engine.counters().flows[0]!.answered).toBe(4);
    expect(dropsOf(engine.counters()).OtherHost).toBe(31);
    engine.run(60 * SECOND, Infinity);
    expect(engine.counters().flows[0]!.answered).toBeGreaterThan(15);
    expect(engine.counters().deviceDrops.some(({ reason }) => reason === Drop.NotSpecified)).toBe(false);
  });

  it("announces new addresses in the generations that do, so that neighbours know at once", () => {
    const before = pair("02:42:ac:14:00:14", false, "29");
    // The server starts a second time, as another container would.
    const sameStart = pair("02:aa:bb:cc:dd:ee", false, "29");
    const containers = sameStart.containers.map((each) => (each.name === "server" ? { ...each, startOrder: each.startOrder + 1 } : each));
    const after = { ...sameStart, containers };
    const first = compileState(before, { seed: 1 });
    const engine = createTsEngine();
    const client = first.layout.namespaceOf("host1", "client")!;
    engine.load({ ...first.program, flows: [ping(client, "172.20.0.20")] }, { seed: 1 });
    engine.observe({ captureDevices: [], snaplen: 0, recordDrops: false, trace: [] });
    engine.run(3.5 * SECOND, Infinity);
    const second = compileState(after, { seed: 1 }, first.layout);
    const told = announcements(after, second.layout, first.layout, 3.5 * SECOND);
    expect(told).toHaveLength(1);
    engine.apply({ program: second.program, flows: told.map((record, index) => ({ index: index + 1, record })) });
    engine.run(9.5 * SECOND, Infinity);
    const [pings, announcement] = engine.counters().flows;
    expect(pings!.answered).toBe(10);
    expect(announcement).toMatchObject({ sent: 3, state: FlowState.Finished });
    expect(announcements(after, second.layout, second.layout, 0)).toEqual([]);
  });
});
