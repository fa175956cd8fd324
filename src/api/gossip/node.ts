import type { Nanoseconds } from "../../engine/engine";
import type { Row } from "./rows";
import { retransmits, suspicionTimeout } from "./timing";

/** One thing that nodes tell one another. */
export type News =
  /** `row` undefined: the endpoint is gone; `of` is what it was. */
  | { readonly kind: "row"; readonly key: string; readonly networkId: string; readonly version: number; readonly row: Row | undefined; readonly of: Row; readonly origin: string }
  | { readonly kind: "suspect" | "dead"; readonly subject: string; readonly incarnation: number; readonly by: string }
  | { readonly kind: "alive"; readonly subject: string; readonly incarnation: number };

/** How much a packet has room for, and what goes around each message. */
export interface PacketRoom {
  readonly room: number;
  readonly overhead: number;
}

export interface Packed {
  readonly news: readonly News[];
  readonly messages: readonly Uint8Array[];
}

interface Queued {
  readonly news: News;
  left: number;
}

interface Suspicion {
  readonly since: Nanoseconds;
  readonly by: Set<string>;
}

/** What the process of one node knows (memberlist state.go, libnetwork networkdb): of its own members' health, and what it has still to tell. */
export class GossipNode {
  /** Rows that it has an old version of, or none. */
  readonly stale = new Map<string, Row | undefined>();
  readonly failed = new Set<string>();
  readonly suspects = new Map<string, Suspicion>();
  /** The newest incarnation that it has heard of a node. */
  readonly #incarnations = new Map<string, number>();
  readonly #queue = new Map<string, Queued>();
  #order: string[] = [];

  constructor(readonly host: string) {}

  get hasNews(): boolean {
    return this.#queue.size > 0;
  }

  tell(news: News, nodes: number): void {
    const about = news.kind === "row" ? news.key : `${news.kind === "suspect" ? `suspect by ${news.by}` : "state"} of ${news.subject}`;
    this.#queue.delete(about);
    this.#queue.set(about, { news, left: retransmits(nodes) });
  }

  /** The networks of whose entries it has news. */
  newsNetworks(): Set<string> {
    return new Set([...this.#queue.values()].flatMap(({ news }) => (news.kind === "row" ? [news.networkId] : [])));
  }

  /** As much as fits into one packet about members (`networkId` undefined) or the entries of a network, the least told first. */
  pack(networkId: string | undefined, { room, overhead }: PacketRoom, messagesOf: (news: News) => readonly Uint8Array[]): Packed {
    const packed = { news: [] as News[], messages: [] as Uint8Array[] };
    let left = room;
    for (const [about, queued] of [...this.#queue].sort(([, a], [, b]) => b.left - a.left)) {
      const { news } = queued;
      if ((news.kind === "row" ? news.networkId : undefined) !== networkId) continue;
      const messages = messagesOf(news);
      const size = messages.reduce((sum, { length }) => sum + overhead + length, 0);
      if (size > left) continue;
      packed.news.push(news);
      packed.messages.push(...messages);
      left -= size;
      if (--queued.left <= 0) this.#queue.delete(about);
    }
    return packed;
  }

  /** Takes back what nobody is there to hear. */
  forgetUnheard(isHeard: (news: News) => boolean): void {
    for (const [about, { news }] of this.#queue) if (!isHeard(news)) this.#queue.delete(about);
  }

  /** Whom it probes next: all in turn, in an order of chance. */
  nextToProbe(members: readonly string[], shuffle: (members: string[]) => string[]): string | undefined {
    for (let tries = 0; tries <= members.length + 1; tries++) {
      const next = this.#order.shift();
      if (next === undefined) this.#order = shuffle(members.filter((member) => member !== this.host));
      else if (members.includes(next) && !this.failed.has(next)) return next;
    }
    return undefined;
  }

  incarnationOf(host: string): number {
    return this.#incarnations.get(host) ?? 0;
  }

  /** It is suspected or said to be dead, and says that it is not. */
  refute(): News {
    const incarnation = this.incarnationOf(this.host) + 1;
    this.#incarnations.set(this.host, incarnation);
    return { kind: "alive", subject: this.host, incarnation };
  }

  /** Returns whether that was news. */
  hearSuspicion(subject: string, incarnation: number, by: string, now: Nanoseconds): boolean {
    if (this.failed.has(subject) || incarnation < this.incarnationOf(subject)) return false;
    const known = this.suspects.get(subject);
    if (known?.by.has(by)) return false;
    if (known) known.by.add(by);
    else this.suspects.set(subject, { since: now, by: new Set([by]) });
    return true;
  }

  hearDeath(subject: string, incarnation: number): boolean {
    if (this.failed.has(subject) || incarnation < this.incarnationOf(subject)) return false;
    this.suspects.delete(subject);
    this.failed.add(subject);
    return true;
  }

  hearLife(subject: string, incarnation: number): boolean {
    if (incarnation <= this.incarnationOf(subject)) return false;
    this.#incarnations.set(subject, incarnation);
    this.suspects.delete(subject);
    this.failed.delete(subject);
    return true;
  }

  /** Those that have been suspected for too long. */
  overdue(nodes: number, now: Nanoseconds): string[] {
    return [...this.suspects].filter(([, { since, by }]) => now >= since + suspicionTimeout(nodes, by.size - 1)).map(([subject]) => subject);
  }
}
