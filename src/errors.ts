/**
 * What can go wrong by a caller's doing. A broken invariant of ours is not here: it asserts.
 * The set is closed, so that a caller can switch over it and a worker can carry it across unchanged.
 */
export const ERROR_CODES = [
  /** A description (fluent call, Compose file, option) says something that cannot be. */
  "INVALID_INPUT",
  /** A name refers to nothing that was declared. */
  "NOT_FOUND",
  /** A name, an address or a port is taken. */
  "CONFLICT",
  /** A valid request that this version of the simulator does not cover. */
  "UNSUPPORTED",
  /** The lab, the run or the worker was closed before the call ended. */
  "CLOSED",
  /** The caller's `AbortSignal` fired. */
  "ABORTED",
  /** The worker died: it threw outside a call, exited, or was terminated. */
  "WORKER_EXITED",
  /** The engine stopped on a broken invariant; the message carries the seed. */
  "ENGINE_FAILED",
  /** The program needs more room than a table may have; `details.limit` names it. */
  "LIMIT_EXCEEDED",
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** A place in a text that a person wrote. Lines and columns count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type ErrorDetails = Readonly<Record<string, unknown>> & { readonly position?: SourcePosition };

/**
 * A caller's mistake, or a run that could not go on: one sentence, a stable `code`, and the facts as `details`.
 *
 * @example
 * try {
 *   fromSpec(spec).compile();
 * } catch (error) {
 *   if (error instanceof SimulationError && error.code === "NOT_FOUND") console.error(error.message);
 * }
 */
export class SimulationError extends Error {
  override readonly name = "SimulationError";
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(details.position ? `${formatPosition(details.position)}: ${message}` : message);
    this.code = code;
    this.details = details;
  }
}

/** `file:line:column`, the form that terminals and editors turn into a link. */
export function formatPosition(position: SourcePosition): string {
  return `${position.file}:${position.line}:${position.column}`;
}
