import { TIMER_EVENTS_MAX } from "../../../../assembly/abi/limits";
import type { Kernel } from "../kernel";
import { NO_DEADLINE } from "../tables/neighbour";
import type { EventType } from "./event-queue";

/** A timer that finds its CPU's backlog full comes back after this long, a jiffy at HZ=1000. */
export const JIFFY_NS = 1_000_000;

/** A record with a timer. */
export interface Timed {
  readonly index: number;
  /** When the timer is to act. */
  deadline: number;
  /** When the next event that counts comes; those that were pushed for later deadlines before it are ignored. */
  dueAt: number;
  timersQueued: number;
}

/** An earlier deadline than before has an event of its own, as long as there are not too many. */
export function setDeadline(kernel: Kernel, timed: Timed, type: EventType, deadline: number): void {
  timed.deadline = deadline;
  const isLate = timed.dueAt === NO_DEADLINE || timed.dueAt > deadline;
  if (!isLate || timed.timersQueued === TIMER_EVENTS_MAX) return;
  timed.timersQueued++;
  timed.dueAt = deadline;
  kernel.queue.push(deadline, type, timed.index, 0);
}

/**
 * A timer's event came: is it to act now? One whose deadline was taken away is forgotten, one whose deadline was moved is
 * pushed again. Acting, it has no deadline any more.
 */
export function isDue(kernel: Kernel, timed: Timed, type: EventType): boolean {
  timed.timersQueued--;
  if (timed.dueAt !== kernel.now) return false;
  timed.dueAt = NO_DEADLINE;
  if (timed.deadline === NO_DEADLINE) return false;
  if (timed.deadline > kernel.now) {
    setDeadline(kernel, timed, type, timed.deadline);
    return false;
  }
  timed.deadline = NO_DEADLINE;
  return true;
}

/** The timer is due but its CPU's backlog is full. */
export function postpone(kernel: Kernel, timed: Timed, type: EventType): void {
  setDeadline(kernel, timed, type, kernel.now + JIFFY_NS);
}
