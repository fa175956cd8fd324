import { describe, expect, it } from "vitest";
import { Hook, RejectWith, Table, Target } from "../../assembly/abi/netfilter";
import { FlowKind, SocketRole } from "../../assembly/abi/program";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../assembly/abi/protocol";
import type { CapturedFrame } from "../../src/engine/engine";
import { ip, SECOND, twoBridges } from "../support/program";
import { addChain } from "../support/rules";
import { simulate } from "../support/simulate";
import { NO_TSHARK, tshark } from "../support/tshark";

/** Everything that translation touches: TCP, datagrams in fragments, echoes, errors, resets. */
function traffic(): readonly CapturedFrame[] {
  const { draft, root, back, left, right } = twoBridges();
  const own = { namespace: root, ip: ip("172.20.0.1") };
  const published = [PROTOCOL_TCP, PROTOCOL_UDP].flatMap((protocol) =>
    [8080, 8081].map((port) => ({ protocol, destinationPort: port, target: Target.Dnat, to: "172.21.0.2", toPorts: port - 8000 })),
  );
  addChain(draft, root, { table: Table.Nat, hook: Hook.Prerouting, rules: published });
  addChain(draft, root, { table: Table.Nat, hook: Hook.Postrouting, rules: [{ out: back, target: Target.Masquerade }] });
  const refused = { protocol: PROTOCOL_TCP, destinationPort: 81, target: Target.Reject, rejectWith: RejectWith.TcpReset };
  addChain(draft, root, { table: Table.Filter, hook: Hook.Forward, rules: [refused] });
  for (const protocol of [PROTOCOL_TCP, PROTOCOL_UDP]) {
    draft.socket({ namespace: right.namespace, protocol, port: 80, role: SocketRole.Responder });
    const request = { protocol, kind: FlowKind.Request, bytes: 4001, responseBytes: 5003, count: 3, unserved: true };
    for (const destinationPort of [8080, 8081]) draft.flow(left.namespace, own, { ...request, destinationPort });
  }
  draft.flow(left.namespace, right, { protocol: PROTOCOL_ICMP, kind: FlowKind.Ping, bytes: 33, count: 3 });
  return simulate(draft.program(), { untilNs: SECOND, capture: draft.devices.map((_, index) => index) }).frames;
}

/** A capture in the old format, microseconds apart (draft-ietf-opsawg-pcap §4). */
function pcap(frames: readonly CapturedFrame[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((size, frame) => size + 16 + frame.bytes.length, 24));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 0xa1b2c3d4);
  view.setUint16(4, 2);
  view.setUint16(6, 4);
  view.setUint32(16, 65_535);
  view.setUint32(20, 1);
  let at = 24;
  for (const [index, frame] of frames.entries()) {
    view.setUint32(at + 4, index);
    view.setUint32(at + 8, frame.bytes.length);
    view.setUint32(at + 12, frame.bytes.length);
    bytes.set(frame.bytes, at + 16);
    at += 16 + frame.bytes.length;
  }
  return bytes;
}

describe("translated traffic", () => {
  it("has nothing in it that tshark calls malformed, and no wrong checksum", (context) => {
    const frames = traffic();
    const checks = ["ip", "tcp", "udp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
    const wrong = ["ip", "tcp", "udp", "icmp"].map((protocol) => `${protocol}.checksum.status == 0`);
    const found = tshark(pcap(frames), ...checks, "-Y", ["_ws.malformed", ...wrong].join(" || "));
    if (found === undefined) return context.skip(NO_TSHARK);
    expect(frames.length).toBeGreaterThan(100);
    expect(found).toEqual([]);
    // The question can be answered with something else: one bit is enough.
    const broken = frames.map((frame) => ({ ...frame, bytes: frame.bytes.slice() }));
    for (const { bytes } of broken) bytes[bytes.length - 1] ^= 1;
    expect(tshark(pcap(broken), ...checks, "-Y", wrong.join(" || "))?.length).toBeGreaterThan(10);
  });
});
