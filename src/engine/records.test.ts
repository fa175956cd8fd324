import { describe, expect, it } from "vitest";
import { NONE } from "../../assembly/abi/version";
import type { CapturedFrame, EventRecord } from "./engine";
import { packRecords, readEvents, readFrames } from "./records";

const event: EventRecord = { timeNs: 2 ** 52 + 1, kind: 2, node: 22, reason: 46, packet: NONE, device: 7, flow: NONE, sequence: 0xfffffffe, length: 65_535 };
const frame = (stored: number): CapturedFrame => {
  return { timeNs: stored, device: 3, direction: 2, reason: 9, node: 5, length: 1_514, bytes: Uint8Array.from({ length: stored }, (_, index) => index) };
};

describe("record batches", () => {
  it("give back every field of every event", () => {
    const events = [event, { ...event, timeNs: 0, packet: 1, flow: 2 }];
    expect(readEvents(packRecords({ events, frames: [], eventsLost: 0 })!)).toEqual(events);
  });

  it("give back every frame, of whatever length", () => {
    const frames = [0, 1, 7, 8, 9, 60, 1_514].map(frame);
    expect([...readFrames(packRecords({ events: [], frames, eventsLost: 3 })!)]).toEqual(frames);
  });

  it("exist only if there is something to tell", () => {
    expect(packRecords({ events: [], frames: [], eventsLost: 0 })).toBeUndefined();
    expect(packRecords({ events: [], frames: [], eventsLost: 3 })).toMatchObject({ eventsLost: 3 });
  });
});
