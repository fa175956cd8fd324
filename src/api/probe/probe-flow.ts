import { FlowError, FlowState } from "../../../assembly/abi/counter";
import { Family } from "../../../assembly/abi/netfilter";
import { FlowKind } from "../../../assembly/abi/program";
import { NONE } from "../../../assembly/abi/version";
import { addressWords, addressWordsText } from "../../engine/address-words";
import { queryBytes } from "../../engine/check-processes";
import type { FlowCounters, Nanoseconds } from "../../engine/engine";
import type { AddressWords, FlowRecord } from "../../engine/program";
import { formatIpv4, type IpAddress } from "../../net/ip";

/** One question to the network; it becomes one flow. */
export type ProbeSpec =
  | {
      readonly kind: "echo";
      readonly destination: IpAddress;
      /** Bytes of payload. */
      readonly sizeBytes: number;
      /** `icmp_seq` of the first request; 0 unless given. */
      readonly firstSequence?: number;
      /** DF set, and what is longer than the path takes is refused. */
      readonly dontFragment: boolean;
      readonly count: number;
      readonly intervalNs: Nanoseconds;
      readonly timeoutNs: Nanoseconds;
    }
  /** A TCP connection: a request, an answer, and the server closes. */
  | { readonly kind: "exchange"; readonly destination: IpAddress; readonly port: number; readonly requestBytes: number; readonly responseBytes: number; readonly timeoutNs: Nanoseconds }
  /** A datagram, repeated until one is answered. */
  | {
      readonly kind: "datagram";
      readonly destination: IpAddress;
      readonly port: number;
      readonly requestBytes: number;
      readonly responseBytes: number;
      readonly intervalNs: Nanoseconds;
      readonly timeoutNs: Nanoseconds;
    }
  /** A datagram that passes so many routers, of a process that sees all that comes back of ICMP. */
  | { readonly kind: "hop"; readonly destination: IpAddress; readonly port: number; readonly ttl: number; readonly requestBytes: number; readonly timeoutNs: Nanoseconds }
  /** A question to a name server, repeated until it is answered; `domain` is the index of the name in the program. */
  | {
      readonly kind: "query";
      readonly destination: IpAddress;
      readonly name: string;
      readonly domain: number;
      readonly type: number;
      /** Asked once, over a connection. */
      readonly overTcp?: boolean;
      /** EDNS: how long an answer in a datagram may be. */
      readonly udpSize?: number;
      readonly intervalNs: Nanoseconds;
      readonly timeoutNs: Nanoseconds;
    };

export type ProbeKind = ProbeSpec["kind"];

/** How a probe ended. */
export type ProbeResult =
  | "ok"
  | "timeout"
  | "refused"
  /** Accepted, then closed or reset before any data. */
  | "closed"
  | "net-unreachable"
  | "host-unreachable"
  | "proto-unreachable"
  | "port-unreachable"
  | "fragmentation-needed"
  | "prohibited"
  /** The sender's own device is too narrow for what may not be fragmented. */
  | "message-too-long";

export interface ProbeOutcome {
  readonly result: ProbeResult;
  /** TTL of the answer to an echo request. */
  readonly ttl?: number;
  /** Who sent the ICMP error; the sender itself if nobody answered its ARP requests. */
  readonly by?: string;
  /** The source address that the server saw, and the address and port at which it was asked. */
  readonly peer?: string;
  readonly local?: string;
  readonly localPort?: number;
  /** Index of the server's network namespace. */
  readonly server?: number;
  /** The answer of a name server. */
  readonly reply?: Uint8Array;
}

const TCP = 6;
const UDP = 17;
const ICMP = 1;

/** The flow of a probe that starts now. */
export function probeFlow(spec: ProbeSpec, from: { readonly namespace: number; readonly sourcePort: number }, now: Nanoseconds): FlowRecord {
  const base = {
    ...from,
    kind: FlowKind.Request,
    protocol: UDP,
    destination: spec.destination.family === 4 ? spec.destination.value : 0,
    ...(spec.destination.family === 6 && { family: Family.Ipv6, destination6: addressWords(spec.destination.value) }),
    destinationPort: 0,
    bytes: 0,
    responseBytes: 0,
    count: 1,
    dontFragment: 0,
    intervalNs: 0,
    onNs: 0,
    offNs: 0,
    startNs: now,
    stopNs: now + spec.timeoutNs,
    thinkNs: 0,
    timeoutNs: spec.timeoutNs,
    untilAnswer: 1,
  };
  switch (spec.kind) {
    case "echo":
      return { ...base, kind: FlowKind.Ping, protocol: ICMP, bytes: spec.sizeBytes, count: spec.count, intervalNs: spec.intervalNs, dontFragment: spec.dontFragment ? 1 : 0, firstSequence: spec.firstSequence ?? 0 };
    case "exchange":
      return { ...base, kind: FlowKind.Exchange, protocol: TCP, destinationPort: spec.port, bytes: spec.requestBytes, responseBytes: spec.responseBytes };
    case "datagram":
      return { ...base, destinationPort: spec.port, bytes: spec.requestBytes, responseBytes: spec.responseBytes, intervalNs: spec.intervalNs, count: NONE };
    case "hop":
      return { ...base, destinationPort: spec.port, bytes: spec.requestBytes, intervalNs: spec.timeoutNs, count: NONE, ttl: spec.ttl };
    case "query":
      return { ...base, ...queryFields(spec), kind: FlowKind.Query, destinationPort: 53, name: spec.domain, queryType: spec.type };
  }
}

function queryFields({ name, overTcp = false, udpSize = 0, intervalNs }: Extract<ProbeSpec, { readonly kind: "query" }>) {
  const protocol = overTcp ? TCP : UDP;
  return { protocol, udpSize, bytes: queryBytes(name, { protocol, udpSize }), intervalNs: overTcp ? 0 : intervalNs, count: overTcp ? 1 : NONE };
}

/** What came of it so far: undefined while the answer may still come. */
export function probeOutcome(kind: ProbeKind, counters: FlowCounters, isOver: boolean): ProbeOutcome | undefined {
  const { outcome } = counters;
  if (counters.answered > 0) return { result: "ok", ...seen(kind, counters) };
  const wasTold = kind === "hop" && counters.error !== FlowError.None;
  if (wasTold || counters.errors > 0 || (counters.state === FlowState.Failed && counters.error !== FlowError.None)) {
    const by = textOf(outcome.errorBy, outcome.errorBy6);
    return { result: failure(kind, counters), ...(by !== undefined && { by }) };
  }
  return isOver || ((kind === "exchange" || kind === "query") && counters.timeouts > 0) ? { result: "timeout" } : undefined;
}

function seen(kind: ProbeKind, { outcome }: FlowCounters): Omit<ProbeOutcome, "result"> {
  if (kind === "echo") return { ttl: outcome.replyTtl };
  if (kind === "query") return { reply: outcome.reply };
  if (outcome.server === NONE) return {};
  const peer = textOf(outcome.peerIp, outcome.peerIp6);
  const local = textOf(outcome.localIp, outcome.localIp6);
  return { server: outcome.server, localPort: outcome.localPort, ...(peer !== undefined && { peer }), ...(local !== undefined && { local }) };
}

/** An address of either family; undefined if there is none. */
function textOf(ip: number, ip6: AddressWords): string | undefined {
  return ip === 0 ? addressWordsText(ip6) : formatIpv4(ip);
}

function failure(kind: ProbeKind, { error, outcome }: FlowCounters): ProbeResult {
  const isFromAfar = textOf(outcome.errorBy, outcome.errorBy6) !== undefined;
  switch (error) {
    case FlowError.ConnectionRefused:
      return kind === "echo" ? "port-unreachable" : "refused";
    case FlowError.HostUnreachable:
      return "host-unreachable";
    case FlowError.NetworkUnreachable:
      return "net-unreachable";
    case FlowError.ConnectionReset:
    case FlowError.Closed:
      return "closed";
    case FlowError.MessageTooLong:
      return isFromAfar ? "fragmentation-needed" : "message-too-long";
    case FlowError.AccessDenied:
    case FlowError.NotPermitted:
      return "prohibited";
    case FlowError.ProtocolError:
      return "proto-unreachable";
    default:
      return "timeout";
  }
}
