/** The digests of captured frames: the recorded files give what the recordings say. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { digestFrames, frameFilter } from "./play/frames";
import { recordingsIn, type CaptureStep, type Tap } from "./recording";

const folder = fileURLToPath(new URL("recordings", import.meta.url));

/** The frames of a pcap file in this machine's byte order. */
function framesOf(file: Uint8Array): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const frames: Uint8Array[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = view.getUint32(at + 8, true);
    frames.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}

describe("the digest of a capture", () => {
  const captures = recordingsIn(folder).flatMap((recording) =>
    recording.steps.flatMap((step) => (step.op === "capture" ? step.taps.map((tap): [string, Tap & { readonly pcap?: string }, CaptureStep, typeof recording] => [`${recording.scenario} ${step.label} ${tap.tap}`, tap, step, recording]) : [])),
  );

  it.each(captures)("%s says what the file has", (_, tap, step, recording) => {
    const path = `${folder}/${tap.pcap}`;
    expect(existsSync(path), path).toBe(true);
    const raw = framesOf(readFileSync(path));
    const macs = new Map(Object.entries((recording as unknown as { random: Record<string, string> }).random).map(([name, mac]) => [mac, name]));
    const named = JSON.parse(JSON.stringify(digestFrames(raw)).replace(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/g, (mac) => macs.get(mac) ?? mac)) as unknown;
    expect(named).toEqual(tap.frames);
    expect(raw.every(frameFilter(step.bpf))).toBe(true);
  });

  it("refuses filters that it does not know", () => {
    expect(() => frameFilter("vlan 10")).toThrow(/vlan 10/);
  });
});
