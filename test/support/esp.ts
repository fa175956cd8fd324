/** ESP between two hosts, and the packets inside it as OpenSSL reads them. */
import { createDecipheriv } from "node:crypto";
import { NONE } from "../../assembly/abi/version";
import type { DatapathProgram, KeyRecord, PolicyRecord, SaRecord } from "../../src/engine/program";
import { ip, type ProgramDraft } from "./program";

export const KEY: KeyRecord = { bytes: Array.from({ length: 16 }, (_, index) => index * 7 + 1) };
export const SALT = 0xa1b2c3d4;

/** A direction between two namespaces: what goes to UDP port 9000 is sealed, unless the options say otherwise. */
export interface TunnelOptions {
  readonly from: number;
  readonly to: number;
  readonly source: string;
  readonly destination: string;
  readonly spi?: number;
  readonly key?: KeyRecord;
  readonly mark?: number;
  readonly port?: number;
  readonly protocol?: number;
  readonly replayWindow?: number;
  readonly flags?: number;
  /** What the receiver has; absent: the same. */
  readonly known?: Partial<{ spi: number; key: KeyRecord; salt: number }>;
}

/** A program with one direction sealed. */
export function withTunnel(draft: ProgramDraft, options: TunnelOptions, cipherCost = 0): DatapathProgram {
  const { from, to, spi = 0x1001, key = KEY, mark = 0, port = 9000, protocol = 17, replayWindow = 64, flags = 0, known = {} } = options;
  const [source, destination] = [ip(options.source), ip(options.destination)];
  const association = { source, destination, salt: SALT, replayWindow, flags };
  const sas: SaRecord[] = [
    { namespace: from, spi, key: 0, ...association },
    { namespace: to, spi: known.spi ?? spi, key: 1, ...association, salt: known.salt ?? SALT },
  ];
  const policies: PolicyRecord[] = [{ namespace: from, source, destination, protocol, port, mark, sa: 0 }];
  return { ...draft.program(), xfrm: { policies, sas, keys: [key, known.key ?? key] }, cipherCost };
}

/** A program whose policy has no association. */
export function withoutState(program: DatapathProgram): DatapathProgram {
  const { policies, sas, keys } = program.xfrm!;
  return { ...program, xfrm: { policies: policies.map((policy) => ({ ...policy, sa: NONE })), sas, keys } };
}

/** An ESP packet that was captured whole, opened: the bytes behind the IP header, and what the trailer says. */
export function openFrame(frame: Uint8Array, { bytes: key }: KeyRecord = KEY, salt = SALT) {
  const esp = Buffer.from(frame.subarray(34));
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(salt);
  esp.copy(nonce, 4, 8, 16);
  const decipher = createDecipheriv("aes-128-gcm", Uint8Array.from(key), nonce, { authTagLength: 8 });
  decipher.setAAD(esp.subarray(0, 8));
  decipher.setAuthTag(esp.subarray(-8));
  const plain = Buffer.concat([decipher.update(esp.subarray(16, -8)), decipher.final()]);
  const [pad = 0, next = 0] = plain.subarray(-2);
  return { spi: esp.readUInt32BE(0), sequence: esp.readUInt32BE(4), iv: esp.subarray(8, 16).toString("hex"), payload: plain.subarray(0, -2 - pad), padding: plain.subarray(-2 - pad, -2), next };
}
