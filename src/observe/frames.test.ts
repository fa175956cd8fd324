import { describe, expect, it } from "vitest";
import { Drop } from "../../assembly/abi/drop";
import { CAPTURE_INBOUND, CAPTURE_OUTBOUND } from "../../assembly/abi/event";
import { Node } from "../../assembly/abi/node";
import type { CapturedFrame } from "../engine/engine";
import { readableFrames } from "./frames";

const names = { hosts: [], namespaces: [], devices: ["web:eth0", "db:eth0"], flows: [], chains: [], rules: [] };
const frame = (change: Partial<CapturedFrame>): CapturedFrame => ({
  timeNs: 10,
  device: 0,
  direction: CAPTURE_INBOUND,
  reason: Drop.None,
  node: Node.Done,
  length: 4,
  bytes: Uint8Array.of(1, 2, 3, 4),
  ...change,
});

describe("readableFrames", () => {
  it("names devices and directions", () => {
    expect(readableFrames([frame({ device: 1, direction: CAPTURE_OUTBOUND })], names)).toEqual([
      { timeNs: 10, device: "db:eth0", direction: "outbound", length: 4, bytes: Uint8Array.of(1, 2, 3, 4) },
    ]);
  });

  it("counts a frame once that was received and then dropped at the same device", () => {
    const frames = readableFrames([frame({}), frame({ timeNs: 12, reason: Drop.OtherHost, node: Node.IpInput })], names);
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({ timeNs: 10, dropped: { reason: "OtherHost", node: "ip-input" } });
  });

  it("keeps a frame that died before its device saw it, although an equal one passed before", () => {
    const frames = readableFrames([frame({}), frame({ timeNs: 12, reason: Drop.CpuBacklog, node: Node.Receive })], names);
    expect(frames.map(({ dropped }) => dropped?.reason)).toEqual([undefined, "CpuBacklog"]);
  });

  it("does not take the fate of one frame for that of another", () => {
    const other = { timeNs: 12, reason: Drop.OtherHost, node: Node.IpInput };
    expect(readableFrames([frame({}), frame({ ...other, bytes: Uint8Array.of(9, 9, 9, 9) })], names)).toHaveLength(2);
    expect(readableFrames([frame({}), frame({ ...other, device: 1 })], names)).toHaveLength(2);
    expect(readableFrames([frame({}), frame(other), frame({ ...other, timeNs: 13 })], names)).toHaveLength(2);
  });
});
