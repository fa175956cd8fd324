import type { Call } from "../command";
import type { CommandOutcome } from "../outcome";

/** What the first process of a container that has just started does: its outcome if it ends at once. */
export async function startOf({ daemon, programs }: Pick<Call, "daemon" | "programs">, container: string): Promise<CommandOutcome | undefined> {
  return programs?.start(daemon.findContainer(container));
}

/** Tells the daemon that the process has ended. Where its policy starts it again, it does again what it did. */
export async function settle(call: Pick<Call, "daemon" | "programs">, container: string, first: CommandOutcome): Promise<void> {
  let outcome: CommandOutcome | undefined = first;
  while (outcome) {
    call.daemon.logOutput(container, outcome);
    call.daemon.exitContainer(container, outcome.exit);
    const isBack = call.daemon.state().containers.some(({ id, name, running }) => running && (id === container || name === container));
    outcome = isBack ? await startOf(call, container) : undefined;
  }
}

/** Lets the processes of containers that have just started run, and tells the daemon of those that end at once. */
export async function runStarted(call: Pick<Call, "daemon" | "programs">, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const outcome = await startOf(call, name);
    if (outcome) await settle(call, name, outcome);
  }
}
