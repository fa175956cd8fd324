import { refuse } from "./refusal";

/** Linux include/uapi/asm-generic/signal.h, x86 numbers, by the names that Docker knows (moby pkg/signal/signal_linux.go). */
const NUMBERS: ReadonlyMap<string, number> = new Map([
  ["ABRT", 6], ["ALRM", 14], ["BUS", 7], ["CHLD", 17], ["CLD", 17], ["CONT", 18], ["FPE", 8], ["HUP", 1], ["ILL", 4], ["INT", 2], ["IO", 29], ["IOT", 6], ["KILL", 9],
  ["PIPE", 13], ["POLL", 29], ["PROF", 27], ["PWR", 30], ["QUIT", 3], ["SEGV", 11], ["STKFLT", 16], ["STOP", 19], ["SYS", 31], ["TERM", 15], ["TRAP", 5], ["TSTP", 20],
  ["TTIN", 21], ["TTOU", 22], ["UNUSED", 31], ["URG", 23], ["USR1", 10], ["USR2", 12], ["VTALRM", 26], ["WINCH", 28], ["XCPU", 24], ["XFSZ", 25],
]);
const REAL_TIME = { first: 34, last: 64 };
const KILL = 9;
/** CHLD, CONT, STOP, TSTP, TTIN, TTOU, URG, WINCH: nothing ends by them. */
const HARMLESS = new Set([17, 18, 19, 20, 21, 22, 23, 28]);

/**
 * A signal's number.
 *
 * @throws SimulationError in the daemon's words.
 */
export function signalNumber(text: string, subject: string, messages: { readonly invalidSignal: string; readonly prefix: string }): number {
  const invalid = (): never => refuse(400, subject, `${messages.invalidSignal}: ${text}`);
  if (/^[+-]?\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) return invalid();
    const isKnown = [...NUMBERS.values()].includes(number) || (number >= REAL_TIME.first && number <= REAL_TIME.last);
    return isKnown ? number : refuse(400, subject, `${messages.prefix}The linux daemon does not support signal ${number}`);
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const [, end, distance = "0"] = /^RT(MIN|MAX)(?:[+-](\d+))?$/.exec(name) ?? [];
  if (end !== undefined) return end === "MIN" ? REAL_TIME.first + Number(distance) : REAL_TIME.last - Number(distance);
  return NUMBERS.get(name) ?? invalid();
}

/**
 * The exit code of a first process on a signal; undefined: it goes on. The kernel lets the first process of a PID namespace have only the
 * signals that it handles, KILL excepted: who ends on TERM is taken to end on all that mean an end, `exitOnTerm` being its code.
 */
export function exitOnSignal(signal: number, exitOnTerm: number | undefined): number | undefined {
  if (signal === KILL) return 128 + KILL;
  return HARMLESS.has(signal) ? undefined : exitOnTerm;
}
