import type { runPing } from "./ping";

let known: typeof runPing | undefined;

/** From now on pings are there at once: in Node one file more to read costs 9 ms before the first packet. */
export function havePings(run: typeof runPing): void {
  known = run;
}

/** What pings; a page loads it with the first one. */
export const loadPings = async (): Promise<typeof runPing> => known ?? (await import("./ping")).runPing;
