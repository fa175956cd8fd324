import { SimulationError, type ErrorCode, type SourcePosition } from "../errors";

/**
 * What the daemon would not do. `daemon` is its own wording, exact, also in `details.daemon`; the message says of which object.
 *
 * @example refuse("CONFLICT", "network front", "Pool overlaps with other one on this address space")
 */
export function refuse(code: ErrorCode, subject: string, daemon: string, position?: SourcePosition): never {
  const sentence = daemon.replace(/:\n/g, ": ").replace(/\n/g, "; ").trim();
  throw new SimulationError(code, `${subject}: ${sentence}`, { daemon, ...(position && { position }) });
}

/** What Docker can do and this version of the simulator cannot. */
export function unsupported(subject: string, what: string, position?: SourcePosition): never {
  throw new SimulationError("UNSUPPORTED", `${subject}: ${what} is not simulated yet`, position && { position });
}
