import { SimulationError, type ErrorDetails } from "../errors";

/** `02:42:ac:14:00:05`, `02-42-ac-14-00-05` or `0242.ac14.0005`: the 48-bit forms of Go's `net.ParseMAC`, which Docker uses. */
const FORMS = [/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i, /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i, /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i];

/**
 * Reads an Ethernet address into a 48-bit number, first octet in the highest bits.
 *
 * @throws SimulationError `INVALID_INPUT`, naming `field`.
 * @example parseMac("02:42:ac:14:00:05", "mac_address") // 0x0242ac140005
 */
export function parseMac(text: string, field: string, details?: ErrorDetails): number {
  if (isMac(text)) return parseInt(text.replace(/[:.-]/g, ""), 16);
  const found = JSON.stringify(text);
  throw new SimulationError("INVALID_INPUT", `${field}: expected a MAC address such as "02:42:ac:14:00:05", found ${found}`, details);
}

/** Whether `text` is an Ethernet address. */
export function isMac(text: string): boolean {
  return FORMS.some((form) => form.test(text));
}

/**
 * Writes a 48-bit number as six lower-case octets with colons.
 *
 * @example formatMac(0x0242ac140005) // "02:42:ac:14:00:05"
 */
export function formatMac(address: number): string {
  const octets = address.toString(16).padStart(12, "0").match(/../g) ?? [];
  return octets.join(":");
}

/** Whether the address is multicast (or broadcast): the lowest bit of the first octet is set (IEEE 802-2014 §8.2). */
export function isMulticastMac(address: number): boolean {
  return (Math.floor(address / 2 ** 40) & 1) === 1;
}
