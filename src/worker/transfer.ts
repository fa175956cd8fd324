import { transferHandlers, type TransferHandler } from "comlink";
import type { Counters } from "../engine/engine";
import { formatPosition, SimulationError, type ErrorCode, type ErrorDetails } from "../errors";

/** An error as plain data. `code` and `details` are those of a SimulationError. */
interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code?: ErrorCode;
  readonly details?: ErrorDetails;
}

type WireThrow = { readonly error: WireError } | { readonly value: unknown };

/** The classes that ECMAScript gives every realm. */
const BUILT_IN: Readonly<Record<string, new (message: string) => Error>> = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

/**
 * Makes comlink carry thrown errors with their class, `code` and `details`; its own handler keeps the message alone.
 * Both sides call it before their first message.
 */
export function installErrorTransfer(): void {
  const own = transferHandlers.get("throw");
  if (own === undefined) throw new Error("comlink: expected a transfer handler for thrown values, found none");
  const handler: TransferHandler<{ readonly value: unknown }, WireThrow> = {
    canHandle: (value): value is { readonly value: unknown } => own.canHandle(value),
    serialize: ({ value }) => [value instanceof Error ? { error: toWireError(value) } : { value }, []],
    deserialize: (thrown) => {
      throw "error" in thrown ? fromWireError(thrown.error) : thrown.value;
    },
  };
  transferHandlers.set("throw", handler as TransferHandler<unknown, unknown>);
}

/** An error as data that every structured clone accepts. */
export function toWireError(error: Error): WireError {
  const { name, message, stack } = error;
  if (!(error instanceof SimulationError)) return { name, message, stack };
  return { name, message, stack, code: error.code, details: cloneable(error.details) };
}

/** The error that `toWireError` took apart. */
export function fromWireError(wire: WireError): Error {
  const error = wire.code === undefined ? revivePlain(wire) : reviveSimulationError(wire, wire.code);
  if (wire.stack !== undefined) error.stack = wire.stack;
  return error;
}

function revivePlain({ name, message }: WireError): Error {
  const Class = BUILT_IN[name];
  return Class === undefined ? Object.assign(new Error(message), { name }) : new Class(message);
}

function reviveSimulationError({ message, details = {} }: WireError, code: ErrorCode): SimulationError {
  // The constructor writes the position in front of the sentence; the message that crossed has it already.
  const prefix = details.position === undefined ? "" : `${formatPosition(details.position)}: `;
  return new SimulationError(code, message.slice(prefix.length), details);
}

function cloneable(details: ErrorDetails): ErrorDetails {
  return Object.fromEntries(Object.entries(details).map(([key, value]) => [key, isCloneable(value) ? value : String(value)]));
}

function isCloneable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Counters whose histograms own their buffers, and those buffers: a view into the engine's memory must neither be transferred
 * (the engine would lose its memory) nor cloned (a clone takes the whole buffer behind a view along).
 */
export function detachCounters(counters: Counters): { readonly counters: Counters; readonly buffers: ArrayBuffer[] } {
  const buffers: ArrayBuffer[] = [];
  const flows = counters.flows.map((flow) => {
    const buckets = flow.latency.buckets.slice();
    buffers.push(buckets.buffer);
    return { ...flow, latency: { ...flow.latency, buckets } };
  });
  return { counters: { ...counters, flows }, buffers };
}
