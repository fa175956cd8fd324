import { describe, expect, it } from "vitest";
import { SwarmClock } from "./clock";
import { SwarmIds } from "./ids";
import { KEY_ROTATION_NS, Keyring } from "./keyring";
import type { ClusterNode } from "./objects";

const HOUR = KEY_ROTATION_NS / 12;

/** A ring of a swarm with one node, which can be cut off. */
function ring(seed = 1, options = {}) {
  const clock = new SwarmClock();
  const node = { hasLeft: false, isCutOff: false } as ClusterNode;
  const keys = new Keyring(new SwarmIds(seed), clock, () => [node], options);
  return { clock, node, keys, tags: () => keys.stateOf(node).keys.map(({ tag }) => tag) };
}

describe("the keys of a swarm", () => {
  it("are three of 16 bytes, the same for the same seed, and the second oldest is for what goes out", () => {
    const { keys, node, tags } = ring();
    const state = keys.stateOf(node);
    expect(state).toEqual(ring().keys.stateOf(node));
    expect(state.keys.map(({ bytes }) => bytes)).not.toEqual(ring(2).keys.stateOf(node).keys.map(({ bytes }) => bytes));
    expect(state.keys.every(({ bytes }) => bytes.length === 16)).toBe(true);
    expect(new Set(state.keys.map(({ bytes }) => bytes.join())).size).toBe(3);
    const [primary, oldest, newest] = tags();
    expect([oldest! + 1, oldest! + 2]).toEqual([primary, newest]);
  });

  it("change every twelve hours: the oldest goes, and what was newest is for what goes out", () => {
    const { clock, keys, node, tags } = ring();
    const [, , newest] = tags();
    clock.advanceTo(11.9 * HOUR);
    expect(tags()[2]).toBe(newest);
    clock.advanceTo(12 * HOUR);
    expect(tags()[0]).toBe(newest);
    // Keys of gossip are made at the same time, on the same clock.
    expect(tags()[2]).toBeGreaterThan(newest!);
    clock.advanceTo(48 * HOUR);
    expect(keys.stateOf(node).made).toHaveLength(7);
  });

  it("that a node missed while it was cut off reach it when it is back", () => {
    const { keys, node, tags } = ring();
    const before = tags();
    node.isCutOff = true;
    keys.rotate();
    keys.rotate();
    expect(tags()).toEqual(before);
    node.isCutOff = false;
    expect(tags()).not.toEqual(before);
  });

  it("come with the replay window and cipher that were asked for, if those can be", () => {
    const { keys, node } = ring(1, { replayWindow: 0, cipher: "sized" });
    expect(keys.stateOf(node)).toMatchObject({ replayWindow: 0, cipher: "sized" });
    expect(() => ring(1, { replayWindow: 65 })).toThrow("swarm: ipsec.replayWindow: expected a number from 0 to 64, found 65");
    expect(() => ring(1, { cipher: "none" })).toThrow('swarm: ipsec.cipher: expected "real" or "sized", found "none"');
  });
});
