import { parseCidr } from "../net/cidr";
import type { AddressPoolFlag } from "./flags";

/** Whether the text has the shape of a pool: fields `key=value`, separated by commas. */
export function isPool(text: string): boolean {
  return text.split(",").every((field) => field.includes("="));
}

/**
 * Reads `base=10.91.0.0/22,size=24` (moby opts/address_pools.go).
 *
 * @param fail is called with the reason for what cannot be.
 */
export function readPools(text: string, fail: (why: string) => never): readonly AddressPoolFlag[] {
  let base: string | undefined;
  let size: number | undefined;
  for (const field of text.split(",")) {
    const at = field.indexOf("=");
    const key = field.slice(0, at).toLowerCase();
    const value = field.slice(at + 1);
    if (key === "base") {
      if (!isCidr(value)) fail(`invalid base pool ${JSON.stringify(value)}: invalid CIDR address: ${value}`);
      base = value;
    } else if (key === "size") {
      if (!/^[+-]?\d+$/.test(value)) fail(`invalid size value: ${JSON.stringify(value)} (must be integer): strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
      size = Number(value);
    } else fail(`unexpected key '${key}' in '${field}'`);
  }
  if (base === undefined) return fail("expected a base, such as base=10.91.0.0/16,size=24");
  return [{ base, size: size ?? 0 }];
}

function isCidr(text: string): boolean {
  try {
    parseCidr(text, "base");
    return true;
  } catch {
    return false;
  }
}
