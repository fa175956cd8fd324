/** What both engines refuse of a program that comes while the network runs, and that a refusal changes nothing. */
import { beforeAll, describe, expect, it } from "vitest";
import { Family, Hook, Table, Target } from "../../assembly/abi/netfilter";
import { DeviceKind, FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_UDP } from "../../assembly/abi/protocol";
import { NONE } from "../../assembly/abi/version";
import { containersOnBridge, ip, MS, twoBridges } from "../../test/support/program";
import { addChain } from "../../test/support/rules";
import type { Engine } from "./engine";
import type { AddressWords, ConntrackFilter, DatapathProgram } from "./program";
import { createTsEngine } from "./ts/index";
import { PACKED } from "./wasm/bytes.gen";
import { compileWasm } from "./wasm/compile";
import { createWasmEngine } from "./wasm/index";

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWasm(PACKED);
}, 120_000);

const { draft, bridge, containers } = containersOnBridge(2);
draft.ping(containers[0].namespace, containers[1], { intervalNs: 10 * MS });
const program = draft.program();
const gone = (index: number, { devices, ...rest }: DatapathProgram): DatapathProgram => ({
  ...rest,
  devices: devices.map((device, at) => (at === index ? { ...device, kind: DeviceKind.Gone, flags: 0, peer: NONE, master: NONE, link: NONE } : device)),
});

describe.each([
  ["ts", () => createTsEngine()],
  ["wasm", () => createWasmEngine(module)],
] as const)("the %s engine", (_, make: () => Engine) => {
  const load = () => {
    const engine = make();
    engine.load(program, { seed: 1 });
    engine.run(95 * MS, Infinity);
    return engine;
  };
  const answered = (engine: Engine) => engine.counters().flows[0].answered;

  it.each([
    ["fewer devices", { ...program, devices: program.devices.slice(1) }, "INVALID_INPUT"],
    ["another kind of device", { ...program, devices: program.devices.map((device, i) => (i === containers[0].device ? { ...device, kind: DeviceKind.Dummy } : device)) }, "INVALID_INPUT"],
    ["a port of a bridge elsewhere", { ...program, devices: program.devices.map((device, i) => (i === containers[0].device ? { ...device, master: bridge } : device)) }, "INVALID_INPUT"],
    ["other CPUs", { ...program, hosts: [{ ...program.hosts[0], cpus: 7 }] }, "INVALID_INPUT"],
    ["more routes than there is room for", { ...program, routes: Array.from({ length: 2000 }, () => program.routes[0]) }, "LIMIT_EXCEEDED"],
  ])("refuses %s, and goes on as before", (_what, next, code) => {
    const engine = load();
    expect(() => engine.apply({ program: next })).toThrow(expect.objectContaining({ code }));
    engine.run(195 * MS, Infinity);
    expect(answered(engine)).toBe(20);
  });

  it("goes on as if nothing had been loaded where nothing is different", () => {
    const [changed, plain] = [load(), load()];
    changed.apply({ program });
    for (const engine of [changed, plain]) engine.run(195 * MS, Infinity);
    expect(changed.digest()).toBe(plain.digest());
    expect(changed.counters()).toEqual(plain.counters());
  });

  it("leaves a flow alone that a patch brought and the new program has, whatever was injected before", () => {
    const record = { ...program.flows[0], count: 1, sourcePort: 7 };
    const [changed, plain] = [load(), load()];
    for (const engine of [changed, plain]) {
      engine.inject([{ timeNs: 0, device: containers[0].device, bytes: new Uint8Array(200).fill(0xa5) }]);
      engine.apply({ flows: [{ index: 1, record }] });
      engine.run(150 * MS, Infinity);
    }
    changed.apply({ program: { ...program, flows: [...program.flows, record] } });
    for (const engine of [changed, plain]) engine.run(195 * MS, Infinity);
    expect(changed.digest()).toBe(plain.digest());
    expect(changed.counters()).toEqual(plain.counters());
  });

  it("lets tracked connections go that have all that is asked for, and no others", () => {
    const { draft: routed, root, front, left, right } = twoBridges();
    const dnat = { protocol: PROTOCOL_UDP, destinationPort: 8080, in: front, target: Target.Dnat, to: "172.21.0.2", toPorts: 80 };
    addChain(routed, root, { table: Table.Nat, hook: Hook.Prerouting, rules: [dnat] });
    routed.socket({ namespace: right.namespace, protocol: PROTOCOL_UDP, port: 80, role: SocketRole.Responder });
    const ask = { protocol: PROTOCOL_UDP, kind: FlowKind.Request, destinationPort: 8080, intervalNs: 10 * MS, unserved: true };
    routed.flow(left.namespace, { namespace: root, ip: ip("172.20.0.1") }, ask);
    const engine = make();
    engine.load(routed.program(), { seed: 1 });
    // Between two requests: an answer on its way would be a connection of its own.
    let now = -5 * MS;
    /** How often the rule was asked meanwhile: once for each connection that is new. */
    const asked = (conntrack: readonly ConntrackFilter[]) => {
      const before = engine.counters().rules![0];
      engine.apply({ conntrack });
      now += 50 * MS;
      engine.run(now, Infinity);
      return engine.counters().rules![0] - before;
    };
    const base = { namespace: root, family: Family.Ipv4 };
    const address = (text: string): AddressWords => [ip(text), 0, 0, 0];
    expect(asked([])).toBe(1);
    const others = [{ protocol: 6 }, { originalPort: 80 }, { originalDestination: address("172.21.0.2") }, { replyEnd: address("172.20.0.1") }, { namespace: left.namespace }, { family: Family.Ipv6 }];
    expect(asked(others.map((other) => ({ ...base, ...other })))).toBe(0);
    for (const one of [{ protocol: PROTOCOL_UDP }, { originalPort: 8080 }, { originalDestination: address("172.20.0.1") }, { replyEnd: address("172.21.0.2") }, { replyEnd: address("172.20.0.2") }, {}]) {
      expect([one, asked([{ ...base, ...one }])]).toEqual([one, 1]);
    }
    expect(() => asked([{ ...base, namespace: 99 }])).toThrow("conntrack[0].namespace");
  });

  it("forgets the neighbours of a bridge whose last port goes, so that what is sent to them meanwhile waits", () => {
    const { draft: own, root, bridge: board, containers: known } = containersOnBridge(2);
    own.ping(root, known[1], { intervalNs: 10 * MS });
    const whole = own.program();
    const without = (count: number): DatapathProgram => {
      let left = count;
      return { ...whole, devices: whole.devices.map((device) => (device.master === board && left-- > 0 ? { ...device, master: NONE } : device)) };
    };
    const outcome = (ports: number) => {
      const engine = make();
      engine.load(whole, { seed: 1 });
      engine.run(95 * MS, Infinity);
      engine.apply({ program: without(ports) });
      engine.run(195 * MS, Infinity);
      engine.apply({ program: whole });
      engine.run(1495 * MS, Infinity);
      return answered(engine);
    };
    // One port: what is for the other container goes on; two: nothing is lost, as it waits for an answer to the next ARP request.
    expect([outcome(1), outcome(2)]).toEqual([150, 150]);
  });

  it("lets a container go and come back", () => {
    const engine = load();
    engine.apply({ program: gone(containers[1].device, program) });
    engine.run(195 * MS, Infinity);
    expect(answered(engine)).toBe(10);
    engine.apply({ program });
    engine.run(295 * MS, Infinity);
    expect(answered(engine)).toBe(20);
  });
});
