/** The event loop: takes the first event, lets it do its work, and comes back when the host wants it to. */
import { Stop } from "../abi/event";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { captureIsLow } from "../graph/capture";
import { drop } from "../graph/drop";
import { recordsAreLow } from "../graph/trace";
import { finish, walk } from "../graph/walk";
import { frameOf, Packet } from "../memory/pool";
import { wake } from "../nodes/application-wake";
import { neighbourTimer, reassemblyTimer } from "../nodes/timer";
import { detectDuplicates } from "../ipv6/discovery";
import { sessionTimer, sessionWake } from "../processes/session";
import { streamTimer } from "../processes/stream";
import { Connection } from "../tables/connection";
import { events } from "../tables/counters";
import { Device } from "../tables/device";
import { Cpu, cpuAt, Host } from "../tables/namespace";
import { Neighbour } from "../tables/neighbour";
import { Reassembly } from "../tables/reassembly";
import { Session } from "../tables/session";
import { Socket } from "../tables/socket";
import { Stream } from "../tables/stream";
import { tcpWake } from "../tcp/deliver";
import { tcpOutput } from "../tcp/output";
import { tcpTimer } from "../tcp/timer";
import { ETHERNET_HEADER, etherType, TYPE_IPV4 } from "../wire/ethernet";
import { IPV4_HEADER } from "../wire/ipv4";
import { clock, now } from "./clock";
import { enter } from "./cpu";
import { Event, eventFirst, eventKind, eventSecond, nextTime, takeEvent } from "./event-queue";
import { hashOfIpv4 } from "./frame-hash";
import { flowTimer, source } from "./source";

/** Events processed by the last call. */
export let processed: u64 = 0;

export function runEvents(until: i64, budget: u64): Stop {
  processed = 0;
  while (true) {
    const time = nextTime();
    if (time > until) {
      now = max(now, until);
      clock = now;
      return Stop.Until;
    }
    if (processed >= budget) return Stop.Budget;
    if (recordsAreLow() || captureIsLow()) return Stop.Drain;
    takeEvent();
    now = time;
    clock = time;
    processed++;
    events++;
    dispatch();
  }
}

@inline function dispatch(): void {
  if (eventKind == Event.Source) source(eventFirst, eventSecond);
  else if (eventKind == Event.Arrive) arrive(changetype<Device>(<usize>eventFirst), changetype<Packet>(<usize>eventSecond));
  else dispatchOther();
}

function dispatchOther(): void {
  const record = <usize>eventFirst;
  switch (eventKind) {
    case Event.FlowTimer:
      flowTimer(eventFirst);
      break;
    case Event.Wake:
      wake(changetype<Socket>(record), changetype<Packet>(<usize>eventSecond));
      break;
    case Event.NeighbourTimer:
      neighbourTimer(changetype<Neighbour>(record));
      break;
    case Event.ReassemblyTimer:
      reassemblyTimer(changetype<Reassembly>(record));
      break;
    case Event.TcpOutput:
      tcpOutput(changetype<Connection>(record));
      break;
    case Event.TcpTimer:
      tcpTimer(changetype<Connection>(record));
      break;
    case Event.TcpWake:
      tcpWake(changetype<Connection>(record));
      break;
    case Event.SessionWake:
      sessionWake(changetype<Session>(record), changetype<Packet>(<usize>eventSecond));
      break;
    case Event.Dad:
      detectDuplicates();
      break;
    case Event.SessionTimer:
      sessionTimer(changetype<Session>(record));
      break;
    case Event.StreamTimer:
      streamTimer(changetype<Stream>(record));
      break;
    default:
      assert(false, "event queue: the event is of a known kind");
  }
}

/** An Arrive event: a frame comes out of a link, or was injected. */
function arrive(device: Device, packet: Packet): void {
  if (!enter(cpuOfFrame(device.namespace.host, packet), now)) {
    packet.device = device;
    drop(packet, Drop.CpuBacklog, Node.Receive);
    return;
  }
  packet.out = device;
  walk(packet, Node.Receive);
  finish();
}

/** Receive-side scaling: packets of one direction of a connection meet on one CPU. */
@inline function cpuOfFrame(host: Host, packet: Packet): Cpu {
  return host.cpuCount == 1 ? cpuAt(host, 0) : cpuAt(host, hashOfFrame(packet) % host.cpuCount);
}

function hashOfFrame(packet: Packet): u32 {
  const frame = frameOf(packet);
  return packet.length < ETHERNET_HEADER + IPV4_HEADER || etherType(frame) != TYPE_IPV4 ? 0 : hashOfIpv4(frame, packet.length);
}
