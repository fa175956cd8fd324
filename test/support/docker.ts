import { haveAllAtHand } from "../../src/api/at-hand";
import { createDocker } from "../../src/api/docker";

haveAllAtHand();

/** The fluent API where nothing is started. */
export const { docker, swarm, fromSpec } = createDocker({
  openHost: () => Promise.reject(new Error("this test starts nothing")),
  createEngine: () => Promise.reject(new Error("this test starts nothing")),
});

/** What a call throws: its code, and the daemon's own words if it has some, else the message. */
export function refusalOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    const { code, message, details } = error as { code?: string; message: string; details?: { daemon?: string } };
    return `${code}: ${details?.daemon ?? message}`;
  }
  return "nothing thrown";
}
