import { FlowKind, SocketRole } from "../../../../assembly/abi/program";
import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { identityBytes } from "../processes/identity";
import { hasWork, wakeStream } from "../processes/stream";
import { EventType } from "../simulation/event-queue";
import { JIFFY_NS } from "../simulation/timer";
import type { Connection } from "../tables/connection";
import type { Flow } from "../tables/flow";
import { scheduleOutput } from "./output";
import { serveSpliced } from "./splice";

/** The server's process reads the requests that came and writes their answers. */
export function tcpWake(kernel: Kernel, connection: Connection): void {
  const { namespace, flow, owed, stream } = connection;
  connection.wakeQueued = false;
  const isDue = connection.isSpliced || (stream === null ? flow !== null && owed > 0 : hasWork(stream));
  if (namespace === null || !isDue) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    connection.wakeQueued = true;
    kernel.queue.push(kernel.now + JIFFY_NS, EventType.TcpWake, connection.index, 0);
    return;
  }
  visit(kernel, Node.ApplicationWake);
  if (connection.isSpliced) serveSpliced(kernel, connection);
  else if (stream !== null) wakeStream(kernel, stream);
  else if (flow !== null) answer(kernel, connection, flow);
  leave(kernel, namespace.cpu);
}

function answer(kernel: Kernel, connection: Connection, flow: Flow): void {
  const { namespace, listener, role, owed, remoteIp, remotePort, localIp, localPort } = connection;
  if (namespace === null || listener === null) return;
  kernel.chargeCopy(owed * flow.record.bytes);
  flow.outcome.see(namespace, remoteIp, remotePort, localIp, localPort);
  const isExchange = flow.record.kind === FlowKind.Exchange;
  const isIdentity = isExchange && role === SocketRole.Identity;
  const bytes = isIdentity ? identityBytes(kernel, listener.responseBytes, remoteIp, localIp) : flow.record.responseBytes;
  connection.writeEnd = (connection.writeEnd + owed * bytes) | 0;
  connection.owed = 0;
  if (isExchange) connection.closing = true;
  scheduleOutput(kernel, connection);
}
