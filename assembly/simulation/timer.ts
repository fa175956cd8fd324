/**
 * The timer of a record: its deadline, and events in the queue. One of them counts, the one at `dueAt`; the others were overtaken by an
 * earlier deadline, as often as TIMER_EVENTS_MAX allows.
 */
import { TIMER_EVENTS_MAX } from "../abi/limits";
import { NEVER, now } from "./clock";
import { Event, pushEvent } from "./event-queue";

/** Sets the deadline, and sees to it that an event comes in time. */
export function setTimer<T>(timed: T, deadline: i64, kind: Event, argument: u32): void {
  timed.deadline = deadline;
  const inTime = timed.timers != 0 && timed.dueAt != NEVER && timed.dueAt <= deadline;
  if (inTime || timed.timers == TIMER_EVENTS_MAX) return;
  timed.timers++;
  timed.dueAt = deadline;
  pushEvent(deadline, kind, argument, 0);
}

/** An event came: whether it is the one that counts and there is a deadline, which may have moved on. */
export function takeTimer<T>(timed: T): bool {
  timed.timers--;
  if (timed.dueAt != now) return false;
  timed.dueAt = NEVER;
  return timed.deadline != NEVER;
}
