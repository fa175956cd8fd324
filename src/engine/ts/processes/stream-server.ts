import { DNS_NEXT_QUESTION_NS, DNS_QUESTIONS_MAX } from "../../../../assembly/abi/dns";
import { SocketRole } from "../../../../assembly/abi/program";
import { PROTOCOL_TCP } from "../../../../assembly/abi/protocol";
import type { DnsResolver } from "../dns/zones";
import type { Kernel } from "../kernel";
import { accountStreamQuery } from "../simulation/source";
import type { Connection } from "../tables/connection";
import { NO_DEADLINE } from "../tables/neighbour";
import type { Socket } from "../tables/socket";
import { LENGTH_BYTES, type Stream } from "../tables/stream";
import { consult, FORWARD } from "./name-server";
import { abandon, passOn } from "./stream-forward";
import { armStream, consume, framed, hangUp, leave, notice, say } from "./stream";

/** Whether a listening socket is a name server's. */
export function isNameServer({ role, protocol }: Socket): boolean {
  return protocol === PROTOCOL_TCP && (role === SocketRole.Resolver || role === SocketRole.NameServer);
}

/** Whether a server can read its next question, or that there is none. */
export function isReady({ connection, hasLeft, isWaiting, whole }: Stream): boolean {
  if (connection === null || hasLeft || isWaiting || connection.writeEnd !== connection.sndUna) return false;
  return connection.eof || whole !== null;
}

/** What a server's process knows and asks; null if there is no such process any more. */
export function resolverOf(kernel: Kernel, { connection }: Stream): DnsResolver | null {
  const listener = connection?.listener ?? null;
  return listener !== null && isNameServer(listener) ? kernel.dns.resolvers[listener.resolver] : null;
}

/** The server's process runs: it reads a question and answers it, or goes on looking for somebody who can. */
export function serveStream(kernel: Kernel, stream: Stream): void {
  const resolver = resolverOf(kernel, stream);
  const { connection, whole } = stream;
  if (connection === null) return;
  if (resolver === null) {
    giveUp(kernel, stream);
    return;
  }
  if (stream.isWaiting) {
    passOn(kernel, stream, resolver);
    return;
  }
  if (whole === null) {
    leave(kernel, stream);
    return;
  }
  stream.deadline = NO_DEADLINE;
  kernel.chargeCopy(whole.length);
  stream.questions++;
  const answer = consult(kernel, resolver, whole.subarray(LENGTH_BYTES), true);
  if (answer === FORWARD) {
    stream.isWaiting = true;
    stream.tried = 0;
    passOn(kernel, stream, resolver);
    return;
  }
  if (answer !== null) {
    noteQuery(kernel, connection, whole.length);
    say(kernel, stream, framed(answer));
  }
  goOn(kernel, stream);
}

/** The process is gone. */
export function giveUp(kernel: Kernel, stream: Stream): void {
  abandon(kernel, stream);
  hangUp(kernel, stream);
}

/** The question that is heard is done with. */
export function goOn(kernel: Kernel, stream: Stream): void {
  consume(kernel, stream, stream.whole?.length ?? 0);
  if (stream.questions === DNS_QUESTIONS_MAX) {
    leave(kernel, stream);
    return;
  }
  armStream(kernel, stream, kernel.clock + DNS_NEXT_QUESTION_NS);
  notice(kernel, stream);
}

function noteQuery(kernel: Kernel, { namespace, flow, remoteIp, remotePort, localIp, localPort }: Connection, length: number): void {
  if (flow === null || namespace === null) return;
  flow.outcome.see(namespace, remoteIp, remotePort, localIp, localPort);
  accountStreamQuery(kernel, flow, length);
}
