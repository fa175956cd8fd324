/** Time in nanoseconds. Signed, so that differences are plain; the host sees f64, which is exact up to 2^53. */

/** No deadline. */
export const NEVER: i64 = -1;

/** Time of the event in progress. */
export let now: i64 = 0;
/** Time of the packet in progress: what the CPU has done so far is added. */
export let clock: i64 = 0;
