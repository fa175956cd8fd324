import { TimeRing } from "../memory/ring";

/**
 * One CPU of a host. Work comes in walks, one after the other: what arrives while it is busy waits, and `backlog`
 * (netdev_max_backlog) says how much may wait.
 */
export class Cpu {
  private busyUntil = 0;
  private startedAt = 0;
  /** All the time that it has worked. */
  busyNs = 0;
  /** When the walks that were started end. */
  private readonly completions = new TimeRing();

  constructor(
    private readonly backlog: number,
    /** Its work takes no time. */
    readonly isCostless: boolean,
  ) {}

  /** When work that comes at `time` starts, or -1 if the backlog is full. */
  enter(time: number): number {
    this.completions.expire(time);
    if (this.completions.size >= this.backlog) return -1;
    this.startedAt = time > this.busyUntil ? time : this.busyUntil;
    return this.startedAt;
  }

  leave(clock: number): void {
    this.busyUntil = clock;
    this.busyNs += clock - this.startedAt;
    this.completions.push(clock);
  }
}
