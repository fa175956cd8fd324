/** tcp_v4_err: an ICMP error about a segment of ours. */
import { FlowError } from "../abi/counter";
import { headerBytes } from "../memory/network";
import { Connection, findConnection, isBefore, isNoConnection, TcpState } from "../tables/connection";
import { noteErrorBy } from "../tables/counters";
import { flowAt } from "../tables/flow";
import { Namespace } from "../tables/namespace";
import { pathMtu } from "../tables/path-mtu";
import { load32 } from "../wire/bytes";
import { sequenceOf, TCP_HEADER } from "../wire/tcp";
import { failConnection, isOfFlow } from "./close";
import { maySend, scheduleOutput } from "./output";

/** tcp_min_snd_mss. */
const MSS_MIN: u32 = 48;

/** Source and destination are those of the quoted segment, of which `tcp` are the first eight bytes. */
export function tcpError(namespace: Namespace, source: u32, destination: u32, tcp: usize, error: FlowError, by: u32): void {
  const connection = findConnection(namespace, source, destination, load32(tcp));
  if (isNoConnection(connection)) return;
  const sequence = sequenceOf(tcp);
  if (isBefore(sequence, connection.sndUna) || isBefore(connection.sndMax, sequence)) return;
  if (error == FlowError.MessageTooLong) {
    if (maySend(connection.state)) shrink(connection);
  } else if (connection.state == TcpState.SynSent) {
    if (isOfFlow(connection)) noteErrorBy(flowAt(connection.flow), namespace, by);
    failConnection(connection, error);
  }
}

/** tcp_mtu_reduced: what was too long goes out again in smaller segments. */
function shrink(connection: Connection): void {
  const mtu = pathMtu(connection.namespace, connection.remoteIp, 0xffff);
  const headers = headerBytes(connection.namespace) + TCP_HEADER;
  const mss = max(mtu, MSS_MIN + headers) - headers;
  if (mss >= connection.mss) return;
  connection.mss = mss;
  connection.sndNxt = connection.sndUna;
  connection.timing = false;
  scheduleOutput(connection);
}
