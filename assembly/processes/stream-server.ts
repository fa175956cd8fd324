/** A name server's end of a TCP connection: questions, one after the other. */
import { DNS_NEXT_QUESTION_NS, DNS_QUESTIONS_MAX } from "../abi/dns";
import { Node } from "../abi/node";
import { SocketRole } from "../abi/program";
import { PROTOCOL_TCP } from "../abi/protocol";
import { NONE } from "../abi/version";
import { clock, NEVER } from "../simulation/clock";
import { copyCost } from "../simulation/cpu";
import { accountQuestion, see } from "../tables/counters";
import { flowAt } from "../tables/flow";
import { Socket } from "../tables/socket";
import { armStream, connectionOf, LENGTH, Stream, wholeBytes } from "../tables/stream";
import { MESSAGE } from "./datagram";
import { consult, NOT_USABLE, PASS_ON } from "./name-server";
import { discard, hangUp, leave, rouse, say } from "./stream";
import { isServed, leaveUpstreams, nextUpstream } from "./stream-forward";

@inline export function servesNames(socket: Socket): bool {
  return socket.role >= SocketRole.Resolver && socket.protocol == PROTOCOL_TCP;
}

@inline export function listenerOf(server: Stream): Socket {
  return changetype<Socket>(connectionOf(server).listener);
}

export function isServerDue(stream: Stream): bool {
  if (stream.waiting) return !isServed(stream);
  const connection = connectionOf(stream);
  if (stream.left || connection.sndUna != connection.writeEnd) return false;
  return connection.eof || wholeBytes(stream) != 0;
}

export function runServer(stream: Stream): void {
  const bytes = wholeBytes(stream);
  if (!servesNames(listenerOf(stream))) {
    quit(stream);
  } else if (stream.waiting) {
    nextUpstream(stream, Node.ApplicationWake);
  } else if (bytes == 0) {
    leave(stream);
  } else {
    serve(stream, bytes);
  }
}

function serve(stream: Stream, bytes: u32): void {
  stream.deadline = NEVER;
  copyCost(bytes);
  stream.questions++;
  const length = bytes - LENGTH;
  memory.copy(MESSAGE, stream.heard + LENGTH, length);
  const answer = consult(listenerOf(stream).resolver, length, true);
  if (answer == PASS_ON) {
    stream.waiting = true;
    stream.tried = 0;
    nextUpstream(stream, Node.ApplicationWake);
    return;
  }
  if (answer != NOT_USABLE) {
    noteQuestion(stream, bytes);
    say(stream, <u32>answer);
  }
  goOn(stream);
}

function noteQuestion(stream: Stream, bytes: u32): void {
  const connection = connectionOf(stream);
  if (connection.flow == NONE) return;
  const flow = flowAt(connection.flow);
  see(flow, connection.namespace, connection.remoteIp, connection.ports & 0xffff, connection.localIp, connection.ports >> 16);
  accountQuestion(flow, bytes, Node.ApplicationWake);
}

/** The process that should answer is not there any more. */
export function quit(stream: Stream): void {
  leaveUpstreams(stream);
  hangUp(stream);
}

/** The question is done with; the next one may come, or be there. */
export function goOn(stream: Stream): void {
  discard(stream, wholeBytes(stream));
  if (stream.questions == <u32>DNS_QUESTIONS_MAX) {
    leave(stream);
    return;
  }
  armStream(stream, clock + <i64>DNS_NEXT_QUESTION_NS);
  rouse(stream);
}
