/** Points in time in ascending order, first in, first out. Grows to the largest size that was needed and stays there. */
export class TimeRing {
  size = 0;
  private times = new Float64Array(16);
  private head = 0;

  /** Forgets every time up to and including `time`. */
  expire(time: number): void {
    const mask = this.times.length - 1;
    while (this.size > 0 && this.times[this.head] <= time) {
      this.head = (this.head + 1) & mask;
      this.size--;
    }
  }

  push(time: number): void {
    if (this.size === this.times.length) this.grow();
    this.times[(this.head + this.size) & (this.times.length - 1)] = time;
    this.size++;
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    for (let i = 0; i < this.size; i++) times[i] = this.times[(this.head + i) & (this.times.length - 1)];
    this.times = times;
    this.head = 0;
  }
}
