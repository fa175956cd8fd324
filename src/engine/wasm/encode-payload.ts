import { PAYLOAD_COUNTER, PAYLOAD_FIRST, PAYLOAD_FORM, PAYLOAD_KEY, PAYLOAD_LENGTH } from "../../../assembly/abi/payload";
import { NONE } from "../../../assembly/abi/version";
import type { PayloadRecord } from "../program";

/** All of it but the text. */
export function writePayload(view: DataView, at: number, { form, bytes, key, counter = NONE, first = 0 }: PayloadRecord): void {
  view.setUint32(at + PAYLOAD_FORM, form, true);
  view.setUint32(at + PAYLOAD_LENGTH, bytes.length, true);
  view.setUint32(at + PAYLOAD_COUNTER, counter, true);
  view.setUint32(at + PAYLOAD_FIRST, first, true);
  key?.forEach((byte, index) => view.setUint8(at + PAYLOAD_KEY + index, byte));
}
