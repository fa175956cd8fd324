import type { Flow } from "./flow";
import type { Namespace } from "./namespace";
import { NO_DEADLINE } from "./neighbour";
import type { Socket } from "./socket";

export enum SessionKind {
  /** docker-proxy's datagrams of one client to the target. */
  Proxy,
  /** A resolver's query to an upstream server. */
  Forward,
}

/** A datagram socket that a process opened towards one server. Addresses are signed words. */
export class Session {
  kind = SessionKind.Proxy;
  /** Whose process it is; null: the record is free. */
  socket: Socket | null = null;
  namespace: Namespace | null = null;
  port = 0;
  remoteIp = 0;
  remotePort = 0;
  clientIp = 0;
  clientPort = 0;
  askedIp = 0;
  /** Of a Forward: what the query was, to go on with. */
  flow: Flow | null = null;
  sequence = 0;
  bornAt = 0;
  trace = 0;
  response = false;
  query: Uint8Array = new Uint8Array(0);
  /** How many upstream servers were tried. */
  tried = 0;
  deadline = NO_DEADLINE;
  dueAt = NO_DEADLINE;
  timersQueued = 0;

  constructor(readonly index: number) {}
}

/** Sessions by (namespace, local port), and a proxy's by (socket, client). The lowest free record is taken first. */
export class SessionTable {
  readonly sessions: Session[];
  private readonly byPort = new Map<string, Session>();
  private readonly byClient = new Map<string, Session>();

  constructor(capacity: number) {
    this.sessions = Array.from({ length: capacity }, (_, index) => new Session(index));
  }

  get isEmpty(): boolean {
    return this.byPort.size === 0;
  }

  take(kind: SessionKind, socket: Socket): Session | null {
    const session = this.sessions.find((candidate) => candidate.socket === null);
    if (session === undefined) return null;
    session.kind = kind;
    session.socket = socket;
    session.namespace = null;
    session.tried = 0;
    return session;
  }

  /** Names the client that a proxy's session is for. */
  serve(session: Session, clientIp: number, clientPort: number, askedIp: number): void {
    session.clientIp = clientIp;
    session.clientPort = clientPort;
    session.askedIp = askedIp;
    if (session.kind === SessionKind.Proxy && session.socket !== null) this.byClient.set(clientKey(session.socket, clientIp, clientPort), session);
  }

  /** Gives the session its own end, in place of the one it had. */
  bind(session: Session, namespace: Namespace, port: number, remoteIp: number, remotePort: number): void {
    this.unbind(session);
    session.namespace = namespace;
    session.port = port;
    session.remoteIp = remoteIp;
    session.remotePort = remotePort;
    this.byPort.set(portKey(namespace, port), session);
  }

  at(namespace: Namespace, port: number): Session | null {
    return this.byPort.get(portKey(namespace, port)) ?? null;
  }

  find(namespace: Namespace, port: number, remoteIp: number, remotePort: number): Session | null {
    const session = this.at(namespace, port);
    return session !== null && session.remoteIp === remoteIp && session.remotePort === remotePort ? session : null;
  }

  ofClient(socket: Socket, clientIp: number, clientPort: number): Session | null {
    return this.byClient.get(clientKey(socket, clientIp, clientPort)) ?? null;
  }

  release(session: Session): void {
    this.unbind(session);
    if (session.kind === SessionKind.Proxy && session.socket !== null) {
      this.byClient.delete(clientKey(session.socket, session.clientIp, session.clientPort));
    }
    session.socket = null;
    session.flow = null;
    session.deadline = NO_DEADLINE;
  }

  /** The process is gone, and its sockets with it. */
  releaseOf(socket: Socket): void {
    for (const session of this.sessions) if (session.socket === socket) this.release(session);
  }

  private unbind(session: Session): void {
    if (session.namespace !== null) this.byPort.delete(portKey(session.namespace, session.port));
    session.namespace = null;
  }
}

function portKey(namespace: Namespace, port: number): string {
  return `${namespace.index}/${port}`;
}

function clientKey(socket: Socket, clientIp: number, clientPort: number): string {
  return `${socket.index}/${clientIp}/${clientPort}`;
}
