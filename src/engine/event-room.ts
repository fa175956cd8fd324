import { REASSEMBLY_MAX, TIMER_EVENTS_MAX } from "../../assembly/abi/limits";
import type { Capacity } from "./program";

type Counted = Pick<Capacity, "packets" | "flows" | "connections" | "neighbours" | "sessions" | "streams">;

/** How many events packets, and the timers, sources, outputs and wakes of records can have in the queue. */
export function eventsOfRecords({ packets, flows, connections, neighbours, sessions, streams = 0 }: Counted): number {
  const timers = flows + connections + neighbours + sessions + streams + REASSEMBLY_MAX;
  return packets + TIMER_EVENTS_MAX * timers + flows + 2 * connections;
}
