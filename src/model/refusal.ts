import { SimulationError, type ErrorCode, type SourcePosition } from "../errors";

/** What the daemon's HTTP API answers with (moby daemon/server/httpstatus). */
export type RefusalStatus = 400 | 403 | 404 | 409 | 500 | 501 | 503;

/**
 * What the daemon would not do. `daemon` is its own wording, exact, also in `details.daemon` beside the HTTP `details.status`;
 * the message says of which object.
 *
 * @example refuse(403, "network front", "Pool overlaps with other one on this address space")
 */
export function refuse(status: RefusalStatus, subject: string, daemon: string, position?: SourcePosition): never {
  const sentence = daemon.replace(/:\n/g, ": ").replace(/\n/g, "; ").trim();
  throw new SimulationError(codeOf(status), `${subject}: ${sentence}`, { daemon, status, ...(position && { position }) });
}

/** What Docker can do and this version of the simulator cannot. */
export function unsupported(subject: string, what: string, position?: SourcePosition): never {
  throw new SimulationError("UNSUPPORTED", `${subject}: ${what} is not simulated yet`, position && { position });
}

function codeOf(status: RefusalStatus): ErrorCode {
  if (status === 400) return "INVALID_INPUT";
  return status === 404 ? "NOT_FOUND" : "CONFLICT";
}

/** The daemon's sentence of an error. */
export function daemonWords(error: unknown): string {
  const { details, message } = error as { details?: { daemon?: string }; message: string };
  return details?.daemon ?? message;
}

/** The same refusal with more words around the daemon's. */
export function rethrow(error: unknown, words: (daemon: string) => string, subject: string): never {
  const { details } = error as { details?: { daemon?: string; status?: RefusalStatus; position?: SourcePosition } };
  if (details?.daemon === undefined) throw error;
  return refuse(details.status ?? 500, subject, words(details.daemon), details.position);
}
