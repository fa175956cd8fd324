import type { Flow } from "../tables/flow";

const REQUEST = ascii("GET / HTTP/1.0\r\nHost: ");
const REQUEST_END = ascii("\r\n\r\n");
const RESPONSE = ascii("HTTP/1.0 200 OK\r\n\r\n");
const LETTER_A = 97;
const LETTERS = 26;

/** What an exchange says from byte `position` of its stream on: HTTP as short as it can be, filled up with letters. */
export function writeExchange(bytes: Uint8Array, at: number, flow: Flow, isResponse: boolean, position: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[at + i] = isResponse ? responseByte(flow, position + i) : requestByte(flow, position + i);
}

function requestByte(flow: Flow, position: number): number {
  const end = position - (flow.record.bytes - REQUEST_END.length);
  if (end >= 0) return REQUEST_END[end];
  return position < REQUEST.length ? REQUEST[position] : letter(flow, position);
}

function responseByte(flow: Flow, position: number): number {
  return position < RESPONSE.length ? RESPONSE[position] : letter(flow, position);
}

function letter(flow: Flow, position: number): number {
  return LETTER_A + ((position + flow.index) % LETTERS);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
