import { detectDuplicates } from "../ipv6/dad";
import type { Kernel } from "../kernel";
import { wakeSocket } from "../nodes/application-wake";
import { neighbourTimer, reassemblyTimer } from "../nodes/timer";
import { sessionTimer, sessionWake } from "../processes/session";
import { streamTimer } from "../processes/stream";
import { tcpOutput } from "../tcp/output";
import { tcpTimer } from "../tcp/timer";
import { tcpWake } from "../tcp/wake";
import { arrive } from "./arrive";
import { EventType } from "./event-queue";
import { flowTimer, source } from "./source";

/** Takes the earliest event from the queue and lets it happen. */
export function dispatch(kernel: Kernel): void {
  const { queue } = kernel;
  queue.pop();
  kernel.now = kernel.clock = queue.time;
  kernel.totals.events++;
  const { first, second } = queue;
  switch (queue.type) {
    case EventType.Arrive:
      arrive(kernel, kernel.devices[first], kernel.pool.packets[second]);
      return;
    case EventType.Wake:
      wakeSocket(kernel, kernel.sockets.sockets[first], kernel.pool.packets[second]);
      return;
    case EventType.NeighbourTimer:
      neighbourTimer(kernel, kernel.neighbours.entries[first]);
      return;
    case EventType.ReassemblyTimer:
      reassemblyTimer(kernel, kernel.reassembly.buffers[first]);
      return;
    case EventType.TcpTimer:
      tcpTimer(kernel, kernel.connections.connections[first]);
      return;
    case EventType.TcpOutput:
      tcpOutput(kernel, kernel.connections.connections[first]);
      return;
    case EventType.TcpWake:
      tcpWake(kernel, kernel.connections.connections[first]);
      return;
    case EventType.Source: {
      const flow = kernel.flows[first];
      if (flow.generation === second) source(kernel, flow);
      return;
    }
    case EventType.FlowTimer:
      flowTimer(kernel, kernel.flows[first]);
      return;
    case EventType.SessionWake:
      sessionWake(kernel, kernel.sessions.sessions[first], kernel.pool.packets[second]);
      return;
    case EventType.Dad:
      detectDuplicates(kernel);
      return;
    case EventType.SessionTimer:
      sessionTimer(kernel, kernel.sessions.sessions[first]);
      return;
    case EventType.StreamTimer:
      streamTimer(kernel, kernel.streams.streams[first]);
      return;
  }
}
