/** Random IPsec: policies and associations between the endpoints of a random network, right or wrong. */
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { DeviceKind } from "../../assembly/abi/program";
import { NONE } from "../../assembly/abi/version";
import { SA_SIZED } from "../../assembly/abi/xfrm";
import { type DatapathProgram, type KeyRecord, NO_XFRM, type PolicyRecord, type SaRecord, type XfrmTables } from "../../src/engine/program";
import { ethernet, ipv4 } from "./frame";
import type { Endpoint, ProgramDraft } from "./program";

/** One direction between two endpoints. Everything that is a number wraps around. */
export interface SealPlan {
  readonly from: number;
  readonly to: number;
  readonly protocol: number;
  readonly port: number;
  /** Rules give marks from 0 to 3. */
  readonly mark: number;
  readonly spi: number;
  readonly key: number;
  readonly replayWindow: number;
  readonly isSized: boolean;
  readonly hasState: boolean;
  /** What the receiver has otherwise: nothing (0), its SPI (1), key (2), salt (3). */
  readonly wrong: number;
}

const mostly = <T>(usual: T, rare: fc.Arbitrary<T>, weight = 6) => fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: rare });

export const arbitrarySeals: fc.Arbitrary<readonly SealPlan[]> = fc.array(
  fc.record({
    from: fc.nat(63),
    to: fc.nat(63),
    protocol: fc.constantFrom(0, 0, 17, 17, 6, 1),
    port: fc.constantFrom(0, 0, 0, 4789, 80, 9000),
    mark: mostly(0, fc.nat(3), 2),
    spi: fc.integer({ min: 0x1001, max: 0x1008 }),
    key: fc.nat(3),
    replayWindow: fc.constantFrom(0, 64, 64, 32, 1),
    isSized: mostly(false, fc.constant(true), 3),
    hasState: mostly(true, fc.constant(false)),
    wrong: mostly(0, fc.nat(3), 5),
  }),
  { minLength: 2, maxLength: 16 },
);

/** 172.31.0.0/24, where the hosts of overlays are. */
const UNDERLAY = 0xac1f00;
/** Two of them are equal. */
const KEYS: readonly KeyRecord[] = [16, 32, 16, 16].map((length, index) => ({ bytes: Array.from({ length }, (_, at) => (at * 37 + (index % 3)) & 255) }));

/** What the plans make of a network: most are about the hosts of overlays, if there are any. */
export function sealProgram(plans: readonly SealPlan[], endpoints: readonly Endpoint[], { devices }: ProgramDraft): XfrmTables {
  if (plans.length === 0) return NO_XFRM;
  const fabric = endpoints.filter(({ ip }) => ip >>> 8 === UNDERLAY);
  const nics = fabric.length > 1 ? fabric : endpoints.filter(({ device }) => devices[device].kind === DeviceKind.Physical);
  const policies: PolicyRecord[] = [];
  const sas: SaRecord[] = [];
  const add = (sa: SaRecord): number => {
    const known = sas.findIndex(({ namespace, destination, spi }) => namespace === sa.namespace && destination === sa.destination && spi === sa.spi);
    return known >= 0 ? known : sas.push(sa) - 1;
  };
  plans.forEach(({ from, to, protocol, port, mark, spi, key, replayWindow, isSized, hasState, wrong }, index) => {
    const places = index % 4 !== 3 && nics.length > 1 ? nics : endpoints;
    const [a, b] = [places[from % places.length], places[(from + 1 + (to % Math.max(1, places.length - 1))) % places.length]];
    const association = { spi, source: a.ip, destination: b.ip, key, salt: 0xa1b2_0000 + spi, replayWindow, flags: isSized ? SA_SIZED : 0 };
    const sa = add({ ...association, namespace: a.namespace });
    const different = [{}, { spi: spi + 16 }, { key: (key + 1) % KEYS.length }, { salt: 7 }][wrong];
    add({ ...association, ...different, namespace: b.namespace });
    policies.push({ namespace: a.namespace, source: a.ip, destination: b.ip, protocol, port, mark, sa: hasState ? sa : NONE });
  });
  return { policies, sas, keys: KEYS };
}

/** A change of what is in force, as the rotation of keys makes them, or a mistake. */
export function changeXfrm({ policies, sas, keys }: XfrmTables, pick: (count: number) => number): XfrmTables {
  if (sas.length === 0) return { policies, sas, keys };
  const [kind, at] = [pick(6), pick(sas.length)];
  const changed = (fields: Partial<SaRecord>): XfrmTables => ({ policies, keys, sas: sas.map((sa, index) => (index === at ? { ...sa, ...fields } : sa)) });
  switch (kind) {
    case 0:
      return changed({ spi: 0x2000 + at });
    case 1:
      return changed({ key: pick(keys.length) });
    case 2:
      return changed({ replayWindow: [0, 64, 32][pick(3)], salt: pick(2) === 0 ? sas[at].salt : 7 });
    case 3: {
      const bytes = Array.from({ length: pick(2) === 0 ? 16 : 32 }, (_, index) => (index * 11 + pick(3)) & 255);
      return { policies, sas, keys: keys.map((key, index) => (index === at % keys.length ? { bytes } : key)) };
    }
    case 4:
      return { policies: policies.slice(1), sas, keys };
    default: {
      const mates = (policy: PolicyRecord) => sas.flatMap(({ namespace }, index) => (namespace === policy.namespace ? [index] : []));
      const choose = (policy: PolicyRecord) => ({ ...policy, sa: mates(policy)[pick(9) % mates(policy).length] });
      return { policies: policies.map((policy, index) => (index === at % policies.length ? choose(policy) : policy)), sas, keys };
    }
  }
}

/** A packet for one of the associations, soundly sealed or not, with whatever inside; and the device where it arrives. */
export function sealFrame(inner: Uint8Array, { xfrm = NO_XFRM, devices, addresses }: DatapathProgram, which: number, salt: number): { readonly device: number; readonly bytes: Uint8Array } | undefined {
  const pick = (shift: number, modulus: number) => (salt >>> shift) % modulus;
  if (xfrm.sas.length === 0) return undefined;
  const { destination, source, spi, namespace, key, salt: nonceSalt, flags = 0 } = xfrm.sas[which % xfrm.sas.length];
  const own = addresses.find(({ ip, device }) => ip === destination && devices[device].namespace === namespace);
  if (own === undefined) return undefined;
  const header = Buffer.alloc(16);
  header.writeUInt32BE(pick(1, 9) === 0 ? spi + 1 : spi, 0);
  header.writeUInt32BE(pick(2, 80), 4);
  header.writeUInt32BE(pick(2, 80), 12);
  const next = [17, 17, 17, 1, 6, 59, 50, 51, 108, 4][pick(5, 10)];
  const trailer = Buffer.from([1, 2, pick(9, 3) === 0 ? pick(11, 256) : 2, next]);
  // What is inside has no Ethernet and IP header.
  const text = Buffer.concat([inner.subarray(34), trailer]);
  const sealed = (flags & SA_SIZED) !== 0 ? Buffer.concat([text, Buffer.alloc(8)]) : seal(xfrm.keys[key], nonceSalt, header, text);
  const whole = Buffer.concat([header, sealed]);
  const cut = pick(14, 6) === 0 ? whole.subarray(0, pick(3, whole.length)) : whole;
  const fragment = pick(17, 12) === 0 ? 0x2000 : 0;
  return { device: own.device, bytes: ethernet(devices[own.device], { macHigh: 0x0242, macLow: 9 }, 0x0800, ipv4({ source, destination, protocol: 50, fragment }, cut)) };
}

function seal({ bytes }: KeyRecord, salt: number, header: Buffer, text: Buffer): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(salt >>> 0);
  header.copy(nonce, 4, 8, 16);
  const cipher = createCipheriv(bytes.length === 16 ? "aes-128-gcm" : "aes-256-gcm", Uint8Array.from(bytes), nonce, { authTagLength: 8 });
  cipher.setAAD(header.subarray(0, 8));
  return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}
