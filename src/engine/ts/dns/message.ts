import {
  DNS_ANSWER_MAX,
  DNS_AUTHORITATIVE,
  DNS_CHECKING_DISABLED,
  DNS_HEADER,
  DNS_IN,
  DNS_MESSAGE_MAX,
  DNS_NAME_MAX,
  DNS_OPCODE,
  DNS_OPT,
  DNS_OPT_BYTES,
  DNS_RECURSION_AVAILABLE,
  DNS_RECURSION_DESIRED,
  DNS_REFUSED,
  DNS_RESPONSE,
  DNS_SERVFAIL,
  DNS_TRUNCATED,
} from "../../../../assembly/abi/dns";
import { read16, write16, write32 } from "../wire/bytes";
import type { Answer } from "./zones";

const LABEL_MAX = 63;
const TYPE_AND_CLASS = 4;
/** Type, class, TTL and length, behind the name. */
const RECORD_HEADER = 10;
/** A pointer to the name of the question (RFC 1035 §4.1.4). */
const QUESTION_POINTER = Uint8Array.of(0xc0, DNS_HEADER);

/** Positions of a header's fields. */
const FLAGS = 2;
const QUESTIONS = 4;
const ANSWERS = 6;
const AUTHORITIES = 8;
const ADDITIONAL = 10;

export function flagsOf(message: Uint8Array): number {
  return read16(message, FLAGS);
}

export function idOf(message: Uint8Array): number {
  return read16(message, 0);
}

/** Whether a query's counts are such that a server reads on. */
export function hasSoundCounts(message: Uint8Array): boolean {
  const isSmall = read16(message, ANSWERS) <= 1 && read16(message, AUTHORITIES) <= 1 && read16(message, ADDITIONAL) <= 2;
  return read16(message, QUESTIONS) === 1 && isSmall;
}

/** Where the question's name ends; -1 if it is not sound. Its type and class follow. */
export function questionNameEnd(message: Uint8Array): number {
  for (let at = DNS_HEADER; at < message.length; ) {
    const length = message[at];
    if (length > LABEL_MAX) return -1;
    at += 1 + length;
    if (at - DNS_HEADER > DNS_NAME_MAX) return -1;
    if (length === 0) return at + TYPE_AND_CLASS <= message.length ? at : -1;
  }
  return -1;
}

/** The whole of a message that says that the query was not understood. */
export function errorMessage(query: Uint8Array, code: number, opcode: number): Uint8Array {
  const message = new Uint8Array(DNS_HEADER);
  message.set(query.subarray(0, 2));
  write16(message, FLAGS, DNS_RESPONSE | (opcode & DNS_OPCODE) | (flagsOf(query) & DNS_RECURSION_DESIRED) | code);
  return message;
}

/** How long an answer over UDP may be: what an OPT record says right behind the question, within bounds. */
export function answerLimit(query: Uint8Array, nameEnd: number): number {
  const at = nameEnd + TYPE_AND_CLASS;
  const isFirst = read16(query, ANSWERS) === 0 && read16(query, AUTHORITIES) === 0 && read16(query, ADDITIONAL) > 0;
  if (!isFirst || at + 1 + RECORD_HEADER > query.length || query[at] !== 0 || read16(query, at + 1) !== DNS_OPT) return DNS_MESSAGE_MAX;
  return Math.min(Math.max(read16(query, at + 3), DNS_MESSAGE_MAX), DNS_ANSWER_MAX);
}

/** How a server writes its answers. */
export interface AnswerForm {
  readonly isAuthoritative: boolean;
  /** Whether records point to the question for their name: always, never, or where they would not fit otherwise. */
  readonly points: "always" | "never" | "for room";
  readonly limit: number;
  /** Records are left out without a word. */
  readonly isSilent?: boolean;
}

export const EMPTY_FORM: AnswerForm = { isAuthoritative: false, points: "never", limit: DNS_MESSAGE_MAX };

/** An answer with the question and as many records as fit. */
export function answerMessage(query: Uint8Array, nameEnd: number, code: number, form: AnswerForm, answers: readonly Answer[]): Uint8Array {
  const { isAuthoritative, points, limit, isSilent = false } = form;
  const question = nameEnd + TYPE_AND_CLASS;
  const name = query.slice(DNS_HEADER, nameEnd);
  const whole = answers.reduce((length, { data }) => length + name.length + RECORD_HEADER + data.length, question);
  const owner = points === "always" || (points === "for room" && whole > limit) ? QUESTION_POINTER : name;
  const message = new Uint8Array(Math.min(limit, whole + answers.length)); // A pointer is a byte longer than the root's name.
  message.set(query.subarray(0, question));
  let flags = DNS_RESPONSE | (flagsOf(query) & (DNS_RECURSION_DESIRED | DNS_CHECKING_DISABLED)) | code;
  // Of failures moby's resolver says nothing but the code.
  if (code !== DNS_SERVFAIL && code !== DNS_REFUSED) flags |= DNS_RECURSION_AVAILABLE;
  if (isAuthoritative) flags |= DNS_AUTHORITATIVE;
  let end = question;
  let count = 0;
  for (const { type, ttl, data } of answers) {
    if (end + owner.length + RECORD_HEADER + data.length > limit) {
      if (!isSilent) flags |= DNS_TRUNCATED;
      break;
    }
    message.set(owner, end);
    end += owner.length;
    write16(message, end, type);
    write16(message, end + 2, DNS_IN);
    write32(message, end + 4, ttl);
    write16(message, end + 8, data.length);
    message.set(data, end + RECORD_HEADER);
    end += RECORD_HEADER + data.length;
    count++;
  }
  write16(message, FLAGS, flags);
  write16(message, QUESTIONS, 1);
  write16(message, ANSWERS, count);
  write16(message, AUTHORITIES, 0);
  write16(message, ADDITIONAL, 0);
  return message.subarray(0, end);
}

/** The query for a name; with `udpSize` it says how long the answer may be. */
export function queryMessage(id: number, name: Uint8Array, type: number, udpSize: number): Uint8Array {
  const end = DNS_HEADER + name.length + TYPE_AND_CLASS;
  const message = new Uint8Array(end + (udpSize > 0 ? DNS_OPT_BYTES : 0));
  write16(message, 0, id);
  write16(message, FLAGS, DNS_RECURSION_DESIRED);
  write16(message, QUESTIONS, 1);
  message.set(name, DNS_HEADER);
  write16(message, end - TYPE_AND_CLASS, type);
  write16(message, end - 2, DNS_IN);
  if (udpSize === 0) return message;
  write16(message, ADDITIONAL, 1);
  write16(message, end + 1, DNS_OPT);
  write16(message, end + 3, udpSize);
  return message;
}
