import { PAYLOAD_KEY_BYTES, PayloadForm, RECORD_MAX } from "../../assembly/abi/payload";
import { NONE } from "../../assembly/abi/version";
import { SimulationError } from "../errors";
import type { Capacity, FlowRecord, PayloadRecord, ProgramPatch } from "./program";

/** memberlist net.go: maxPushStateBytes; nothing longer is taken off a stream. */
const LONGEST = 20 * 1024 * 1024;

/** Refuses texts that no form holds, and flows that say what there is no place for. */
export function checkPayloads({ payloads = [], flows = [], program }: ProgramPatch, { payloads: room = 0 }: Capacity): void {
  for (const { index, record } of payloads) {
    checkIndex("payloads", index, room);
    checkPayload(`payloads[${index}]`, record);
  }
  for (const { index, record } of flows) checkFlow(record, index, room);
  program?.flows.forEach((record, index) => checkFlow(record, index, room));
}

function checkFlow({ message = NONE, answer = NONE }: FlowRecord, index: number, room: number): void {
  if (message !== NONE) checkIndex(`flows[${index}].message`, message, room);
  if (answer !== NONE) checkIndex(`flows[${index}].answer`, answer, room);
}

function checkPayload(field: string, { form, bytes, key, counter }: PayloadRecord): void {
  const longest = form === PayloadForm.Record ? RECORD_MAX : LONGEST;
  if (bytes.length > longest) refuse(`${field}.bytes`, `at most ${longest} of them`, bytes.length);
  if (form !== PayloadForm.Plain && key?.length !== PAYLOAD_KEY_BYTES) refuse(`${field}.key`, `${PAYLOAD_KEY_BYTES} bytes`, key?.length ?? "none");
  if (counter !== undefined) checkIndex(`${field}.counter`, counter, bytes.length - 3);
}

function checkIndex(field: string, index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) refuse(field, `an index below ${Math.max(0, size)}`, index);
}

function refuse(field: string, expected: string, found: unknown): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}
