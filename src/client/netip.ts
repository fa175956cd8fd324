import { isIp } from "../net/ip";
import { quote } from "./go";
import { Failure } from "./outcome";

/**
 * Checks a block as Go's netip.ParsePrefix does.
 *
 * @throws Failure in its words.
 */
export function checkPrefix(text: string): void {
  const at = text.lastIndexOf("/");
  const reason = at < 0 ? "no '/'" : (addressFault(text.slice(0, at)) ?? lengthFault(text.slice(at + 1), text.includes(":") ? 128 : 32));
  if (reason !== undefined) throw new Failure(`netip.ParsePrefix(${quote(text)}): ${reason}`);
}

function lengthFault(bits: string, most: number): string | undefined {
  if (!/^(0|[1-9]\d*)$/.test(bits)) return `bad bits after slash: ${quote(bits)}`;
  return Number(bits) > most ? "prefix length out of range" : undefined;
}

/** Differs from Go: of IPv6 addresses it is said only that they are none. */
export function addressFault(text: string): string | undefined {
  const reason = text.includes(":") ? (isIp(text) ? undefined : "unable to parse IP") : fault4(text);
  return reason === undefined ? undefined : `ParseAddr(${quote(text)}): ${reason}`;
}

function fault4(text: string): string | undefined {
  if (!text.includes(".")) return "unable to parse IP";
  const near = (at: number) => ` (at ${quote(text.slice(at))})`;
  const fields = text.split(".");
  let at = 0;
  for (const [index, field] of fields.entries()) {
    const odd = /\D/.exec(field);
    if (odd) return `unexpected character${near(at + odd.index)}`;
    if (field === "") return `IPv4 field must have at least one digit${near(Math.max(at - 1, 0))}`;
    if (/^0\d/.test(field)) return "IPv4 field has octet with leading zero";
    if (Number(field) > 255) return "IPv4 field has value >255";
    if (index > 3 || (index === 3 && fields.length > 4)) return "IPv4 address too long";
    at += field.length + 1;
  }
  return fields.length < 4 ? "IPv4 address too short" : undefined;
}
