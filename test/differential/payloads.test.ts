/** What flows say word for word: sealed as the form says, with the key that was given, and byte for byte the same on both engines. */
import { createDecipheriv } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { PACKET_OVERHEAD, PayloadForm, RECORD_OVERHEAD, STREAM_HEADER } from "../../assembly/abi/payload";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import type { Engine } from "../../src/engine/engine";
import type { PayloadRecord, ProgramPatch } from "../../src/engine/program";
import { createTsEngine } from "../../src/engine/ts/index";
import { PACKED } from "../../src/engine/wasm/bytes.gen";
import { compileWasm } from "../../src/engine/wasm/compile";
import { createWasmEngine } from "../../src/engine/wasm/index";
import { CABLE, chance, type FlowOptions, MS, SECOND, twoHosts } from "../support/program";

const OVERHEAD = { [PayloadForm.Plain]: 0, [PayloadForm.Packet]: PACKET_OVERHEAD, [PayloadForm.Stream]: STREAM_HEADER + PACKET_OVERHEAD, [PayloadForm.Record]: RECORD_OVERHEAD };
const KEY = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
const wireBytes = ({ form, bytes }: PayloadRecord) => bytes.length + OVERHEAD[form];
const text = (length: number, salt: number) => Uint8Array.from({ length }, (_, index) => (index * 31 + salt) & 255);

let module: WebAssembly.Module;
beforeAll(async () => {
  module = await compileWasm(PACKED);
}, 120_000);

interface Said {
  readonly flow: FlowOptions;
  readonly message?: PayloadRecord;
  readonly answer?: PayloadRecord;
}

/** Flows from one host to the other, whose payloads come in patches. */
function play(engine: Engine, said: readonly Said[], { loss = 0, seed = 5, later = [] as readonly ProgramPatch[] } = {}) {
  const { draft, left, right } = twoHosts({ ...CABLE, loss: chance(loss) });
  for (const [index, { flow, message, answer }] of said.entries()) {
    const sizes = { ...(message && { bytes: wireBytes(message) }), ...(answer && { responseBytes: wireBytes(answer) }) };
    draft.flow(left.namespace, right, { role: SocketRole.Responder, destinationPort: 7000 + index, startNs: MS, message: 2 * index, answer: 2 * index + 1, ...sizes, ...flow });
  }
  engine.load(draft.program({ capacity: { payloads: 2 * said.length } }), { seed });
  engine.observe({ captureDevices: [left.device], snaplen: 65_535, recordDrops: false, trace: [] });
  const payloads = said.flatMap(({ message, answer }, index) => [...(message ? [{ index: 2 * index, record: message }] : []), ...(answer ? [{ index: 2 * index + 1, record: answer }] : [])]);
  engine.apply({ payloads });
  const frames: Uint8Array[] = [];
  const run = (until: number) => {
    do frames.push(...engine.drain().frames.map(({ bytes }) => bytes.slice()));
    while (engine.run(until, 1000).now < until);
    frames.push(...engine.drain().frames.map(({ bytes }) => bytes.slice()));
  };
  for (const [index, patch] of later.entries()) {
    run((index + 1) * 50 * MS);
    engine.apply(patch);
  }
  run(SECOND);
  const { now, totals, flows } = engine.counters();
  expect(engine.tally()).toEqual({ now, totals, flows: flows.map(({ sent, delivered, answered, inFlight }) => ({ sent, delivered, answered, inFlight })) });
  return { frames, digest: engine.digest(), flows: flows.map(({ sent, answered, delivered }) => [sent, answered, delivered]) };
}

/** Payloads of the UDP datagrams, and the bytes of each TCP direction. */
const datagrams = (frames: readonly Uint8Array[], port: number, isAnswer: boolean) =>
  frames.filter((frame) => frame[23] === PROTOCOL_UDP && portOf(frame, isAnswer ? 34 : 36) === port).map((frame) => frame.subarray(42));
const stream = (frames: readonly Uint8Array[], port: number, isAnswer: boolean) =>
  Buffer.concat(frames.filter((frame) => frame[23] === PROTOCOL_TCP && portOf(frame, isAnswer ? 34 : 36) === port).map((frame) => frame.subarray(34 + 4 * (frame[46]! >> 4))));
const portOf = (frame: Uint8Array, at: number) => frame[at]! * 256 + frame[at + 1]!;

function open(nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer {
  const cipher = createDecipheriv("aes-128-gcm", KEY, nonce);
  cipher.setAAD(aad);
  cipher.setAuthTag(sealed.subarray(sealed.length - 16));
  return Buffer.concat([cipher.update(sealed.subarray(0, sealed.length - 16)), cipher.final()]);
}

const engines: readonly [string, () => Engine][] = [["ts", createTsEngine], ["wasm", () => createWasmEngine(module)]];

describe.each(engines)("what flows say word for word, on %s", (_, make) => {
  it("is sealed as memberlist's packets, and counts where it should", () => {
    const message = { form: PayloadForm.Packet, bytes: text(60, 1), key: KEY, counter: 10, first: 70_000 };
    const answer = { form: PayloadForm.Packet, bytes: text(17, 2), key: KEY, counter: 2, first: 70_000 };
    const { frames, flows } = play(make(), [{ flow: { kind: FlowKind.Request, intervalNs: 10 * MS, count: 5 }, message, answer }]);
    expect(flows).toEqual([[5, 5, 5]]);
    const nonces = new Set<string>();
    for (const [isAnswer, { bytes, counter }] of [[false, message], [true, answer]] as const) {
      const sent = datagrams(frames, 7000, isAnswer);
      expect(sent).toHaveLength(5);
      for (const [number, sealed] of sent.entries()) {
        expect(sealed[0]).toBe(1);
        const plain = open(sealed.subarray(1, 13), new Uint8Array(0), sealed.subarray(13));
        nonces.add(Buffer.from(sealed.subarray(1, 13)).toString("hex"));
        expect(plain.readUInt32BE(counter)).toBe(70_000 + number);
        plain.set(bytes.subarray(counter, counter + 4), counter);
        expect(Buffer.compare(plain, bytes)).toBe(0);
      }
    }
    expect(nonces.size).toBe(10);
  });

  it("is sealed as memberlist's streams, over many segments", () => {
    const [message, answer] = [text(9000, 3), text(20_000, 4)].map((bytes) => ({ form: PayloadForm.Stream, bytes, key: KEY }));
    const { frames } = play(make(), [{ flow: { kind: FlowKind.Exchange, protocol: PROTOCOL_TCP, count: 1 }, message: message!, answer: answer! }]);
    for (const [isAnswer, { bytes }] of [[false, message!], [true, answer!]] as const) {
      const sent = stream(frames, 7000, isAnswer);
      expect([sent.length, sent[0], sent.readUInt32BE(1), sent[5]]).toEqual([bytes.length + 34, 10, bytes.length + 29, 1]);
      expect(Buffer.compare(open(sent.subarray(6, 18), sent.subarray(0, 5), sent.subarray(18)), bytes)).toBe(0);
    }
  });

  it("is sealed as records of TLS, and is the usual bytes where lengths do not fit", () => {
    const message = { form: PayloadForm.Record, bytes: text(100, 5), key: KEY };
    const { frames } = play(make(), [
      { flow: { kind: FlowKind.Request, protocol: PROTOCOL_TCP, intervalNs: 10 * MS, count: 3 }, message, answer: message },
      { flow: { kind: FlowKind.Request, count: 1, bytes: 50 }, answer: { form: PayloadForm.Plain, bytes: text(30, 6) } },
    ]);
    const sent = stream(frames, 7000, false);
    expect(sent).toHaveLength(3 * 122);
    expect([0, 122, 244].map((at) => sent.subarray(at, at + 5).toString("hex"))).toEqual(Array(3).fill("1703030075"));
    expect(sent.subarray(5, 122)).not.toEqual(sent.subarray(127, 244));
    expect([...datagrams(frames, 7001, false)[0]!.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect(Buffer.from(datagrams(frames, 7001, true)[0]!)).toEqual(Buffer.from(text(30, 6)));
  });

  it("is refused where no form holds it, or there is no place for it", () => {
    const said = [{ flow: { kind: FlowKind.Request, count: 1 } }];
    const refused = (patch: ProgramPatch) => () => play(make(), said, { later: [patch] });
    expect(refused({ payloads: [{ index: 2, record: { form: PayloadForm.Plain, bytes: text(4, 0) } }] })).toThrow("payloads: expected an index below 2, found 2");
    expect(refused({ payloads: [{ index: 0, record: { form: PayloadForm.Packet, bytes: text(4, 0) } }] })).toThrow("payloads[0].key: expected 16 bytes, found none");
    expect(refused({ payloads: [{ index: 0, record: { form: PayloadForm.Record, bytes: text(16_385, 0), key: KEY } }] })).toThrow("payloads[0].bytes: expected at most 16384 of them, found 16385");
    expect(refused({ payloads: [{ index: 0, record: { form: PayloadForm.Plain, bytes: text(4, 0), counter: 1 } }] })).toThrow("payloads[0].counter: expected an index below 1, found 1");
  });
});

const arbitraryRecord = fc.record({ form: fc.constantFrom(0, 1, 2, 3), length: fc.oneof(fc.nat(80), fc.nat(4000)), salt: fc.nat(255), counts: fc.boolean(), first: fc.nat(2 ** 31) }).map(
  ({ form, length, salt, counts, first }): PayloadRecord => ({ form, bytes: text(length, salt), key: text(16, salt & 7), ...(counts && length >= 8 && { counter: length >> 1, first }) }),
);
const arbitrarySaid = fc.record({
  kind: fc.constantFrom(FlowKind.Constant, FlowKind.Request, FlowKind.Exchange),
  protocol: fc.constantFrom(PROTOCOL_UDP, PROTOCOL_TCP),
  message: arbitraryRecord,
  answer: arbitraryRecord,
  misfit: fc.constantFrom(0, 0, 0, 1),
  intervalNs: fc.constantFrom(0, MS, 20 * MS),
});

it("what flows say word for word is the same on both engines, byte for byte", { timeout: 300_000 }, () => {
  const property = fc.property(fc.array(arbitrarySaid, { minLength: 1, maxLength: 4 }), fc.array(arbitraryRecord, { maxLength: 4 }), fc.constantFrom(0, 0.1), fc.nat(), (drafts, records, loss, seed) => {
    const said = drafts.map(({ kind, protocol, message, answer, misfit, intervalNs }): Said => {
      const flow = { kind, protocol: kind === FlowKind.Exchange ? PROTOCOL_TCP : protocol, intervalNs: kind === FlowKind.Constant ? MS : intervalNs, count: 6, sourcePorts: 8 };
      const bytes = Math.max(1, wireBytes(message) + misfit);
      return { flow: { ...flow, bytes }, message, answer };
    });
    const later = records.map((record, index): ProgramPatch => ({ payloads: [{ index: index % (2 * said.length), record }] }));
    const [ts, wasm] = engines.map(([, make]) => play(make(), said, { loss, seed, later }));
    expect(wasm!.digest).toBe(ts!.digest);
    expect(wasm!.flows).toEqual(ts!.flows);
    expect(wasm!.frames.map((frame) => Buffer.from(frame).toString("hex"))).toEqual(ts!.frames.map((frame) => Buffer.from(frame).toString("hex")));
  });
  fc.assert(property, { numRuns: 60 });
});
