/**
 * A heap of four children over records that were reserved at load. The key is (time, sequence): equal times come out in the
 * order in which they were pushed. Taking the first event leaves a hole, which the next push fills from the top: a source that
 * pushes its next tick costs one pass down instead of two passes.
 */
import { reserve } from "../memory/arena";

export enum Event {
  Arrive = 0,
  Source,
  FlowTimer,
  Wake,
  NeighbourTimer,
  ReassemblyTimer,
  TcpOutput,
  TcpTimer,
  TcpWake,
  SessionWake,
  SessionTimer,
  Dad,
  StreamTimer,
}

/** time i64, sequence × 16 + kind u64, two arguments u32. */
const TIME: usize = 0;
const ORDER: usize = 8;
const ARGUMENTS: usize = 16;
const RECORD: usize = 24;
const KIND_BITS: u64 = 4;

let base: usize = 0;
let capacity: u32 = 0;
/** Records in the heap, the hole included. */
let size: u32 = 0;
let hole: bool = false;
let sequence: u64 = 0;

/** What `takeEvent` took. */
export let eventKind: Event = 0;
export let eventFirst: u32 = 0;
export let eventSecond: u32 = 0;

export function reserveQueue(events: u32): void {
  capacity = events;
  base = reserve(<u64>events + 1, RECORD);
}

export function pendingEvents(): u32 {
  return size - <u32>hole;
}

export function pushEvent(time: i64, kind: Event, first: u32, second: u32): void {
  const order = (sequence++ << KIND_BITS) | <u64>kind;
  const words = <u64>first | (<u64>second << 32);
  if (hole) {
    hole = false;
    siftDown(time, order, words);
    return;
  }
  assert(size < capacity, "event queue: no room for another event");
  siftUp(size++, time, order, words);
}

/** Time of the first event, or i64.MAX_VALUE. */
@inline export function nextTime(): i64 {
  if (hole) fillHole();
  return size == 0 ? i64.MAX_VALUE : load<i64>(base, TIME);
}

/** Takes the first event; the queue is not empty, and `nextTime` was called. */
@inline export function takeEvent(): void {
  eventKind = <Event>(load<u64>(base, ORDER) & ((1 << KIND_BITS) - 1));
  eventFirst = load<u32>(base, ARGUMENTS);
  eventSecond = load<u32>(base, ARGUMENTS + 4);
  hole = true;
}

function fillHole(): void {
  hole = false;
  size--;
  if (size == 0) return;
  const last = base + <usize>size * RECORD;
  siftDown(load<i64>(last, TIME), load<u64>(last, ORDER), load<u64>(last, ARGUMENTS));
}

@inline function put(at: usize, time: i64, order: u64, words: u64): void {
  store<i64>(at, time, TIME);
  store<u64>(at, order, ORDER);
  store<u64>(at, words, ARGUMENTS);
}

@inline function move(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<u64>(to, load<u64>(from, ARGUMENTS), ARGUMENTS);
}

/** Whether the record at `a` comes before the one at `b`. */
@inline function before(a: usize, b: usize): bool {
  const timeA = load<i64>(a, TIME);
  const timeB = load<i64>(b, TIME);
  return timeA < timeB || (timeA == timeB && load<u64>(a, ORDER) < load<u64>(b, ORDER));
}

function siftUp(index: u32, time: i64, order: u64, words: u64): void {
  while (index != 0) {
    const parent = (index - 1) >> 2;
    const above = base + <usize>parent * RECORD;
    // A new event has the highest sequence of all: among equal times it comes last.
    if (load<i64>(above, TIME) <= time) break;
    move(base + <usize>index * RECORD, above);
    index = parent;
  }
  put(base + <usize>index * RECORD, time, order, words);
}

function siftDown(time: i64, order: u64, words: u64): void {
  const end = base + <usize>size * RECORD;
  let at = base;
  let child = base + RECORD;
  while (child < end) {
    let least = child;
    const last = child + 3 * RECORD;
    if (last < end) {
      if (before(child + RECORD, least)) least = child + RECORD;
      if (before(child + 2 * RECORD, least)) least = child + 2 * RECORD;
      if (before(last, least)) least = last;
    } else {
      for (let sibling = child + RECORD; sibling < end; sibling += RECORD) if (before(sibling, least)) least = sibling;
    }
    const leastTime = load<i64>(least, TIME);
    if (time < leastTime || (time == leastTime && order < load<u64>(least, ORDER))) break;
    move(at, least);
    at = least;
    child = base + ((at - base) << 2) + RECORD;
  }
  put(at, time, order, words);
}
