import { describe, expect, it } from "vitest";
import { FlowError } from "../../../../assembly/abi/counter";
import { Hook, MATCH_POLICY, Table, Target } from "../../../../assembly/abi/netfilter";
import { FlowKind } from "../../../../assembly/abi/program";
import { PROTOCOL_ESP, PROTOCOL_UDP } from "../../../../assembly/abi/protocol";
import { SA_SIZED } from "../../../../assembly/abi/xfrm";
import { KEY, openFrame, type TunnelOptions, withoutState, withTunnel } from "../../../../test/support/esp";
import { MS, SECOND, twoHosts } from "../../../../test/support/program";
import { addChain } from "../../../../test/support/rules";
import { simulate } from "../../../../test/support/simulate";
import { createTsEngine } from "../index";

/** left sends datagrams to right, sealed. */
function sealed({ count = 3, bytes = 64, options = {}, cost = 0 }: { count?: number; bytes?: number; options?: Partial<TunnelOptions>; cost?: number } = {}) {
  const { draft, left, right } = twoHosts();
  draft.flow(left.namespace, right, { count, bytes });
  const tunnel = { from: left.namespace, to: right.namespace, source: "10.0.0.1", destination: "10.0.0.2", ...options };
  return { draft, left, right, tunnel, program: () => withTunnel(draft, tunnel, cost) };
}

describe("EspOutput", () => {
  it("seals what a policy names, and EspInput gives it to its socket as it was", () => {
    const { draft, right, program } = sealed();
    const plain = simulate(draft.program(), { untilNs: SECOND, capture: [right.device] });
    const { counters, frames, drops } = simulate(program(), { untilNs: SECOND, capture: [right.device] });
    expect(drops).toEqual({});
    expect(counters.flows[0]).toMatchObject({ delivered: 3, deliveredBytes: 192 });
    const packets = (all: typeof frames) => all.filter(({ bytes }) => bytes[12] === 8 && bytes[13] === 0).map(({ bytes }) => bytes);
    expect(packets(frames)).toHaveLength(3);
    packets(frames).forEach((frame, index) => {
      expect(frame[23]).toBe(PROTOCOL_ESP);
      const { spi, sequence, iv, payload, padding, next } = openFrame(frame);
      expect({ spi, sequence, iv, next }).toEqual({ spi: 0x1001, sequence: index + 1, iv: `000000000000000${index + 1}`, next: PROTOCOL_UDP });
      expect([...padding]).toEqual([1, 2]);
      expect(payload.toString("hex")).toBe(Buffer.from(packets(plain.frames)[index]!.subarray(34)).toString("hex"));
    });
  });

  it("leaves alone what another address, port, protocol or mark has", () => {
    for (const options of [{ destination: "10.0.0.3" }, { port: 9001 }, { protocol: 6 }, { mark: 1 }]) {
      const { right, program } = sealed({ options });
      const { counters, lines } = simulate(program(), { untilNs: SECOND, capture: [right.device] });
      expect(counters.flows[0]).toMatchObject({ delivered: 3 });
      expect(lines.filter((line) => line.includes("9000"))).toHaveLength(3);
    }
  });

  it("asks again when mangle OUTPUT has marked the packet, and passes OUTPUT and POSTROUTING twice", () => {
    const built = sealed({ options: { mark: 0xd0c4e3 } });
    const { draft, left, right } = built;
    const out = { table: Table.Mangle, hook: Hook.Output };
    // The first word of UDP is its ports.
    const marking = { protocol: PROTOCOL_UDP, word: [0, 0xffff, 9000] as const, target: Target.Mark, setMark: [0xd0c4e3, 0xffffffff] as const };
    addChain(draft, left.namespace, { ...out, rules: [marking, { sealed: "out" }, { protocol: PROTOCOL_ESP }] });
    addChain(draft, left.namespace, { table: Table.Filter, hook: Hook.Output, rules: [{ sealed: "out" }, { protocol: PROTOCOL_ESP, mark: [0xd0c4e3, 0xffffffff] }] });
    addChain(draft, left.namespace, { table: Table.Mangle, hook: Hook.Postrouting, rules: [{ sealed: "out" }, { protocol: PROTOCOL_ESP, sealed: "out", not: MATCH_POLICY }] });
    const { counters, drops, lines } = simulate(built.program(), { untilNs: SECOND, capture: [right.device] });
    expect(drops).toEqual({});
    expect(counters.flows[0]).toMatchObject({ delivered: 3 });
    expect(lines.filter((line) => line.includes("9000"))).toEqual([]);
    expect(counters.rules).toEqual([3, 0, 3, 3, 3, 3, 3]);
  });

  it("fragments the ESP packet, not the datagram inside", () => {
    for (const bytes of [1472, 1473, 4000]) {
      const { right, program } = sealed({ bytes });
      const { counters, frames, drops } = simulate(program(), { untilNs: SECOND, capture: [right.device] });
      expect(drops).toEqual({});
      expect(counters.flows[0]).toMatchObject({ delivered: 3, deliveredBytes: 3 * bytes });
      expect(frames.filter((frame) => frame.bytes[23] === PROTOCOL_ESP)).toHaveLength(3 * (bytes === 4000 ? 3 : 2));
    }
  });

  it("drops with a word what has no state, no number left, or must not be fragmented", () => {
    const { draft, program } = sealed();
    expect(simulate(withoutState(program()), { untilNs: SECOND }).drops).toEqual({ XfrmOutNoStates: 3 });
    draft.flows[0] = { ...draft.flows[0]!, bytes: 1472, dontFragment: 1 };
    const { drops, counters } = simulate(program(), { untilNs: SECOND });
    expect(drops).toEqual({ PktTooBig: 3 });
    expect(counters.flows[0]).toMatchObject({ errors: 3, error: FlowError.MessageTooLong });
  });

  it("costs the time of the cipher on both sides", () => {
    const latency = (cost: number) => simulate(sealed({ count: 1, bytes: 1000, cost }).program(), { untilNs: SECOND }).counters.flows[0]!.latency.maxNs;
    // 1008 bytes of UDP, pad and trailer: 1012.
    expect(latency(1024) - latency(0)).toBe(2 * 1012);
  });

  it("carries TCP, too", () => {
    const { draft, left, right } = twoHosts();
    draft.request(left.namespace, right, { bytes: 1000, responseBytes: 300 });
    const tunnel = { from: left.namespace, to: right.namespace, source: "10.0.0.1", destination: "10.0.0.2", port: 80, protocol: 6 };
    // One that leaves room for ESP: the mss does not know of the policy.
    const { counters, drops } = simulate(withTunnel(draft, tunnel), { untilNs: SECOND });
    expect(drops).toEqual({});
    expect(counters.flows[0]).toMatchObject({ answered: 1 });
  });
});

describe("EspInput", () => {
  /** The sealed frames of a run, with their way in. */
  function recorded(options: Partial<TunnelOptions> = {}, bytes = 64) {
    const built = sealed({ count: 80, bytes, options });
    const { right, program } = built;
    const frames = simulate(program(), { untilNs: SECOND, capture: [right.device] }).frames.filter((frame) => frame.bytes[23] === PROTOCOL_ESP);
    built.draft.flows.length = 0;
    built.draft.sockets.splice(0, 1);
    const play = (list: readonly Uint8Array[]) => {
      const injected = list.map((one, index) => ({ timeNs: index * MS, device: right.device, bytes: one }));
      const { drops, counters } = simulate(program(), { untilNs: SECOND, frames: injected });
      return { drops, delivered: counters.totals.delivered };
    };
    return { frames: frames.map((frame) => frame.bytes), play };
  }

  const changed = (frame: Uint8Array, at: number, value: number) => Uint8Array.from(frame, (byte, index) => (index === at ? value : byte));

  it("takes each packet once", () => {
    const { frames, play } = recorded();
    expect(play([frames[0]!, frames[0]!, frames[1]!, frames[0]!])).toEqual({ drops: { XfrmInStateSeqError: 2 }, delivered: 2 });
    expect(play([frames[70]!, frames[7]!, frames[6]!, frames[7]!])).toEqual({ drops: { XfrmInStateSeqError: 2 }, delivered: 2 });
  });

  it("takes them again without a replay window, as Docker sets it up", () => {
    const { frames, play } = recorded({ replayWindow: 0 });
    expect(play([frames[0]!, frames[0]!, frames[70]!, frames[0]!])).toEqual({ drops: {}, delivered: 4 });
  });

  it("refuses what is forged, whatever byte of it, and does not move its window for it", () => {
    const { frames, play } = recorded();
    const [first] = frames;
    for (const at of [42, 49, 50, 80, first!.length - 1]) {
      expect(play([changed(first!, at, first![at]! ^ 0x40)])).toEqual({ drops: { XfrmInStateProtoError: 1 }, delivered: 0 });
    }
    const future = changed(first!, 38, 0x7f);
    expect(play([future, first!])).toEqual({ drops: { XfrmInStateProtoError: 1 }, delivered: 1 });
  });

  it("refuses another SPI, another key, another salt and another destination", () => {
    const { frames, play } = recorded();
    expect(play([changed(frames[0]!, 37, 2)]).drops).toEqual({ XfrmInNoStates: 1 });
    for (const known of [{ spi: 0x1002 }, { key: { bytes: [...KEY.bytes].reverse() } }, { salt: 1 }]) {
      const { drops } = simulate(sealed({ options: { known } }).program(), { untilNs: SECOND });
      expect(drops).toEqual("spi" in known ? { XfrmInNoStates: 3 } : { XfrmInStateProtoError: 3 });
    }
  });

  it("refuses what is cut, wherever", () => {
    const { frames, play } = recorded();
    const [first] = frames;
    const cut = (length: number) => {
      const frame = first!.slice(0, 34 + length);
      frame[16] = (20 + length) >> 8;
      frame[17] = (20 + length) & 255;
      frame[24] = frame[25] = 0;
      let sum = 0;
      for (let at = 14; at < 34; at += 2) sum += (frame[at]! << 8) | frame[at + 1]!;
      sum = ~((sum & 0xffff) + (sum >> 16));
      frame[24] = (sum >> 8) & 255;
      frame[25] = sum & 255;
      return frame;
    };
    for (let length = 0; length < first!.length - 34; length++) {
      expect(play([cut(length)]).drops, `${length} bytes`).toEqual(length < 8 ? { XfrmInHdrError: 1 } : { XfrmInStateProtoError: 1 });
    }
  });

  it("is a protocol like any other that nobody handles where there are no associations", () => {
    const { frames } = recorded();
    const { draft, right } = sealed();
    draft.flows.length = 0;
    const { drops } = simulate(draft.program(), { untilNs: SECOND, frames: [{ timeNs: 0, device: right.device, bytes: frames[0]! }] });
    expect(drops).toMatchObject({ IpNoProto: 1 });
  });

  it("passes PREROUTING and INPUT twice, and INPUT knows what came sealed", () => {
    const built = sealed();
    const { draft, left, right } = built;
    draft.flow(left.namespace, right, { count: 2, destinationPort: 9001 });
    const plainIsRefused = { sealed: "in" as const, not: MATCH_POLICY, protocol: PROTOCOL_UDP, target: Target.Drop };
    addChain(draft, right.namespace, { table: Table.Mangle, hook: Hook.Prerouting, rules: [{ protocol: PROTOCOL_ESP }, { sealed: "in" }, { protocol: PROTOCOL_UDP }] });
    addChain(draft, right.namespace, { table: Table.Filter, hook: Hook.Input, rules: [{ protocol: PROTOCOL_ESP }, plainIsRefused] });
    addChain(draft, right.namespace, { table: Table.Nat, hook: Hook.Input, rules: [{}] });
    const { counters, drops } = simulate(built.program(), { untilNs: SECOND });
    expect(drops).toEqual({ NetfilterDrop: 2 });
    expect(counters.flows.map(({ delivered }) => delivered)).toEqual([3, 0]);
    // Two connections come to INPUT's nat: ESP's and the first flow's.
    expect(counters.rules).toEqual([3, 3, 5, 3, 2, 2]);
  });
});

describe("a new program with other keys", () => {
  const NEW = { bytes: KEY.bytes.map((byte) => byte ^ 255) };

  it("loses no packet if the receiver has both, and the numbers of what stays go on", () => {
    const { draft, left, right, tunnel, program } = sealed({ count: 100 });
    draft.flows[0] = { ...draft.flows[0]!, kind: FlowKind.Constant, intervalNs: MS };
    const old = program();
    const association = { ...old.xfrm!.sas[1]!, replayWindow: 64 };
    const both = { ...old.xfrm!, sas: [...old.xfrm!.sas, { ...association, spi: 0x2002, key: 2 }], keys: [...old.xfrm!.keys, NEW] };
    const next = withTunnel(draft, { ...tunnel, spi: 0x2002, key: NEW });
    const kept = { ...next.xfrm!, sas: [next.xfrm!.sas[0]!, next.xfrm!.sas[1]!, { ...association, key: 2 }], keys: [NEW, NEW, KEY] };
    const capacity = { ...old.capacity, policies: 4, sas: 8, keys: 4 };
    const engine = createTsEngine();
    engine.load({ ...old, capacity, xfrm: both }, { seed: 1 });
    engine.observe({ captureDevices: [right.device], snaplen: 65_535, recordDrops: false, trace: [] });
    engine.run(50.01 * MS, Infinity);
    engine.apply({ program: { ...old, xfrm: kept } });
    engine.run(SECOND, Infinity);
    expect(engine.counters().flows[0]).toMatchObject({ sent: 100, delivered: 100 });
    const spis = engine.drain().frames.filter(({ bytes }) => bytes[23] === PROTOCOL_ESP).map(({ bytes }) => (bytes[36]! << 8) | bytes[37]!);
    expect(spis.filter((spi) => spi === 0x1001).length).toBeGreaterThan(40);
    expect(spis.filter((spi) => spi === 0x2002).length).toBeGreaterThan(40);
    expect(left.namespace).toBe(0);
  });

  it("is refused if it has more associations than there is room for, or leads nowhere", () => {
    const { program } = sealed();
    const { xfrm, ...rest } = program();
    const load = (changes: object) => () => createTsEngine().load({ ...rest, xfrm: { ...xfrm!, ...changes } }, { seed: 1 });
    const [first, second] = xfrm!.sas;
    expect(load({ keys: [{ bytes: [1] }, KEY] })).toThrow("xfrm.keys[0].bytes: expected 16 or 32 of them, found 1");
    expect(load({ sas: [first, { ...second, key: 2 }] })).toThrow("xfrm.sas[1].key: expected an index below 2, found 2");
    expect(load({ sas: [first, first] })).toThrow("one per namespace, destination and SPI");
    expect(load({ policies: [{ ...xfrm!.policies[0], sa: 1 }] })).toThrow("an association of the same namespace");
    const engine = createTsEngine();
    engine.load(program(), { seed: 1 });
    const more = { ...program(), xfrm: { ...xfrm!, keys: [KEY, KEY, KEY] } };
    expect(() => engine.apply({ program: more })).toThrow("capacity.keys: expected at least 3, found 2");
  });
});

describe("an association that is only asked for the size", () => {
  it("gives the same lengths, times and drops", () => {
    const run = (flags: number) => {
      const { right, program } = sealed({ options: { flags }, cost: 512 });
      return simulate(program(), { untilNs: SECOND, capture: [right.device] });
    };
    const [real, empty] = [run(0), run(SA_SIZED)];
    expect(empty.engine.digest()).toBe(real.engine.digest());
    expect(empty.frames.map(({ bytes }) => bytes.length)).toEqual(real.frames.map(({ bytes }) => bytes.length));
    expect(empty.frames.some(({ bytes }, index) => bytes.some((byte, at) => byte !== real.frames[index]!.bytes[at]))).toBe(true);
  });
});
