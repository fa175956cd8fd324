import { formatCount, formatPerSecond, formatTime } from "../report/format";

/** Where a run stands. */
export interface Standing {
  readonly nowNs: number;
  readonly endNs: number;
  readonly packets: number;
  readonly packetsPerSecond: number;
}

const BAR_WIDTH = 24;

/**
 * One line: how far the run is, in virtual time, and how fast it goes.
 *
 * @example progressLine({ nowNs: 4.2e9, endNs: 1e10, packets: 1234567, packetsPerSecond: 2e6 }) // "██████████░░░…  42 %  4.20 s of 10 s  …"
 */
export function progressLine({ nowNs, endNs, packets, packetsPerSecond }: Standing): string {
  const share = endNs === 0 ? 1 : Math.min(1, nowNs / endNs);
  const filled = Math.floor(share * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const percent = `${Math.floor(share * 100)} %`.padStart(5);
  const speed = formatPerSecond(packetsPerSecond).replace("/s", " packets/s");
  return `${bar} ${percent}  ${formatTime(nowNs)} of ${formatTime(endNs)}  ${formatCount(packets)} packets  ${speed}`;
}
