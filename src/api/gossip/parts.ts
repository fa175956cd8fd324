import type { Nanoseconds } from "../../engine/engine";
import type { Carrier } from "./carrier";
import type { Dice } from "./dice";
import type { Ledger } from "./ledger";
import type { Post } from "./post";
import type { Speech } from "./speech";
import type { Timers } from "./timers";

/** What the parts of the control plane share. */
export interface Parts {
  readonly ledger: Ledger;
  readonly carrier: Carrier;
  readonly post: Post;
  readonly speech: Speech;
  readonly timers: Timers;
  readonly dice: Dice;
}

/** The next multiple of an interval. */
export function nextBeat(now: Nanoseconds, interval: Nanoseconds): Nanoseconds {
  return (Math.floor(now / interval) + 1) * interval;
}
