/** A running hash over every drop and delivery, in two lanes of 32 bits. */
import { EventKind } from "../abi/event";
import { Node } from "../abi/node";
import { Drop } from "../abi/drop";
import { clock } from "./clock";

let a: u32 = 0;
let b: u32 = 0;

export function startDigest(seed: u32): void {
  a = seed ^ 0x9e3779b1;
  b = seed ^ 0x85ebca77;
}

export function digestA(): u32 {
  return a;
}

export function digestB(): u32 {
  return b;
}

@inline function feedA(lane: u32, word: u32): u32 {
  return rotl<u32>(lane + word * 0x85ebca77, 13) * 0x9e3779b1;
}

@inline function feedB(lane: u32, word: u32): u32 {
  return rotl<u32>(lane ^ (word * 0xc2b2ae3d), 17) * 0x27d4eb2f;
}

@inline export function digest(kind: EventKind, reason: Drop, node: Node, device: u32, flow: u32, sequence: u32, length: u32): void {
  const low = <u32>clock;
  const high = <u32>(clock >> 32);
  const what = <u32>kind | (<u32>reason << 8) | (<u32>node << 16);
  a = feedA(feedA(feedA(feedA(feedA(feedA(feedA(a, low), high), what), device), flow), sequence), length);
  b = feedB(feedB(feedB(feedB(feedB(feedB(feedB(b, low), high), what), device), flow), sequence), length);
}
