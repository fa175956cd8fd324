import { SA_SIZED } from "../../../../assembly/abi/xfrm";
import type { SaRecord } from "../../program";
import { ReplayWindow } from "./replay";

/** A security association: a key with the numbers that went out and came in under it. */
export class Sa {
  readonly spi: number;
  readonly destination: number;
  readonly salt: number;
  readonly isSized: boolean;
  /** The last number that went out. */
  sequence = 0;
  window: ReplayWindow;

  constructor(
    record: SaRecord,
    readonly key: Uint8Array,
  ) {
    this.spi = record.spi | 0;
    this.destination = record.destination | 0;
    this.salt = record.salt | 0;
    this.isSized = ((record.flags ?? 0) & SA_SIZED) !== 0;
    this.window = new ReplayWindow(record.replayWindow);
  }

  /** Goes on with the numbers of one that had the same key. */
  succeed(before: Sa): void {
    this.sequence = before.sequence;
    if (before.window.size === this.window.size) this.window = before.window;
  }

  isSuccessorOf({ salt, key }: Sa): boolean {
    return salt === this.salt && key.length === this.key.length && key.every((byte, index) => byte === this.key[index]);
  }
}
