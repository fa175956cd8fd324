import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { enter, leave } from "../graph/walk";
import type { Kernel } from "../kernel";
import { JIFFY_NS } from "../nodes/timer";
import { EventType } from "../simulation/event-queue";
import type { Connection } from "../tables/connection";
import { scheduleOutput } from "./output";

/** The server's process reads the requests that came and writes their answers. */
export function tcpWake(kernel: Kernel, connection: Connection): void {
  const { namespace, flow, owed } = connection;
  connection.wakeQueued = false;
  if (namespace === null || flow === null || owed === 0) return;
  if (!enter(kernel, namespace.cpu, kernel.now)) {
    connection.wakeQueued = true;
    kernel.queue.push(kernel.now + JIFFY_NS, EventType.TcpWake, connection.index, 0);
    return;
  }
  visit(kernel, Node.ApplicationWake);
  kernel.chargeCopy(owed * flow.record.bytes);
  connection.writeEnd = (connection.writeEnd + owed * flow.record.responseBytes) | 0;
  connection.owed = 0;
  scheduleOutput(kernel, connection);
  leave(kernel, namespace.cpu);
}
