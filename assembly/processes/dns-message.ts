/** DNS messages (RFC 1035 §4.1), read and rewritten where they lie: in MESSAGE. */
import {
  DNS_ANSWER_MAX,
  DNS_CHECKING_DISABLED,
  DNS_HEADER,
  DNS_IN,
  DNS_MESSAGE_MAX,
  DNS_NAME_MAX,
  DNS_OPT,
  DNS_OPT_BYTES,
  DNS_PTR,
  DNS_RCODE,
  DNS_RECURSION_AVAILABLE,
  DNS_RECURSION_DESIRED,
  DNS_REFUSED,
  DNS_RESPONSE,
  DNS_SERVFAIL,
  ZONE_RECORD_ADDRESS,
  ZONE_RECORD_TARGET,
  ZONE_RECORD_TTL,
  ZONE_RECORD_TYPE,
  DNS_AAAA,
} from "../abi/dns";
import { domainAddress, domainLength } from "../tables/domain";
import { load16, store16, store32 } from "../wire/bytes";
import { MESSAGE } from "./datagram";

const LABEL_MAX: u32 = 63;
/** Type and class behind a name. */
const QUESTION_TAIL: u32 = 4;
/** Type, class, TTL and length, behind a name. */
const RECORD: u32 = 10;
const POINTER: u32 = 0xc000 | <u32>DNS_HEADER;

@inline export function idOf(message: usize): u32 {
  return load16(message);
}

@inline export function flagsOf(message: usize): u32 {
  return load16(message + 2);
}

/** QDCOUNT is 1, and the other counts are not unusual. */
export function hasUsualCounts(): bool {
  return load16(MESSAGE + 4) == 1 && load16(MESSAGE + 6) <= 1 && load16(MESSAGE + 8) <= 1 && load16(MESSAGE + 10) <= 2;
}

/** Bytes of the question's name if the question is sound, else 0. */
export function questionName(bytes: u32): u32 {
  let at = <u32>DNS_HEADER;
  while (at < bytes) {
    const label = <u32>load<u8>(MESSAGE + at);
    if (label > LABEL_MAX) return 0;
    at += 1 + label;
    const length = at - <u32>DNS_HEADER;
    if (length > <u32>DNS_NAME_MAX) return 0;
    if (label == 0) return at + QUESTION_TAIL <= bytes ? length : 0;
  }
  return 0;
}

/** Bytes of "in-addr.arpa" and "ip6.arpa" on the wire. */
const IN_ADDR = memory.data<u8>([7, 105, 110, 45, 97, 100, 100, 114, 4, 97, 114, 112, 97, 0]);
const IN_ADDR_BYTES: u32 = 14;
const IP6 = memory.data<u8>([3, 105, 112, 54, 4, 97, 114, 112, 97, 0]);
const IP6_BYTES: u32 = 10;

/** Whether the question's name is one of an address: under in-addr.arpa or ip6.arpa, in these letters. */
export function isOfAddress(nameBytes: u32): bool {
  let at: u32 = 0;
  while (at < nameBytes) {
    const left = nameBytes - at;
    const name = MESSAGE + DNS_HEADER + at;
    if (at != 0 && left == IN_ADDR_BYTES && memory.compare(name, IN_ADDR, IN_ADDR_BYTES) == 0) return true;
    if (at != 0 && left == IP6_BYTES && memory.compare(name, IP6, IP6_BYTES) == 0) return true;
    at += 1 + <u32>load<u8>(name);
  }
  return false;
}

@inline export function questionType(nameBytes: u32): u32 {
  return load16(MESSAGE + DNS_HEADER + nameBytes);
}

/** Makes a query in MESSAGE an error of a header alone; returns its length. */
export function writeError(code: u32, opcode: u32): u32 {
  store16(MESSAGE + 2, <u32>DNS_RESPONSE | opcode | (flagsOf(MESSAGE) & DNS_RECURSION_DESIRED) | code);
  store<u64>(MESSAGE, 0, 4);
  return DNS_HEADER;
}

/** Where the first record of the answer to the query in MESSAGE goes. */
export function beginAnswer(): u32 {
  return <u32>DNS_HEADER + questionName(DNS_MESSAGE_MAX) + QUESTION_TAIL;
}

/** How long the answer to the query in MESSAGE may be: its OPT record's word, if that is right behind the question. */
export function answerLimit(nameBytes: u32, bytes: u32): u32 {
  const at = <u32>DNS_HEADER + nameBytes + QUESTION_TAIL;
  if (load<u32>(MESSAGE + 6) != 0 || load16(MESSAGE + 10) == 0 || at + 1 + RECORD > bytes) return DNS_MESSAGE_MAX;
  if (load<u8>(MESSAGE + at) != 0 || load16(MESSAGE + at + 1) != DNS_OPT) return DNS_MESSAGE_MAX;
  return min(max(load16(MESSAGE + at + 3), <u32>DNS_MESSAGE_MAX), <u32>DNS_ANSWER_MAX);
}

/** Bytes of a zone's record behind its header. */
function dataBytes(entry: usize): u32 {
  const type = load<u32>(entry, ZONE_RECORD_TYPE);
  return type == DNS_PTR ? domainLength(load<u32>(entry, ZONE_RECORD_TARGET)) : type == DNS_AAAA ? 16 : 4;
}

/** Bytes of a zone's record with a name of so many bytes before it. */
export function recordBytes(entry: usize, owner: u32): u32 {
  return owner + RECORD + dataBytes(entry);
}

/** Writes a zone's record at `at`, under the question's name, of `owner` bytes, or with 0 under a pointer to it; returns where the next one goes, or 0 if it does not fit. */
export function writeAnswer(at: u32, entry: usize, owner: u32, limit: u32): u32 {
  const bytes = dataBytes(entry);
  const nameBytes: u32 = owner != 0 ? owner : 2;
  if (at + nameBytes + RECORD + bytes > limit) return 0;
  const name = MESSAGE + at;
  if (owner != 0) memory.copy(name, MESSAGE + DNS_HEADER, owner);
  else store16(name, POINTER);
  const to = name + nameBytes;
  const type = load<u32>(entry, ZONE_RECORD_TYPE);
  store16(to, type);
  store16(to + 2, DNS_IN);
  store32(to + 4, load<u32>(entry, ZONE_RECORD_TTL));
  store16(to + 8, bytes);
  if (type == DNS_PTR) memory.copy(to + RECORD, domainAddress(load<u32>(entry, ZONE_RECORD_TARGET)), bytes);
  else for (let word: usize = 0; word < <usize>bytes; word += 4) store32(to + RECORD + word, load<u32>(entry + word, ZONE_RECORD_ADDRESS));
  return at + nameBytes + RECORD + bytes;
}

/** Completes the header; returns the length of the message. `extra` are flags and the code. */
export function endAnswer(length: u32, records: u32, extra: u32): u32 {
  const asked = flagsOf(MESSAGE) & (DNS_RECURSION_DESIRED | DNS_CHECKING_DISABLED);
  const code = extra & DNS_RCODE;
  // moby's resolver says of a failure nothing but its code.
  const available: u32 = code == DNS_SERVFAIL || code == DNS_REFUSED ? 0 : DNS_RECURSION_AVAILABLE;
  store16(MESSAGE + 2, <u32>DNS_RESPONSE | available | asked | extra);
  store16(MESSAGE + 4, 1);
  store16(MESSAGE + 6, records);
  store<u32>(MESSAGE, 0, 8);
  return length;
}

/** Writes a query of a flow, with an OPT record if it says how long the answer may be. */
export function writeQuery(to: usize, sequence: u32, domain: u32, type: u32, udpSize: u32): void {
  const bytes = domainLength(domain);
  store16(to, sequence & 0xffff);
  store16(to + 2, DNS_RECURSION_DESIRED);
  store<u64>(to, 0, 4);
  store16(to + 4, 1);
  memory.copy(to + DNS_HEADER, domainAddress(domain), bytes);
  store16(to + DNS_HEADER + bytes, type);
  store16(to + DNS_HEADER + bytes + 2, DNS_IN);
  if (udpSize == 0) return;
  store16(to + 10, 1);
  const option = to + DNS_HEADER + bytes + QUESTION_TAIL;
  memory.fill(option, 0, DNS_OPT_BYTES);
  store16(option + 1, DNS_OPT);
  store16(option + 3, udpSize);
}
