import { FlowError, FlowState } from "../../assembly/abi/counter";
import { Drop } from "../../assembly/abi/drop";
import { Node } from "../../assembly/abi/node";
import { NONE } from "../../assembly/abi/version";
import type { ProgramNames } from "../engine/program";

/** A drop reason as it is written everywhere: `NeighFailed`. */
export type DropName = keyof typeof Drop;

export type FlowStateName = "waiting" | "running" | "finished" | "failed";

/** What the sending process last saw: `ConnectionRefused`. */
export type FlowErrorName = keyof typeof FlowError;

/** Drops that belong to no device: a sender without a route has none yet. */
export const NO_DEVICE = "(no device)";

export function dropName(reason: Drop): DropName {
  return Drop[reason] as DropName;
}

/**
 * A node of the packet path as traces and captures write it.
 *
 * @example nodeName(Node.NeighbourOutput) // "neighbour-output"
 */
export function nodeName(node: Node): string {
  return (Node[node] ?? String(node)).replace(/(?!^)[A-Z]/g, "-$&").toLowerCase();
}

export function deviceName(names: ProgramNames, device: number): string {
  return device === NONE ? NO_DEVICE : (names.devices[device] ?? `device ${device}`);
}

export function flowStateName(state: FlowState): FlowStateName {
  return (FlowState[state] ?? "").toLowerCase() as FlowStateName;
}

/** `undefined` if nothing went wrong. */
export function flowErrorName(error: FlowError): FlowErrorName | undefined {
  return error === FlowError.None ? undefined : (FlowError[error] as FlowErrorName);
}
