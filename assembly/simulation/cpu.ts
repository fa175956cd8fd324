/** What an event costs its host: a walk begins when the CPU is free and ends when it has done all the work. */
import { NODE_COUNT } from "../abi/node";
import { COST_BYTES } from "../abi/limits";
import { Cpu } from "../tables/namespace";
import { clock } from "./clock";

/** ns by node, i64 each. */
export const COSTS = memory.data(NODE_COUNT * 8, 16);
/** The same for hosts that are no computers: all 0. */
export const NO_COSTS = memory.data(NODE_COUNT * 8, 16);
/** Of the walk in progress. */
let costs: usize = COSTS;
let copyCostPerBlock: f64 = 0;
let cipherCostPerBlock: f64 = 0;
/** The CPU of the walk in progress. */
let cpu: Cpu = changetype<Cpu>(0);
/** When the walk in progress began. */
let begun: i64 = 0;
/** Node visits of the walk in progress. */
export let steps: u32 = 0;

export function setCosts(from: usize, copy: f64, cipher: f64): void {
  for (let node: usize = 0; node < <usize>NODE_COUNT; node++) store<i64>(COSTS + (node << 3), <i64>load<f64>(from + (node << 3)));
  copyCostPerBlock = copy;
  cipherCostPerBlock = cipher;
}

/** Starts a walk. False: the CPU has its backlog full, and no walk happens. */
@inline export function enter(on: Cpu, time: i64): bool {
  clock = time;
  if (on.expire(time) >= on.backlog) return false;
  cpu = on;
  costs = on.costs;
  steps = 0;
  clock = begun = max(time, on.busyUntil);
  return true;
}

@inline export function leave(): void {
  cpu.busyUntil = clock;
  cpu.busy += clock - begun;
  cpu.append(clock);
}

/** Counts a visit and its cost. */
@inline export function visit(node: i32): void {
  steps++;
  clock += load<i64>(costs + (<usize>node << 3));
}

/** Adds the cost of copying so many bytes between a process and the stack. */
@inline export function copyCost(bytes: u64): void {
  clock += <i64>Math.floor((<f64>bytes * copyCostPerBlock) / COST_BYTES);
}

/** Adds the cost of encrypting or decrypting so many bytes. */
export function cipherCost(bytes: u32): void {
  clock += <i64>Math.floor((<f64>bytes * cipherCostPerBlock) / COST_BYTES);
}
