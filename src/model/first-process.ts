import type { Container } from "./container";
import type { GenerationRules } from "./generation";
import { refuse } from "./refusal";

/**
 * Whether the first process of a container can be started.
 *
 * @throws SimulationError in the words of the daemon, or of runc by way of it.
 */
export function checkProcess({ name, spec: { startFailure } }: Container, messages: GenerationRules["messages"]): void {
  if (startFailure) refuse(500, `container ${name}`, startFailure.inside ? messages.runcFailure(startFailure.words) : startFailure.words);
}

/** The status of a process that could not be started (moby daemon/errors.go: translateContainerdStartErr). */
export function exitOfRefusal(words: string): number {
  if (/executable file not found|no such file or directory/.test(words)) return 127;
  return words.includes("permission denied") ? 126 : 128;
}
