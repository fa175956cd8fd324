import { REPLAY_WINDOW_MAX } from "../../assembly/abi/limits";
import { NONE } from "../../assembly/abi/version";
import { SimulationError } from "../errors";
import { type Capacity, type DatapathProgram, NO_XFRM } from "./program";

/** Bytes of AES-128 and AES-256 keys. */
const KEY_BYTES: readonly number[] = [16, 32];

/** A program's capacity, with what it leaves open of IPsec: the first program fits. */
export function withXfrmCapacity({ capacity, xfrm = NO_XFRM }: DatapathProgram): Capacity {
  const { policies = xfrm.policies.length, sas = xfrm.sas.length, keys = xfrm.keys.length } = capacity;
  return { ...capacity, policies, sas, keys };
}

/** Refuses policies, associations and keys that lead nowhere, and more of them than there is room for. */
export function checkXfrm({ xfrm = NO_XFRM, namespaces }: DatapathProgram, { policies = 0, sas = 0, keys = 0 }: Capacity): void {
  checkLimit("policies", xfrm.policies.length, policies);
  checkLimit("sas", xfrm.sas.length, sas);
  checkLimit("keys", xfrm.keys.length, keys);
  xfrm.keys.forEach(({ bytes }, index) => {
    if (!KEY_BYTES.includes(bytes.length)) refuse(`xfrm.keys[${index}].bytes`, "16 or 32 of them", bytes.length);
  });
  const known = new Set<string>();
  xfrm.sas.forEach(({ namespace, spi, destination, key, replayWindow }, index) => {
    const field = `xfrm.sas[${index}]`;
    checkIndex(`${field}.namespace`, namespace, namespaces.length);
    checkIndex(`${field}.key`, key, xfrm.keys.length);
    checkIndex(`${field}.replayWindow`, replayWindow, REPLAY_WINDOW_MAX + 1);
    const identity = `${namespace} ${destination} ${spi}`;
    if (known.has(identity)) refuse(field, "one per namespace, destination and SPI", "a second one");
    known.add(identity);
  });
  xfrm.policies.forEach(({ namespace, sa }, index) => {
    const field = `xfrm.policies[${index}]`;
    checkIndex(`${field}.namespace`, namespace, namespaces.length);
    if (sa === NONE) return;
    checkIndex(`${field}.sa`, sa, xfrm.sas.length);
    if (xfrm.sas[sa]!.namespace !== namespace) refuse(`${field}.sa`, "an association of the same namespace", sa);
  });
}

function checkIndex(field: string, index: number, size: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= size) refuse(field, `an index below ${size}`, index);
}

function checkLimit(name: string, needed: number, available: number): void {
  if (needed <= available) return;
  throw new SimulationError("LIMIT_EXCEEDED", `capacity.${name}: expected at least ${needed}, found ${available}`, { limit: name, needed });
}

function refuse(field: string, expected: string, found: unknown): never {
  throw new SimulationError("INVALID_INPUT", `${field}: expected ${expected}, found ${found}`);
}
