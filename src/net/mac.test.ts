import fc from "fast-check";
import { expect, it } from "vitest";
import { formatMac, isMac, isMulticastMac, parseMac } from "./mac";

it("reads the three 48-bit forms of Go's net.ParseMAC", () => {
  for (const text of ["02:42:ac:14:00:05", "02-42-AC-14-00-05", "0242.ac14.0005"]) expect(parseMac(text, "x")).toBe(0x0242ac140005);
});

it("comes back unchanged through text", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (value) => parseMac(formatMac(value), "x") === value));
});

it("tells multicast from unicast by the first octet", () => {
  expect(isMulticastMac(parseMac("01:00:5e:00:00:01", "x"))).toBe(true);
  expect(isMulticastMac(parseMac("02:42:ac:14:00:05", "x"))).toBe(false);
});

it("refuses anything else, naming the field", () => {
  for (const text of ["", "02:42:ac:14:00", "02:42-ac:14:00:05", "02:42:ac:14:00:0g", "2:42:ac:14:0:5"]) expect(isMac(text)).toBe(false);
  expect(() => parseMac("02:42", "mac_address")).toThrow(`mac_address: expected a MAC address such as "02:42:ac:14:00:05", found "02:42"`);
});
