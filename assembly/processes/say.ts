/** What processes say: the usual bytes, the text of a Web server, or word for word what the flow has been given, sealed. */
import {
  MEMBERLIST_ENCRYPT,
  MEMBERLIST_VERSION,
  PACKET_OVERHEAD,
  PayloadForm,
  RECORD_HEADER,
  RECORD_OVERHEAD,
  STREAM_HEADER,
  TLS_APPLICATION_DATA,
  TLS_LEGACY_VERSION,
} from "../abi/payload";
import { FlowKind } from "../abi/program";
import { NONE } from "../abi/version";
import { GCM_NONCE, GCM_TAG, seal } from "../crypto/gcm";
import { finalize } from "../simulation/random";
import { Flow, flowAt, flowSeed } from "../tables/flow";
import { cipherFor, hasCounter, Payload, payloadAt, wireBytes } from "../tables/payload";
import { store16, swap32 } from "../wire/bytes";
import { writeExchange } from "../wire/exchange";
import { writePayload } from "../wire/payload";

const NONCE = memory.data(16, 16);

/** The datagram with a number. A packet without flow passes NONE. */
@inline export function sayDatagram(to: usize, flow: u32, isResponse: bool, sequence: u32, bytes: u32): void {
  if (MANY_HOSTS && flow != NONE) {
    const payload = payloadOf(flowAt(flow), isResponse);
    if (changetype<usize>(payload) != 0 && wireBytes(payload) == bytes) return sealMessage(to, payload, flowAt(flow), isResponse, sequence, 0);
  }
  writePayload(to, sequence, flow, bytes);
}

/** Bytes of a connection whose numbers start at `iss`, from `position` on. */
@inline export function sayStream(to: usize, flow: u32, isResponse: bool, iss: u32, position: u32, bytes: u32): void {
  if (flow == NONE) return writePayload(to, position, flow, bytes);
  const own = flowAt(flow);
  if (MANY_HOSTS) {
    const payload = payloadOf(own, isResponse);
    const length = isResponse ? own.responseBytes : own.bytes;
    if (changetype<usize>(payload) != 0 && length != 0 && wireBytes(payload) == length) return copyMessages(to, payload, own, isResponse, iss, position, bytes);
  }
  if (own.kind == FlowKind.Exchange) writeExchange(to, own, isResponse, position, bytes);
  else writePayload(to, position, flow, bytes);
}

@inline function payloadOf(flow: Flow, isResponse: bool): Payload {
  return payloadAt(isResponse ? flow.answer : flow.message);
}

/** A message may begin in one segment and end in another, which may be sent again. */
function copyMessages(to: usize, payload: Payload, flow: Flow, isResponse: bool, iss: u32, position: u32, bytes: u32): void {
  const length = wireBytes(payload);
  let number = position / length;
  let offset = position % length;
  while (bytes != 0) {
    if (!payload.isSealed || payload.sealedNumber != number || payload.sealedIss != iss) {
      sealMessage(payload.sealed, payload, flow, isResponse, number, iss);
      payload.isSealed = true;
      payload.sealedNumber = number;
      payload.sealedIss = iss;
    }
    const part = min(bytes, length - offset);
    memory.copy(to, payload.sealed + offset, part);
    to += part;
    bytes -= part;
    offset = 0;
    number++;
  }
}

function sealMessage(to: usize, payload: Payload, flow: Flow, isResponse: bool, number: u32, iss: u32): void {
  const form = payload.form;
  const length = payload.length;
  if (form == PayloadForm.Plain) return copyText(to, payload, number);
  writeNonce(flow, isResponse, number, iss);
  if (form == PayloadForm.Record) {
    store<u8>(to, TLS_APPLICATION_DATA);
    store16(to + 1, TLS_LEGACY_VERSION);
    store16(to + 3, length + RECORD_OVERHEAD - RECORD_HEADER);
    const text = to + RECORD_HEADER;
    copyText(text, payload, number);
    store<u8>(text + length, TLS_APPLICATION_DATA);
    seal(cipherFor(payload), NONCE, to, RECORD_HEADER, text, length + 1, text + length + 1);
    return;
  }
  const header: u32 = form == PayloadForm.Stream ? STREAM_HEADER : 0;
  if (header != 0) {
    store<u8>(to, MEMBERLIST_ENCRYPT);
    store<u32>(to + 1, swap32(length + PACKET_OVERHEAD));
  }
  store<u8>(to + header, MEMBERLIST_VERSION);
  memory.copy(to + header + 1, NONCE, GCM_NONCE);
  const text = to + header + PACKET_OVERHEAD - GCM_TAG;
  copyText(text, payload, number);
  seal(cipherFor(payload), NONCE, to, header, text, length, text + length);
}

function copyText(to: usize, payload: Payload, number: u32): void {
  memory.copy(to, payload.text, payload.length);
  if (hasCounter(payload)) store<u32>(to + payload.counter, swap32(payload.first + number));
}

/** In place of chance: no two messages of a flow have the same. */
function writeNonce(flow: Flow, isResponse: bool, number: u32, iss: u32): void {
  const first = finalize(flowSeed() ^ (flow.index * 0x9e3779b1) ^ (isResponse ? 0x85ebca77 : 0));
  const second = finalize(first ^ number ^ <u32>flow.start);
  const third = finalize(second ^ iss ^ <u32>(flow.start >> 32) ^ (number * 0x9e3779b1));
  store<u32>(NONCE, swap32(first));
  store<u32>(NONCE, swap32(second), 4);
  store<u32>(NONCE, swap32(third), 8);
}
