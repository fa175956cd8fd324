import type { Call } from "../command";
import type { CommandOutcome } from "../outcome";

/** What the first process of a container that has just started does: its outcome if it ends at once. */
export async function startOf({ daemon, programs }: Pick<Call, "daemon" | "programs">, container: string): Promise<CommandOutcome | undefined> {
  return programs?.start(daemon.findContainer(container));
}

/** Tells the daemon that the process has ended. */
export function settle({ daemon }: Pick<Call, "daemon">, container: string, exit: number): void {
  daemon.exitContainer(container, exit);
}

/** Lets the processes of containers that have just started run, and tells the daemon of those that end at once. */
export async function runStarted(call: Pick<Call, "daemon" | "programs">, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const outcome = await startOf(call, name);
    if (outcome) settle(call, name, outcome.exit);
  }
}
