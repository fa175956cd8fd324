import type { PayloadForm } from "../../assembly/abi/payload";

/** What a flow says word for word. */
export interface PayloadRecord {
  readonly form: PayloadForm;
  /** The plain text. */
  readonly bytes: Uint8Array;
  /** AES-128; of no use to the form Plain. */
  readonly key?: Uint8Array;
  /** Where in the text four bytes count the messages (big endian); absent: nowhere. */
  readonly counter?: number;
  /** What they are in the first message; 0 unless given. */
  readonly first?: number;
}
