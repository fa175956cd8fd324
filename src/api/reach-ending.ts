import type { DropName } from "../observe/names";
import type { TraceHop } from "../observe/trace";

/** A packet's end, and what led to it. */
export interface Ending {
  readonly reason: DropName;
  /** The device where it died. */
  readonly place: string;
  /** Bytes of its frame. */
  readonly length: number;
  /** The way of the packet up to there. */
  readonly hops: readonly TraceHop[];
  /** The rule that decided, if one did. */
  readonly rule?: string;
  /** Who sent it, and the address that was asked. */
  readonly from: string;
  readonly address: string;
  /** As it was asked: `h1:8080`. */
  readonly to: string;
}
