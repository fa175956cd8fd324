import { describe, expect, it } from "vitest";
import { NO_TSHARK, tsharkFields } from "../../test/support/tshark";
import type { Frame } from "./frames";
import { writePcapng, type PcapngInput } from "./pcapng";

/** An ARP request of 42 bytes: who has 172.20.0.3, tell 172.20.0.2. */
const ARP = Uint8Array.from(
  "ffffffffffff0242ac1400020806000108000604000102 42ac140002ac140002000000000000ac140003".replace(/ /g, "").match(/../g) ?? [],
  (octet) => Number.parseInt(octet, 16),
);
const arp: Frame = { timeNs: 5, device: "web:eth0", direction: "outbound", length: 42, bytes: ARP };
const input: PcapngInput = {
  interfaces: [{ name: "web:eth0", mac: 0x0242ac140002, ipv4: { ip: 0xac140002, prefixLength: 16 } }, { name: "host1:docker0" }],
  frames: [
    arp,
    { ...arp, timeNs: 2 ** 32 + 7, device: "host1:docker0", direction: "inbound", dropped: { reason: "OtherHost", node: "arp-input" } },
    { ...arp, timeNs: 86_400e9 + 1, bytes: ARP.subarray(0, 33) },
  ],
  snaplen: 65535,
  hosts: [{ ip: 0xac140002, name: "web" }],
  application: "dockwire",
};

/** Every block of a file by the length at its front, which must be that at its end. */
function blocksOf(file: Uint8Array): { type: number; body: Uint8Array }[] {
  const view = new DataView(file.buffer);
  const blocks = [];
  for (let at = 0; at < file.length; ) {
    const length = view.getUint32(at + 4, true);
    expect(length % 4).toBe(0);
    expect(view.getUint32(at + length - 4, true)).toBe(length);
    blocks.push({ type: view.getUint32(at, true), body: file.slice(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

describe("writePcapng", () => {
  it("writes a section, the interfaces, the names and the frames, each block padded and with its length at both ends", () => {
    expect(blocksOf(writePcapng(input)).map(({ type }) => type)).toEqual([0x0a0d0d0a, 1, 1, 4, 6, 6, 6]);
  });

  it("stores the time in nanoseconds, also beyond 32 bits", () => {
    const body = blocksOf(writePcapng(input))[6]!.body;
    const view = new DataView(body.buffer);
    expect(view.getUint32(4, true) * 2 ** 32 + view.getUint32(8, true)).toBe(86_400e9 + 1);
  });

  it("keeps a frame's bytes and tells how long it was", () => {
    const body = blocksOf(writePcapng(input))[6]!.body;
    const view = new DataView(body.buffer);
    expect([view.getUint32(12, true), view.getUint32(16, true)]).toEqual([33, 42]);
    expect(body.slice(20, 53)).toEqual(ARP.subarray(0, 33));
  });

  it("leaves out frames of other devices", () => {
    expect(blocksOf(writePcapng({ ...input, interfaces: [{ name: "host1:docker0" }] })).filter(({ type }) => type === 6)).toHaveLength(1);
  });

  it("is read by tshark: names, times, directions, comments", (context) => {
    const fields = ["frame.interface_name", "frame.time_epoch", "frame.packet_flags_direction", "frame.comment", "arp.src.proto_ipv4"];
    const lines = tsharkFields(writePcapng({ ...input, frames: [...input.frames].slice(0, 2) }), fields);
    if (lines === undefined) return context.skip(NO_TSHARK);
    expect(lines).toEqual([
      "web:eth0|0.000000005|0x00000002||172.20.0.2",
      "host1:docker0|4.294967303|0x00000001|dropped: OtherHost at arp-input|172.20.0.2",
    ]);
  });
});
