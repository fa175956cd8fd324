import { SimulationError } from "../errors";
import { Failure } from "./outcome";

/** The daemon's own words for what it refuses; an error that is not a refusal goes on. */
export function refusalOf(error: unknown): { readonly text: string; readonly status: number } {
  if (!(error instanceof SimulationError) || typeof error.details.daemon !== "string") throw error;
  const { daemon, status } = error.details;
  // The client cuts blanks off both ends of the answer.
  return { text: daemon.trim(), status: typeof status === "number" ? status : 500 };
}

/** A refusal as the client prints it. */
export function responseOf(error: unknown): string {
  return `Error response from daemon: ${refusalOf(error).text}`;
}

/**
 * Asks the daemon.
 *
 * @throws Failure with its refusal.
 */
export function ask<T>(request: () => T): T {
  try {
    return request();
  } catch (error) {
    throw new Failure(responseOf(error));
  }
}

/**
 * Asks the daemon for an object. The client has its own words for one that is not there.
 *
 * @throws Failure
 */
export function find<T>(kind: "network" | "container", name: string, request: () => T): T {
  try {
    return request();
  } catch (error) {
    throw new Failure(notFoundOr(kind, name, error));
  }
}

/** `Error: No such network: x`, or the daemon's answer. */
export function notFoundOr(kind: "network" | "container" | "object" | "service" | "node" | "secret" | "config", name: string, error: unknown): string {
  return refusalOf(error).status === 404 ? `Error: No such ${kind}: ${name}` : responseOf(error);
}

/**
 * Does something for each name and prints it, or why it did not work.
 *
 * @param ending What is said after the refusals.
 * @throws Failure with all the refusals, if there are any.
 */
export function forEachName(names: readonly string[], print: (name: string) => void, act: (name: string) => void, say: (name: string, error: unknown) => string, ending: readonly string[] = []): void {
  const refusals: string[] = [];
  for (const name of names) {
    try {
      act(name);
      print(name);
    } catch (error) {
      refusals.push(say(name, error));
    }
  }
  if (refusals.length > 0) throw new Failure([...refusals, ...ending].join("\n"));
}
