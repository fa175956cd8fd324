import { describe, expect, it } from "vitest";
import { swarm } from "../../../test/support/docker";
import { startHere } from "../../../test/support/lab";
import { openSealed, readMap, readPacket, readProto, readStream, tableEvents, text, unlzw } from "../../../test/support/memberlist";
import type { Lab } from "../lab";
import { crc32 } from "./wire/crc32";
import { lzw } from "./wire/lzw";

const prod = swarm("prod").node("m1").node("w1").node("w2").overlay("back", { attachable: true }).container("aa", { networks: ["back"] }).container("cc", { node: "w2", networks: ["back"] });
const keysOf = async (lab: Lab) => (await lab.gossipKeys()).filter(({ isInUse }) => isInUse).map(({ key }) => key);
const portOf = (frame: Uint8Array, at: number) => frame[at]! * 256 + frame[at + 1]!;

/** Payloads of datagrams at 7946, and those of the streams there, by their ports. */
async function heard(lab: Lab, capture: ReturnType<Lab["capture"]>) {
  const frames = (await capture.frames()).map(({ bytes }) => bytes).filter((bytes) => portOf(bytes, 34) === 7946 || portOf(bytes, 36) === 7946);
  const datagrams = frames.filter((bytes) => bytes[23] === 17).map((bytes) => bytes.subarray(42));
  const streams: Buffer[] = [];
  /** By ends: the stream that the last SYN began. */
  const open = new Map<string, number>();
  for (const frame of frames.filter((bytes) => bytes[23] === 6)) {
    const ends = [...frame.subarray(26, 38)].join(".");
    if (frame[47]! & 2) open.set(ends, streams.push(Buffer.alloc(0)) - 1);
    const at = open.get(ends)!;
    streams[at] = Buffer.concat([streams[at]!, frame.subarray(34 + 4 * (frame[46]! >> 4), 14 + portOf(frame, 16))]);
  }
  return { datagrams, streams, keys: await keysOf(lab) };
}

describe("what nodes tell one another", () => {
  it("is sealed with the keys that the lab hands out, and is memberlist's and NetworkDB's own words", async () => {
    const lab = await startHere(() => prod.compile());
    const capture = lab.capture({ at: ["w1:eth0"] });
    await lab.run({ for: "1s" });
    await lab.docker("run -d --name late --network back web", { host: "w1" });
    await lab.run({ for: "40s" });
    const { datagrams, streams, keys } = await heard(lab, capture);
    expect(datagrams.length).toBeGreaterThan(100);
    const messages = datagrams.map((bytes) => readPacket(bytes, keys)!);
    expect(messages.every((bytes) => bytes !== undefined)).toBe(true);
    // No two different packets have the same nonce.
    const different = new Set(datagrams.map((bytes) => Buffer.from(bytes).toString("hex")));
    expect(new Set([...different].map((packet) => packet.slice(2, 26))).size).toBe(different.size);
    const pings = messages.filter(([type]) => type === 0).map((bytes) => readMap(bytes, 1).value);
    expect(pings[0]).toMatchObject({ SourcePort: 7946 });
    expect([...(pings[0]!.SourceAddr as Uint8Array)]).toHaveLength(4);
    expect(text(pings[0]!.Node)).toMatch(/^[0-9a-f]{12}$/);
    const acks = messages.filter(([type]) => type === 2).map((bytes) => readMap(bytes, 1).value);
    expect(pings.map(({ SeqNo }) => SeqNo)).toEqual(expect.arrayContaining(acks.map(({ SeqNo }) => SeqNo)));

    const events = messages.filter(([type]) => type === 8).flatMap((bytes) => tableEvents(bytes.subarray(1)));
    const tables = new Set(events.map((event) => text(event[5]![0])));
    expect(tables).toEqual(new Set(["overlay_peer_table", "endpoint_table"]));
    const details = JSON.parse((await lab.docker("inspect late", { host: "w1" })).stdout)[0].NetworkSettings.Networks.back;
    const peers = events.filter((event) => text(event[5]![0]) === "overlay_peer_table").map((event) => [text(event[6]![0]), ...[1, 2, 3].map((field) => text(readProto(event[7]![0] as Uint8Array)[field]![0]))]);
    const tunnel = (await lab.docker("node inspect w1 --format {{.Status.Addr}}", { host: "m1" })).stdout.trim();
    expect(peers).toContainEqual([details.EndpointID, `${details.IPAddress}/24`, details.MacAddress, tunnel]);
    const names = events.filter((event) => text(event[5]![0]) === "endpoint_table").map((event) => text(readProto(event[7]![0] as Uint8Array)[1]![0]));
    expect(names).toContain("late");

    const told = streams.map((bytes) => readStream(bytes, keys)!);
    expect(new Set(told.map(([type]) => type))).toEqual(new Set([6, 8]));
    const synced = told.filter(([type]) => type === 8).map((bytes) => ({ bytes, ...readMap(bytes, 1) }));
    for (const { bytes, value, end } of synced) expect(value.UserMsgLen).toBe(bytes.length - end);
    // Three containers in two tables, and load balancers in one.
    expect(Math.max(...synced.map(({ bytes, end }) => tableEvents(bytes.subarray(end)).length))).toBeGreaterThanOrEqual(9);
    const pushPull = told.find(([type]) => type === 6)!;
    expect(readMap(pushPull, 1).value).toMatchObject({ Nodes: 3, Join: false });
  });

  it("is sealed with another key after each rotation, which is read all the while", async () => {
    const lab = await startHere(() => prod.compile());
    const first = await lab.gossipKeys();
    expect(first.map(({ isPrimary, isInUse }) => [isPrimary, isInUse])).toEqual([[false, true], [true, true], [false, true]]);
    const capture = lab.capture({ at: ["w1:eth0"] });
    await lab.run({ for: "5500ms" });
    await lab.rotateKeys();
    await lab.run({ for: "5500ms" });
    await lab.rotateKeys();
    await lab.run({ for: "5s" });
    const { datagrams } = await heard(lab, capture);
    const keys = await lab.gossipKeys();
    expect(keys.map(({ isPrimary, isInUse }) => [isPrimary, isInUse])).toEqual([[false, false], [false, false], [false, true], [true, true], [false, true]]);
    const used = datagrams.map((bytes) => keys.findIndex(({ key }) => openSealed(bytes, [key]) !== undefined));
    expect(used.every((index, at) => at === 0 || index >= used[at - 1]!)).toBe(true);
    expect(new Set(used)).toEqual(new Set([1, 2, 3]));
    expect((await lab.management())?.isConverged).toBe(true);
  });

  it("goes as records of TLS at the managers' port", async () => {
    const lab = await startHere(() => prod.compile());
    const capture = lab.capture({ at: ["m1:eth0"] });
    await lab.run({ for: "20s" });
    const records = (await capture.frames()).map(({ bytes }) => bytes).filter((frame) => frame[23] === 6 && portOf(frame, 36) === 2377).map((frame) => frame.subarray(34 + 4 * (frame[46]! >> 4), 14 + portOf(frame, 16))).filter(({ length }) => length > 0);
    expect(records.length).toBeGreaterThanOrEqual(6);
    for (const record of records) expect([record[0], portOf(record, 1), portOf(record, 3) + 5]).toEqual([23, 0x0303, record.length]);
    expect(new Set(records.map((record) => Buffer.from(record).toString("hex"))).size).toBe(records.length);
  });
});

describe("the compression of memberlist", () => {
  it("is read back by a reader of Go's format, whatever the parts", () => {
    let state = 1;
    const next = () => {
      state = (state * 48_271) % 2_147_483_647;
      return state;
    };
    const noise = (length: number, letters: number) => Uint8Array.from({ length }, () => next() % letters);
    for (const parts of [[], [noise(1, 9)], [noise(300, 2), noise(5, 256)], [noise(60_000, 3)], [noise(9000, 256), noise(0, 2), noise(9000, 16)], [new Uint8Array(100_000)]]) {
      const packed = lzw(parts);
      expect(Buffer.compare(unlzw(packed), Buffer.concat(parts))).toBe(0);
      // What was compressed once is the same the second time.
      expect(Buffer.compare(lzw(parts), packed)).toBe(0);
    }
    expect(lzw([noise(60_000, 3)]).length).toBeLessThan(60_000 / 3);
  });

  it("has the checksum of IEEE 802.3", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
  });
});
