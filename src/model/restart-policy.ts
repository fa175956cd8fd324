import type { Container } from "./container";
import { refuse } from "./refusal";
import type { ContainerSpec, RestartPolicySpec } from "./spec";

const POLICIES: ReadonlySet<string> = new Set(["no", "always", "unless-stopped", "on-failure"]);

/** `HostConfig.RestartPolicy`. */
export interface RestartPolicy {
  readonly restart: RestartPolicySpec;
  /** `on-failure:3`; 0: again and again. */
  readonly restartRetries: number;
}

/**
 * Why the daemon does not take a policy (moby daemon/container.go: validateRestartPolicy).
 *
 * @returns its sentence, or undefined.
 */
export function policyRefusal(name: string, retries: number | undefined): string | undefined {
  if (!POLICIES.has(name)) return `invalid restart policy '${name}'`;
  if (name !== "on-failure" && (retries ?? 0) !== 0) return `maximum retry count cannot be used with restart policy '${name}'`;
  return (retries ?? 0) < 0 ? "maximum retry count cannot be negative" : undefined;
}

/** `docker update --restart`. */
export function updatePolicy(container: Container, { restart, restartRetries }: RestartPolicy): void {
  const subject = `container ${container.name}`;
  const refusal = policyRefusal(restart, restartRetries);
  if (refusal !== undefined) refuse(400, subject, refusal);
  if (container.spec.autoRemove && restart !== "no") refuse(400, subject, "Restart policy cannot be updated because AutoRemove is enabled for the container");
  container.spec = { ...container.spec, restart, restartRetries };
}

/** Whether a process that has ended by itself is started again (moby restartmanager: ShouldRestart). */
export function wantsRestart({ spec, stoppedByHand, restartCount }: Container, exitCode: number): boolean {
  if (stoppedByHand) return false;
  if (spec.restart === "always" || spec.restart === "unless-stopped") return true;
  const retries = spec.restartRetries ?? 0;
  return spec.restart === "on-failure" && exitCode !== 0 && (retries === 0 || restartCount < retries);
}

/** Whether a daemon that comes back starts the container (moby daemon/daemon.go: restore). */
export function wantsRevival({ spec, isRunning, stoppedByHand, hasRun }: Pick<Container, "spec" | "isRunning" | "stoppedByHand" | "hasRun">, exitOnTerm: number): boolean {
  if (spec.restart === "always") return hasRun;
  if (spec.restart === "unless-stopped") return hasRun && !stoppedByHand;
  return spec.restart === "on-failure" && isRunning && exitOnTerm !== 0;
}

/** Whether nothing but time ends its restarts. */
export function restartsForever({ restart, restartRetries = 0 }: ContainerSpec): boolean {
  return restart !== "on-failure" || restartRetries === 0;
}
