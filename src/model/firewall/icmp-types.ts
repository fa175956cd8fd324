import type { Family } from "./rule";
import { refuseRule, type Word } from "./words";

interface IcmpKind {
  readonly type: number | undefined;
  readonly code: number | undefined;
}

const ANY: IcmpKind = { type: undefined, code: undefined };
const kind = (type: number, code?: number): IcmpKind => ({ type, code });

/** iptables extensions/libxt_icmp.h: icmp_codes; RFC 792. */
const ICMP: Readonly<Record<string, IcmpKind>> = {
  any: ANY,
  "echo-reply": kind(0),
  pong: kind(0),
  "destination-unreachable": kind(3),
  "network-unreachable": kind(3, 0),
  "host-unreachable": kind(3, 1),
  "protocol-unreachable": kind(3, 2),
  "port-unreachable": kind(3, 3),
  "fragmentation-needed": kind(3, 4),
  "source-route-failed": kind(3, 5),
  "network-unknown": kind(3, 6),
  "host-unknown": kind(3, 7),
  "network-prohibited": kind(3, 9),
  "host-prohibited": kind(3, 10),
  "communication-prohibited": kind(3, 13),
  "source-quench": kind(4),
  redirect: kind(5),
  "network-redirect": kind(5, 0),
  "host-redirect": kind(5, 1),
  "echo-request": kind(8),
  ping: kind(8),
  "router-advertisement": kind(9),
  "router-solicitation": kind(10),
  "time-exceeded": kind(11),
  "ttl-exceeded": kind(11),
  "ttl-zero-during-transit": kind(11, 0),
  "ttl-zero-during-reassembly": kind(11, 1),
  "parameter-problem": kind(12),
  "timestamp-request": kind(13),
  "timestamp-reply": kind(14),
  "address-mask-request": kind(17),
  "address-mask-reply": kind(18),
};

/** iptables extensions/libxt_icmp.h: icmpv6_codes; RFC 4443, RFC 4861. */
const ICMPV6: Readonly<Record<string, IcmpKind>> = {
  "destination-unreachable": kind(1),
  "no-route": kind(1, 0),
  "communication-prohibited": kind(1, 1),
  "beyond-scope": kind(1, 2),
  "address-unreachable": kind(1, 3),
  "port-unreachable": kind(1, 4),
  "packet-too-big": kind(2),
  "time-exceeded": kind(3),
  "ttl-exceeded": kind(3),
  "ttl-zero-during-transit": kind(3, 0),
  "ttl-zero-during-reassembly": kind(3, 1),
  "parameter-problem": kind(4),
  "bad-header": kind(4, 0),
  "unknown-header-type": kind(4, 1),
  "unknown-option": kind(4, 2),
  "echo-request": kind(128),
  ping: kind(128),
  "echo-reply": kind(129),
  pong: kind(129),
  "router-solicitation": kind(133),
  "router-advertisement": kind(134),
  "neighbour-solicitation": kind(135),
  "neighbor-solicitation": kind(135),
  "neighbour-advertisement": kind(136),
  "neighbor-advertisement": kind(136),
  redirect: kind(137),
};

/** `echo-request`, `8`, `3/4`. */
export function readIcmpType(word: Word, family: Family): IcmpKind {
  const names = family === 4 ? ICMP : ICMPV6;
  if (Object.hasOwn(names, word.text)) return names[word.text]!;
  const [, type, code] = /^(\d{1,3})(?:\/(\d{1,3}))?$/.exec(word.text) ?? [];
  if (type === undefined || Number(type) > 255 || Number(code ?? 0) > 255) {
    return refuseRule("INVALID_INPUT", `expected an ICMP${family === 4 ? "" : "v6"} type such as echo-request, 8 or 3/4, found ${JSON.stringify(word.text)}`, word.position);
  }
  return { type: Number(type), code: code === undefined ? undefined : Number(code) };
}
