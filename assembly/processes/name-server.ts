/** Name servers: what they say of a name, and whom they ask. */
import {
  DNS_A,
  DNS_AAAA,
  DNS_AUTHORITATIVE,
  DNS_FORMERR,
  DNS_HEADER,
  DNS_MESSAGE_MAX,
  DNS_MX,
  DNS_NAME_MAX,
  DNS_NOERROR,
  DNS_NOTIMP,
  DNS_NXDOMAIN,
  DNS_OPCODE,
  DNS_PTR,
  DNS_RESPONSE,
  DNS_STREAM_LEGACY,
  DNS_STREAM_MAX,
  DNS_TRUNCATED,
  RESOLVER_AUTHORITATIVE,
  RESOLVER_FLAGS,
  RESOLVER_LEGACY,
  RESOLVER_NDOTS,
  RESOLVER_SEARCH_COUNT,
  RESOLVER_SEARCH_FIRST,
  ZONE_IPV6,
  ZONE_RECORD_TYPE,
} from "../abi/dns";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { NONE } from "../abi/version";
import { drop } from "../graph/drop";
import { Packet } from "../memory/pool";
import { Random, RandomKind } from "../simulation/random";
import { accountReceived, see } from "../tables/counters";
import { findDomain } from "../tables/domain";
import { flowAt } from "../tables/flow";
import { Socket } from "../tables/socket";
import { chosen, entryAt, firstEntry, nextEntry, resolverAt, searchedZone, zoneFlags } from "../tables/zone";
import {
  answerSource,
  askedIp,
  askerIp,
  askerPort,
  MESSAGE,
  payloadBytes,
  payloadKnown,
  sendDatagram,
  setResponse,
  takeOver,
} from "./datagram";
import { answerLimit, beginAnswer, endAnswer, flagsOf, hasUsualCounts, isOfAddress, questionName, questionType, recordBytes, writeAnswer, writeError } from "./dns-message";
import { forward } from "./forward";

const RANDOM = changetype<Random>(memory.data(16, 8));
/** The question's name in lower case. */
const NAME = memory.data(DNS_NAME_MAX + 1, 8);
/** Of `decide`: the question is not answered here. */
const FORWARD: i32 = -1;

/** How many entries `decide` has put into `chosen`. */
let chosenCount: u32 = 0;

export function seedDns(seed: u32): void {
  RANDOM.seed(seed, RandomKind.Dns, 0);
}

/** Of `consult`: the message is of no use; or somebody else is to be asked. */
export const NOT_USABLE: i32 = -1;
export const PASS_ON: i32 = -2;

/** What a server makes of the `bytes` bytes in MESSAGE: how long the answer is that is there now, or one of the two above. */
export function consult(resolver: u32, bytes: u32, isStream: bool): i32 {
  if (bytes < <u32>DNS_HEADER || (flagsOf(MESSAGE) & DNS_RESPONSE) != 0) return NOT_USABLE;
  const opcode = flagsOf(MESSAGE) & DNS_OPCODE;
  if (opcode != 0) return writeError(DNS_NOTIMP, opcode);
  const nameBytes = hasUsualCounts() ? questionName(bytes) : 0;
  if (nameBytes == 0) return writeError(DNS_FORMERR, 0);
  const flags = load<u32>(resolverAt(resolver), RESOLVER_FLAGS);
  const type = questionType(nameBytes);
  if (type == DNS_PTR && isOf2010(flags) && !isOfAddress(nameBytes)) return NOT_USABLE;
  const code = decide(resolver, flags, nameBytes, type);
  return code == FORWARD ? PASS_ON : writeChosen(<u32>code, flags, nameBytes, bytes, isStream);
}

/** A datagram that `readDatagram` has read. */
export function serveQuery(socket: Socket, packet: Packet): void {
  const isShort = payloadKnown && payloadBytes <= <u32>DNS_MESSAGE_MAX;
  const answer = isShort ? consult(socket.resolver, payloadBytes, false) : NOT_USABLE;
  if (answer == NOT_USABLE) drop(packet, Drop.ProcessDrop, Node.ApplicationWake);
  else if (answer == PASS_ON) forward(socket, packet);
  else answerQuery(socket, packet, answer);
}

/** A resolver of Docker 20.10. */
function isOf2010(flags: u32): bool {
  return (flags & (RESOLVER_LEGACY | RESOLVER_AUTHORITATIVE)) == RESOLVER_LEGACY;
}

/** Sends `bytes` bytes of MESSAGE to the client, which has been served with that. */
export function answerQuery(socket: Socket, packet: Packet, bytes: u32): void {
  const namespace = socket.namespace;
  if (packet.flow != NONE && packet.response == 0) {
    see(flowAt(packet.flow), namespace, askerIp, askerPort, askedIp, socket.port);
    accountReceived(packet, payloadBytes, Node.ApplicationWake);
  }
  takeOver(packet);
  setResponse(1);
  sendDatagram(namespace, answerSource(namespace, askedIp), socket.port, askerIp, askerPort, bytes, true, Node.ApplicationWake);
}

/** The code of the answer, whose entries are chosen; FORWARD: somebody else is to be asked. */
function decide(resolver: u32, flags: u32, nameBytes: u32, type: u32): i32 {
  chosenCount = 0;
  const at = resolverAt(resolver);
  const domain = lowerName(nameBytes);
  const first = load<u32>(at, RESOLVER_SEARCH_FIRST);
  const end = first + load<u32>(at, RESOLVER_SEARCH_COUNT);
  for (let search = first; domain != NONE && search < end; search++) {
    const zone = searchedZone(search);
    const head = firstEntry(zone, domain);
    if (head == NONE) continue;
    const code = flags & RESOLVER_AUTHORITATIVE ? tellAll(head, type) : tell(head, type, zoneFlags(zone), flags);
    if (code == GO_ON) continue;
    return code;
  }
  if (flags & RESOLVER_AUTHORITATIVE) return DNS_NXDOMAIN;
  const isAddress = type == DNS_A || type == DNS_AAAA;
  const isSingle = nameBytes > 1 && <u32>load<u8>(NAME) + 2 == nameBytes;
  return isAddress && isSingle && (flags & RESOLVER_NDOTS) != 0 ? DNS_NOERROR : FORWARD;
}

/** Of `tell` and `tellAll`: this zone has nothing to say. */
const GO_ON: i32 = -2;

/** What an authoritative server says of a name of one zone. */
function tellAll(head: u32, type: u32): i32 {
  if (type == DNS_PTR) return choosePointer(head);
  if (choose(head, DNS_A, false) == 0 && choose(head, DNS_AAAA, false) == 0) return GO_ON;
  if (type == DNS_A || type == DNS_AAAA) choose(head, type, true);
  return DNS_NOERROR;
}

function tell(head: u32, type: u32, zone: u32, flags: u32): i32 {
  if (type == DNS_PTR) return choosePointer(head);
  if (type == DNS_A) return choose(head, DNS_A, true) != 0 ? DNS_NOERROR : GO_ON;
  if (type != DNS_AAAA && type != DNS_MX) return GO_ON;
  const sixes = choose(head, DNS_AAAA, type == DNS_AAAA);
  if (sixes == 0 && choose(head, DNS_A, false) == 0) return GO_ON;
  const isPassedOn = type == DNS_AAAA && sixes == 0 && (flags & RESOLVER_LEGACY) != 0 && (zone & ZONE_IPV6) != 0;
  return isPassedOn ? FORWARD : DNS_NOERROR;
}

function choosePointer(head: u32): i32 {
  for (let entry = head; entry != NONE; entry = nextEntry(entry)) {
    if (load<u32>(entryAt(entry), ZONE_RECORD_TYPE) != DNS_PTR) continue;
    store<u32>(chosen, <u32>entryAt(entry));
    chosenCount = 1;
    return DNS_NOERROR;
  }
  return GO_ON;
}

/** Counts the entries of a type in a chain, and chooses them if that is wanted. */
function choose(head: u32, type: u32, isWanted: bool): u32 {
  let count: u32 = 0;
  for (let entry = head; entry != NONE; entry = nextEntry(entry)) {
    if (load<u32>(entryAt(entry), ZONE_RECORD_TYPE) != type) continue;
    if (isWanted) store<u32>(chosen + (<usize>count << 2), <u32>entryAt(entry));
    count++;
  }
  if (isWanted) chosenCount = count;
  return count;
}

/** Index of the question's name, or NONE if no zone can have it. */
function lowerName(nameBytes: u32): u32 {
  for (let at: u32 = 0; at < nameBytes; at++) {
    const letter = <u32>load<u8>(MESSAGE + DNS_HEADER + at);
    store<u8>(NAME + at, letter >= 65 && letter <= 90 ? letter + 32 : letter);
  }
  return findDomain(NAME, nameBytes);
}

/** How long an answer may be. */
function limitOf(flags: u32, nameBytes: u32, bytes: u32, isStream: bool): u32 {
  if (isStream) return isOf2010(flags) ? DNS_STREAM_LEGACY : DNS_STREAM_MAX;
  return flags & RESOLVER_AUTHORITATIVE ? DNS_MESSAGE_MAX : answerLimit(nameBytes, bytes);
}

/** Writes the answer with what was chosen, shuffled, to a query of `bytes` bytes; returns its length. */
function writeChosen(code: u32, flags: u32, nameBytes: u32, bytes: u32, isStream: bool): u32 {
  const isAuthoritative = (flags & RESOLVER_AUTHORITATIVE) != 0;
  const limit = limitOf(flags, nameBytes, bytes, isStream);
  const extra: u32 = isAuthoritative ? code | DNS_AUTHORITATIVE : code;
  for (let i = chosenCount; i > 1; i--) {
    const j = <u32>((<u64>RANDOM.next() * <u64>i) >> 32);
    const a = chosen + (<usize>(i - 1) << 2);
    const b = chosen + (<usize>j << 2);
    const entry = load<u32>(a);
    store<u32>(a, load<u32>(b));
    store<u32>(b, entry);
  }
  let length = beginAnswer();
  const owner: u32 = isAuthoritative || (!(flags & RESOLVER_LEGACY) && !fits(length, nameBytes, limit)) ? 0 : nameBytes;
  let records: u32 = 0;
  for (; records < chosenCount; records++) {
    const next = writeAnswer(length, <usize>load<u32>(chosen + (<usize>records << 2)), owner, limit);
    if (next == 0) break;
    length = next;
  }
  const isCut = records < chosenCount && !(isStream && isOf2010(flags));
  return endAnswer(length, records, isCut ? extra | DNS_TRUNCATED : extra);
}

/** Whether all that was chosen has room, each record with its name written out. */
function fits(from: u32, nameBytes: u32, limit: u32): bool {
  let length = from;
  for (let index: u32 = 0; index < chosenCount; index++) length += recordBytes(<usize>load<u32>(chosen + (<usize>index << 2)), nameBytes);
  return length <= limit;
}
