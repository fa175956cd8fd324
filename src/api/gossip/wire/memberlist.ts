/** Messages of hashicorp/memberlist (net.go): a byte for the type, and a structure in MessagePack. */
import { ByteWriter, concat, ipBytes } from "./bytes";
import { crc32 } from "./crc32";
import { lzw } from "./lzw";
import { packStruct, type Value } from "./msgpack";

const PING = 0;
const INDIRECT_PING = 1;
const ACK = 2;
const SUSPECT = 3;
const ALIVE = 4;
const DEAD = 5;
const PUSH_PULL = 6;
const COMPOUND = 7;
const USER = 8;
const COMPRESSED = 9;
const NACK = 11;
const WITH_CRC = 12;
/** The algorithm of `compress`. */
const LZW = 0;
/** Protocol versions that a node understands, from and to, and speaks; the same of its delegate, which says none. */
const VERSIONS = Uint8Array.of(1, 5, 2, 0, 0, 0);
const NONE = new Uint8Array(0);

/** A member as the others know it. */
export interface Member {
  readonly name: string;
  readonly ip: number;
  readonly port: number;
}

const message = (type: number, fields: Readonly<Record<string, Value>>) => concat([Uint8Array.of(type), packStruct(fields)]);

/** Where the number of a ping or of its answer lies: behind the type, the head of the map, the name and the head of the number. */
export const SEQUENCE_AT = 1 + 1 + 6 + 1;
/**
 * Numbers of pings start here: so many has a node sent that has been there for 18 hours. They take five bytes from there on.
 */
export const FIRST_SEQUENCE = 65_536;

export function ping(from: Member, to: Member, sequence = FIRST_SEQUENCE): Uint8Array {
  return message(PING, { SeqNo: sequence, Node: to.name, SourceAddr: ipBytes(from.ip), SourcePort: from.port, SourceNode: from.name });
}

export function indirectPing(from: Member, to: Member, sequence = FIRST_SEQUENCE): Uint8Array {
  const source = { SourceAddr: ipBytes(from.ip), SourcePort: from.port, SourceNode: from.name };
  return message(INDIRECT_PING, { SeqNo: sequence, Target: ipBytes(to.ip), Port: to.port, Node: to.name, Nack: true, ...source });
}

export function ack(sequence = FIRST_SEQUENCE): Uint8Array {
  return message(ACK, { SeqNo: sequence, Payload: null });
}

export function nack(sequence = FIRST_SEQUENCE): Uint8Array {
  return message(NACK, { SeqNo: sequence });
}

export function suspect(node: string, from: string, incarnation: number): Uint8Array {
  return message(SUSPECT, { Incarnation: incarnation, Node: node, From: from });
}

export function dead(node: string, from: string, incarnation: number): Uint8Array {
  return message(DEAD, { Incarnation: incarnation, Node: node, From: from });
}

export function alive({ name, ip, port }: Member, incarnation: number): Uint8Array {
  return message(ALIVE, { Incarnation: incarnation, Node: name, Addr: ipBytes(ip), Port: port, Meta: NONE, Vsn: VERSIONS });
}

/** Something that is not memberlist's own. */
export function user(bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of(USER), bytes]);
}

/** Several messages in one packet. */
export function compound(messages: readonly Uint8Array[]): Uint8Array {
  const [only] = messages;
  if (only !== undefined && messages.length === 1) return only;
  const writer = new ByteWriter().u8(COMPOUND).u8(messages.length);
  for (const { length } of messages) writer.u16(length);
  for (const bytes of messages) writer.append(bytes);
  return writer.finish();
}

export type MemberState = "alive" | "suspect" | "dead";
const STATES: Record<MemberState, number> = { alive: 0, suspect: 1, dead: 2 };

/** What a node knows of all members. */
export function memberStates(states: readonly (Member & { readonly incarnation: number; readonly state: MemberState })[]): Uint8Array {
  return concat(
    states.map(({ name, ip, port, incarnation, state }) =>
      packStruct({ Name: name, Addr: ipBytes(ip), Port: port, Meta: NONE, Incarnation: incarnation, State: STATES[state], Vsn: VERSIONS }),
    ),
  );
}

/** What stands before so many of them, and so many bytes of what the delegate knows, in a stream. */
export function pushPullHead(nodes: number, delegateBytes: number, isJoin: boolean): Uint8Array {
  return message(PUSH_PULL, { Nodes: nodes, UserStateLen: delegateBytes, Join: isJoin });
}

/** The head of a stream that has something that is not memberlist's own. */
export function userStream(length: number): Uint8Array {
  return message(USER, { UserMsgLen: length });
}

/** A packet: compressed where that makes it shorter; to whom the sender knows by name with a checksum. */
export function packet(bytes: Uint8Array, isKnown: boolean): Uint8Array {
  const packed = compress([bytes]);
  const shorter = packed.length < bytes.length ? packed : bytes;
  return isKnown ? concat([new ByteWriter().u8(WITH_CRC).u32(crc32(shorter)).finish(), shorter]) : shorter;
}

/** What a stream says is compressed whatever comes of it. */
export function compress(parts: readonly Uint8Array[]): Uint8Array {
  return message(COMPRESSED, { Algo: LZW, Buf: lzw(parts) });
}
