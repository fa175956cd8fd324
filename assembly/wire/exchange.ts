/** What an exchange says: HTTP/1.0 as short as it can be, filled up with letters. */
import { Flow } from "../tables/flow";

/** "GET / HTTP/1.0\r\nHost: " */
const REQUEST = memory.data<u8>([71, 69, 84, 32, 47, 32, 72, 84, 84, 80, 47, 49, 46, 48, 13, 10, 72, 111, 115, 116, 58, 32]);
const REQUEST_BYTES: u32 = 22;
/** "HTTP/1.0 200 OK\r\n\r\n" */
const RESPONSE = memory.data<u8>([72, 84, 84, 80, 47, 49, 46, 48, 32, 50, 48, 48, 32, 79, 75, 13, 10, 13, 10]);
const RESPONSE_BYTES: u32 = 19;
/** "\r\n\r\n" */
const BLANK_LINE = memory.data<u8>([13, 10, 13, 10]);
const BLANK_BYTES: i64 = 4;
const LETTER_A: u32 = 97;
const LETTERS: u32 = 26;

/** Writes `bytes` bytes of a request or a response from `position` on. */
export function writeExchange(to: usize, flow: Flow, isResponse: bool, position: u32, bytes: u32): void {
  const head = isResponse ? RESPONSE : REQUEST;
  const headBytes = isResponse ? RESPONSE_BYTES : REQUEST_BYTES;
  for (let at: u32 = 0; at < bytes; at++) {
    const p = position + at;
    store<u8>(to + at, p < headBytes ? load<u8>(head + p) : LETTER_A + ((p + flow.index) % LETTERS));
  }
  if (isResponse) return;
  const blank = <i64>flow.bytes - BLANK_BYTES;
  for (let at: i64 = 0; at < BLANK_BYTES; at++) {
    const offset = blank + at - <i64>position;
    if (offset >= 0 && offset < <i64>bytes) store<u8>(to + <usize>offset, load<u8>(BLANK_LINE + <usize>at));
  }
}
