import { SimulationError } from "../../errors";

/** A mark and the bits of it that count. */
export interface FwMark {
  readonly value: number;
  readonly mask: number;
}

/**
 * Reads `--bridge-accept-fwmark`: a mark, or mark/mask, in the notations of Go's `strconv.ParseUint` with base 0.
 *
 * @throws SimulationError `INVALID_INPUT` in the daemon's words.
 * @example readFwMark("0x10/0xff") // { value: 16, mask: 255 }
 */
export function readFwMark(text: string): FwMark {
  const [mark = "", mask] = text.split("/", 2);
  return { value: unsigned(mark, "mark", text), mask: mask === undefined ? 0xffffffff : unsigned(mask, "mask", text) };
}

function unsigned(digits: string, what: "mark" | "mask", text: string): number {
  const value = /^(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9]\d*)$/.test(digits) ? Number(digits.replace(/^0(?=[0-7])/, "0o")) : Number.NaN;
  if (value <= 0xffffffff) return value;
  const reason = Number.isNaN(value) ? "invalid syntax" : "value out of range";
  const daemon = `invalid firewall ${what} ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(digits)}: ${reason}`;
  throw new SimulationError("INVALID_INPUT", `bridge-accept-fwmark: ${daemon}`, { daemon });
}
