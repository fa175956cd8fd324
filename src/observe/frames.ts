import { CAPTURE_OUTBOUND } from "../../assembly/abi/event";
import { Drop } from "../../assembly/abi/drop";
import { Node } from "../../assembly/abi/node";
import type { CapturedFrame, Nanoseconds } from "../engine/engine";
import type { ProgramNames } from "../engine/program";
import { deviceName, dropName, nodeName, type DropName } from "./names";

/** A frame as it passed a device. */
export interface Frame {
  readonly timeNs: Nanoseconds;
  /** `web:eth0`. */
  readonly device: string;
  readonly direction: "inbound" | "outbound";
  /** Bytes of the whole frame; `bytes` has at most `snaplen` of them. */
  readonly length: number;
  readonly bytes: Uint8Array;
  /** Present if the frame died here: why, and at which node of the packet path. */
  readonly dropped?: { readonly reason: DropName; readonly node: string };
}

interface Draft {
  readonly captured: CapturedFrame;
  dropped: CapturedFrame | undefined;
}

/**
 * Captured frames as people count them. The engine records a frame where a device sees it, and again when it dies at that
 * device: the second record becomes the fate of the first. What died before its device saw it stays a frame of its own.
 */
export function readableFrames(captured: Iterable<CapturedFrame>, names: ProgramNames): Frame[] {
  const drafts: Draft[] = [];
  const latest = new Map<number, Draft>();
  for (const frame of captured) {
    const key = frame.device * 4 + frame.direction;
    const seen = latest.get(key);
    if (frame.reason === Drop.None) {
      const draft: Draft = { captured: frame, dropped: undefined };
      latest.set(key, draft);
      drafts.push(draft);
    } else if (seen !== undefined && seen.dropped === undefined && wasSeenBefore(frame) && isSameFrame(seen.captured, frame)) {
      seen.dropped = frame;
    } else {
      drafts.push({ captured: frame, dropped: frame });
    }
  }
  return drafts.map(({ captured: frame, dropped }) => ({
    timeNs: frame.timeNs,
    device: deviceName(names, frame.device),
    direction: frame.direction === CAPTURE_OUTBOUND ? "outbound" : "inbound",
    length: frame.length,
    bytes: frame.bytes,
    ...(dropped !== undefined && { dropped: { reason: dropName(dropped.reason), node: nodeName(dropped.node) } }),
  }));
}

/** These drops come before the device counts and records the frame. */
function wasSeenBefore({ reason, node }: CapturedFrame): boolean {
  return reason !== Drop.CpuBacklog && reason !== Drop.DevReady && node !== Node.DeviceTransmit;
}

function isSameFrame(a: CapturedFrame, b: CapturedFrame): boolean {
  return a.length === b.length && a.bytes.length === b.bytes.length && a.bytes.every((byte, index) => byte === b.bytes[index]);
}
