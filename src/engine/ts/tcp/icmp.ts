import { FlowError } from "../../../../assembly/abi/counter";
import type { Quote } from "../ipv6/quote";
import type { Kernel } from "../kernel";
import { DATAGRAM_MAX } from "../memory/memory";
import { before, TcpState } from "../tables/connection";
import type { Namespace } from "../tables/namespace";
import { destinationPort, sequenceNumber, sourcePort } from "../wire/tcp";
import { abort, mssOf } from "./lifecycle";
import { maySend, scheduleOutput } from "./output";

/** tcp_v4_err: an ICMP error about a segment of ours, of which the first 8 bytes are quoted. */
export function failConnection(kernel: Kernel, namespace: Namespace, quote: Quote, error: FlowError, by: number): void {
  const { bytes } = kernel.memory;
  const { source, destination: remoteIp, transport: tcp } = quote;
  const connection = kernel.connections.find(
    namespace,
    source,
    sourcePort(bytes, tcp),
    remoteIp,
    destinationPort(bytes, tcp),
  );
  if (connection === null) return;
  const sequence = sequenceNumber(bytes, tcp);
  if (before(sequence, connection.sndUna) || before(connection.sndMax, sequence)) return;
  if (error !== FlowError.MessageTooLong) {
    if (connection.state !== TcpState.SynSent) return;
    if (connection.flow !== null && connection.flow.connection === connection) connection.flow.outcome.errorBy = by;
    abort(kernel, connection, error);
    return;
  }
  const mss = mssOf(kernel.pathMtus.find(namespace, remoteIp, DATAGRAM_MAX, kernel.clock), remoteIp);
  if (!maySend(connection.state) || mss >= connection.mss) return;
  // tcp_v4_mtu_reduced and tcp_simple_retransmit: what was too long goes out again in smaller pieces.
  connection.mss = mss;
  connection.sndNxt = connection.sndUna;
  connection.isTiming = false;
  scheduleOutput(kernel, connection);
}
