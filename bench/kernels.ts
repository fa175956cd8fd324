import { Memory } from "../src/engine/ts/memory/memory";
import { EventQueue, EventType } from "../src/engine/ts/simulation/event-queue";
import { Device } from "../src/engine/ts/tables/device";
import { Fdb } from "../src/engine/ts/tables/fdb";
import type { Namespace } from "../src/engine/ts/tables/namespace";
import { complement, sum } from "../src/engine/ts/wire/checksum";
import { assemble } from "../scripts/assemble.mjs";
import type { Contest } from "./measure";

const MACS = 128;
const PENDING = [16, 1_024, 65_536];
const FRAME = 1_500;
/** Work in one call: enough that a call costs nothing. */
const FDB_ROUNDS = 4_000;
const CHECKSUM_ROUNDS = 20_000;
const QUEUE_ROUNDS = 200_000;

/**
 * The Wasm engine's own tables with loops around them, compiled for the benchmark alone: what ships has no hooks for it. Both sides
 * return a number that depends on everything they did.
 */
const MODULE = `
import { reserve, seal } from "../../assembly/memory/arena";
import { pushEvent, nextTime, takeEvent, reserveQueue, eventFirst } from "../../assembly/simulation/event-queue";
import { Device, DEVICE_BYTES } from "../../assembly/tables/device";
import { learn, find, foundPort, reserveFdb } from "../../assembly/tables/fdb";
import { complement, sumWords } from "../../assembly/wire/checksum";

let devices: usize = 0;
let frame: usize = 0;

@inline function device(index: u32): Device { return changetype<Device>(devices + <usize>index * DEVICE_BYTES); }

export function prepare(macs: u32, pending: u32, bytes: u32): void {
  reserveFdb(macs);
  reserveQueue(pending + 1);
  devices = reserve(macs + 1, DEVICE_BYTES);
  frame = reserve(1, bytes);
  seal();
  for (let index: u32 = 0; index <= macs; index++) {
    device(index).index = index;
    device(index).bridge = 1;
  }
  for (let index: u32 = 0; index < bytes; index++) store<u8>(frame + index, <u8>index);
}

export function fdb(macs: u32, rounds: u32): u32 {
  let hash: u32 = 0;
  for (let round: u32 = 0; round < rounds; round++) {
    for (let index: u32 = 0; index < macs; index++) {
      learn(device(macs), 0x020000000000 + <u64>index, device(index));
      find(device(macs), 0x020000000000 + <u64>((index * 7 + round) % macs));
      hash = hash * 31 + foundPort.index;
    }
    if (round == 0) hash = 0;
  }
  return hash;
}

export function checksum(bytes: u32, rounds: u32): u32 {
  let hash: u32 = 0;
  for (let round: u32 = 0; round < rounds; round++) {
    store<u32>(frame, round);
    hash = hash * 31 + <u32>bswap<u16>(complement(sumWords(frame, bytes)));
  }
  return hash;
}

let random: u32 = 1;
@inline function delay(): i64 {
  random = random * 1664525 + 1013904223;
  return <i64>(random >>> 12) + 1;
}

export function fill(pending: u32): void {
  for (let index: u32 = 0; index < pending; index++) pushEvent(delay(), 0, index, 0);
}

export function queue(rounds: u32): u32 {
  let hash: u32 = 0;
  for (let round: u32 = 0; round < rounds; round++) {
    const time = nextTime();
    takeEvent();
    hash = hash * 31 + eventFirst;
    pushEvent(time + delay(), 0, eventFirst, 0);
  }
  return hash;
}
`;

interface KernelModule {
  prepare(macs: number, pending: number, bytes: number): void;
  fdb(macs: number, rounds: number): number;
  checksum(bytes: number, rounds: number): number;
  fill(pending: number): void;
  queue(rounds: number): number;
}

/** The inner loops of the engines by themselves. */
export async function kernelContests(): Promise<Contest[]> {
  const compiled = await WebAssembly.compile(assemble("kernels", MODULE));
  const instantiate = async (pending: number) => {
    const abort = () => {
      throw new Error("the benchmark's module stopped on an assertion");
    };
    const instance = await WebAssembly.instantiate(compiled, { env: { abort, trace: () => undefined } });
    const module = instance.exports as unknown as KernelModule;
    module.prepare(MACS, pending, FRAME);
    return module;
  };
  const queues = await Promise.all(PENDING.map(async (pending) => queueContest(await instantiate(pending), pending)));
  const module = await instantiate(1);
  return [fdbContest(module), checksumContest(module), ...queues];
}

function fdbContest(module: KernelModule): Contest {
  // The table never looks at a namespace.
  const devices = Array.from({ length: MACS + 1 }, (_, index) => new Device(index, undefined as unknown as Namespace));
  const table = new Fdb(MACS);
  const bridge = devices[MACS]!;
  const ts = (rounds: number): number => {
    let hash = 0;
    for (let round = 0; round < rounds; round++) {
      for (let index = 0; index < MACS; index++) {
        table.learn(bridge, 0x0200, index, devices[index]!, 0);
        hash = (Math.imul(hash, 31) + (table.find(bridge, 0x0200, (index * 7 + round) % MACS, 0)?.index ?? 0)) >>> 0;
      }
      // In the first round some are not known yet, and a miss means something else to each side.
      if (round === 0) hash = 0;
    }
    return hash;
  };
  return contest(`FDB: learn and find, ${MACS} MACs`, "frames", FDB_ROUNDS * MACS, () => module.fdb(MACS, FDB_ROUNDS), () => ts(FDB_ROUNDS));
}

function checksumContest(module: KernelModule): Contest {
  const memory = new Memory(1, FRAME, 0);
  const at = 16;
  for (let index = 0; index < FRAME; index++) memory.bytes[at + index] = index;
  const ts = (): number => {
    let hash = 0;
    for (let round = 0; round < CHECKSUM_ROUNDS; round++) {
      memory.words[at >> 2] = round;
      hash = (Math.imul(hash, 31) + complement(sum(memory, at, FRAME))) >>> 0;
    }
    return hash;
  };
  return contest(`checksum of ${FRAME} bytes`, "sums", CHECKSUM_ROUNDS, () => module.checksum(FRAME, CHECKSUM_ROUNDS), ts);
}

function queueContest(module: KernelModule, pending: number): Contest {
  const queue = new EventQueue(pending + 1, 0);
  let random = 1;
  const delay = (): number => {
    random = (Math.imul(random, 1664525) + 1013904223) >>> 0;
    return (random >>> 12) + 1;
  };
  for (let index = 0; index < pending; index++) queue.push(delay(), EventType.Arrive, index, 0);
  module.fill(pending);
  const ts = (): number => {
    let hash = 0;
    for (let round = 0; round < QUEUE_ROUNDS; round++) {
      queue.pop();
      hash = (Math.imul(hash, 31) + queue.first) >>> 0;
      queue.push(queue.time + delay(), EventType.Arrive, queue.first, 0);
    }
    return hash;
  };
  const references = ["ns-3 8.9", "ns-3 7.0", "ns-3 4.1"];
  const reference = references[PENDING.indexOf(pending)] ?? "";
  return { ...contest(`event queue, ${pending} pending`, "events", QUEUE_ROUNDS, () => module.queue(QUEUE_ROUNDS), ts), reference };
}

/** Both sides do the same work, and prove it by the number that they return. */
function contest(name: string, unit: string, work: number, wasm: () => number, ts: () => number): Contest {
  const verify = (): void => {
    const [ours, theirs] = [wasm() >>> 0, ts() >>> 0];
    if (ours !== theirs) throw new Error(`${name}: the engines disagree: ${ours} and ${theirs}`);
  };
  const counted = (action: () => number) => () => {
    action();
    return work;
  };
  return { name, unit, verify, wasm: counted(wasm), ts: counted(ts) };
}
