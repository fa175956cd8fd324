/** tcp_v4_err: an ICMP error about a segment of ours. */
import { FLOW_COUNTER_ERROR_BY, FlowError } from "../abi/counter";
import { Connection, findConnection, isBefore, isNoConnection, TcpState } from "../tables/connection";
import { flowAt } from "../tables/flow";
import { Namespace } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { load32 } from "../wire/bytes";
import { destinationOf, IPV4_HEADER, sourceOf } from "../wire/ipv4";
import { sequenceOf, TCP_HEADER } from "../wire/tcp";
import { failConnection, isOfFlow } from "./close";
import { maySend, scheduleOutput } from "./output";

/** tcp_min_snd_mss. */
const MSS_MIN: u32 = 48;

/** `inner` is the quoted IP header, `tcp` the first eight bytes behind it. */
export function tcpError(namespace: Namespace, inner: usize, tcp: usize, error: FlowError, by: u32): void {
  const connection = findConnection(namespace, sourceOf(inner), destinationOf(inner), load32(tcp));
  if (isNoConnection(connection)) return;
  const sequence = sequenceOf(tcp);
  if (isBefore(sequence, connection.sndUna) || isBefore(connection.sndMax, sequence)) return;
  if (error == FlowError.MessageTooLong) {
    if (maySend(connection.state)) shrink(connection);
  } else if (connection.state == TcpState.SynSent) {
    if (isOfFlow(connection)) store<u32>(flowAt(connection.flow).counters, by, FLOW_COUNTER_ERROR_BY);
    failConnection(connection, error);
  }
}

/** tcp_mtu_reduced: what was too long goes out again in smaller segments. */
function shrink(connection: Connection): void {
  const mtu = pathMtu(connection.namespace, connection.remoteIp, 0xffff);
  const mss = max(mtu, MSS_MIN + IPV4_HEADER + TCP_HEADER) - IPV4_HEADER - TCP_HEADER;
  if (mss >= connection.mss) return;
  connection.mss = mss;
  connection.sndNxt = connection.sndUna;
  connection.timing = false;
  scheduleOutput(connection);
}
