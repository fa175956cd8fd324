import type { Device } from "./device";

/** An IPv6 address of a device. */
export class Address6 {
  /** Not yet known to be nobody else's (RFC 4862 §5.4), or known to be somebody's. */
  isTentative = false;
  hasFailed = false;
  hasSolicited = false;

  constructor(
    readonly ip: number,
    readonly device: Device,
    readonly prefix: number,
    /** When it appeared. */
    readonly since: number,
  ) {}

  get isUsable(): boolean {
    return !this.isTentative && !this.hasFailed;
  }
}
