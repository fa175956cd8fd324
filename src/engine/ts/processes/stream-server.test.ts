import { describe, expect, it } from "vitest";
import { RESOLVER_AUTHORITATIVE } from "../../../../assembly/abi/dns";
import { Drop } from "../../../../assembly/abi/drop";
import { SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import { concat, ethernet, ipv4, tcp } from "../../../../test/support/frame";
import { CABLE, chance, MS, SECOND, twoHosts } from "../../../../test/support/program";
import { createTsEngine } from "../index";

const [FIN, SYN, PSH, ACK] = [1, 2, 8, 16];
const PORT = 5000;

interface Segment {
  readonly timeNs: number;
  readonly flags: number;
  readonly sequence: number;
  readonly data: Uint8Array;
}

/** A message with its length in front: the question for the address of a name of one letter. */
function question(letter: string, id = 1): Uint8Array {
  const message = [0, id, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, letter.charCodeAt(0), 0, 0, 1, 0, 1];
  return Uint8Array.from([0, message.length, ...message]);
}

/** Somebody who writes segments by hand to a name server that knows `a` and `b`; what comes back is captured and then lost. */
class Talk {
  readonly #engine = createTsEngine();
  readonly #world = twoHosts({ ...CABLE, loss: chance(1) });
  #sent = 100;
  #received = 0;
  #now = 0;

  constructor() {
    const { draft, left, right } = this.#world;
    const zone = draft.dns.zone({ a: ["10.9.9.1"], b: ["10.9.9.2"] });
    const resolver = draft.dns.resolver([zone], [], RESOLVER_AUTHORITATIVE);
    draft.socket({ namespace: right.namespace, protocol: PROTOCOL_TCP, port: 53, role: SocketRole.NameServer, resolver });
    const { macHigh, macLow } = draft.devices[left.device];
    draft.neighbours.push({ device: right.device, ip: left.ip, macHigh, macLow });
    this.#engine.load(draft.program(), { seed: 1 });
    this.#engine.observe({ captureDevices: [right.device], snaplen: 65_535, recordDrops: false, trace: [] });
    const [answer] = this.send(SYN);
    this.#sent++;
    this.#received = answer.sequence + 1;
    this.send(ACK);
  }

  /** Sends a segment and returns what the server sends within the next so many nanoseconds. `ahead`: bytes that are left out before it. */
  send(flags: number, data: Uint8Array = new Uint8Array(0), { withinNs = MS, ahead = 0 } = {}): Segment[] {
    const { draft, left, right } = this.#world;
    const fields = { source: left.ip, destination: right.ip, sourcePort: PORT, destinationPort: 53, sequence: (this.#sent + ahead) >>> 0, acknowledgement: this.#received >>> 0, flags };
    const packet = ipv4({ source: left.ip, destination: right.ip, protocol: PROTOCOL_TCP }, tcp(fields, data));
    this.#engine.inject([{ timeNs: this.#now, device: right.device, bytes: ethernet(draft.devices[right.device], draft.devices[left.device], 0x0800, packet) }]);
    return this.wait(withinNs);
  }

  /** The next bytes, without a hole. */
  write(data: Uint8Array): Segment[] {
    const heard = this.send(ACK | PSH, data);
    this.#sent += data.length;
    return heard;
  }

  /** Acknowledges so many bytes of the server's. */
  acknowledge(bytes: number): Segment[] {
    this.#received += bytes;
    return this.send(ACK);
  }

  wait(forNs: number): Segment[] {
    this.#now += forNs;
    this.#engine.run(this.#now, Number.POSITIVE_INFINITY);
    return this.#engine.drain().frames.filter(({ direction, reason }) => direction === 2 && reason === Drop.None).map(({ timeNs, bytes }) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return { timeNs, flags: bytes[47], sequence: view.getUint32(38), data: bytes.slice(34 + (bytes[46] >>> 4) * 4, 14 + view.getUint16(16)) };
    });
  }
}

/** Ids of the answers that segments hold, in order. */
function answers(segments: readonly Segment[]): number[] {
  return segments.filter(({ data }) => data.length > 0).map(({ data }) => data[3]);
}
const sizeOf = (segments: readonly Segment[]) => segments.reduce((sum, { data }) => sum + data.length, 0);

describe("a name server's end of a connection", () => {
  it("answers questions that came in one segment one after the other", () => {
    const talk = new Talk();
    const first = talk.write(concat(question("a", 1), question("b", 2)));
    expect(answers(first)).toEqual([1]);
    const second = talk.acknowledge(sizeOf(first));
    expect(answers(second)).toEqual([2]);
    expect(second.find(({ data }) => data.length > 0)?.data.slice(-4)).toEqual(Uint8Array.of(10, 9, 9, 2));
  });

  it("puts together what comes in pieces, and out of order", () => {
    const talk = new Talk();
    const whole = question("b", 7);
    expect(answers(talk.send(ACK | PSH, whole.subarray(9), { ahead: 9 }))).toEqual([]);
    expect(answers(talk.send(ACK | PSH, whole.subarray(1, 9), { ahead: 1 }))).toEqual([]);
    expect(answers(talk.send(ACK | PSH, whole.subarray(0, 1)))).toEqual([7]);
  });

  it("says nothing to what is no question, and reads on", () => {
    const talk = new Talk();
    const noise = concat(Uint8Array.of(0, 0), Uint8Array.of(0, 3, 1, 2, 3), Uint8Array.of(0, 12, 0, 1, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 0));
    expect(answers(talk.write(concat(noise, question("a", 4))))).toEqual([4]);
  });

  it("closes after 2 s without a question, and 8 s after the last one", () => {
    const silent = new Talk().wait(3 * SECOND);
    expect(silent[0].flags).toBe(FIN | ACK);
    expect(Math.floor(silent[0].timeNs / SECOND)).toBe(2);
    const talk = new Talk();
    const answer = talk.write(question("a"));
    talk.acknowledge(sizeOf(answer));
    expect(talk.wait(7 * SECOND)).toEqual([]);
    expect(talk.wait(2 * SECOND)[0].flags).toBe(FIN | ACK);
  });

  it("does not wait longer for a question that has begun", () => {
    const talk = new Talk();
    talk.write(question("a").subarray(0, 10));
    expect(talk.wait(SECOND)).toEqual([]);
    expect(talk.wait(SECOND + 500 * MS)[0].flags).toBe(FIN | ACK);
  });

  it("closes when the other end has, after the answer", () => {
    const talk = new Talk();
    const answer = talk.write(question("a"));
    talk.acknowledge(sizeOf(answer));
    const flags = talk.send(FIN | ACK).map((segment) => segment.flags);
    expect(flags.at(-1)).toBe(FIN | ACK);
  });

  it("closes after 128 questions, whatever waits behind them", () => {
    const talk = new Talk();
    let last: Segment[] = [];
    for (let i = 0; i < 128; i++) {
      last = talk.write(i === 127 ? concat(question("a", 127), question("a", 128)) : question("a", i & 0xff));
      if (i < 127) talk.acknowledge(sizeOf(last));
    }
    expect(answers(last)).toEqual([127]);
    expect(last.at(-1)?.flags).toBe(FIN | ACK);
  });

  it("takes no more than the longest message, which its window says", () => {
    const talk = new Talk();
    talk.write(Uint8Array.of(255, 255));
    const piece = new Uint8Array(1400);
    for (let i = 0; i < 46; i++) talk.write(piece);
    // 2 + 46 × 1,400 bytes wait; 1,135 fit.
    expect(talk.send(ACK | PSH, piece).map(({ data }) => data.length)).toEqual([0]);
    const answer = talk.send(ACK | PSH, new Uint8Array(1135)).find(({ data }) => data.length > 0);
    // Zeros have no question: FORMERR.
    expect(answer?.data).toEqual(Uint8Array.of(0, 12, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  });
});
