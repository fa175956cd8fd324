import type { Nanoseconds } from "../../engine/engine";
import type { GossipNode, News, Packed } from "./node";
import { nextBeat, type Parts } from "./parts";
import { isSameRow } from "./rows";
import { GOSSIP_INTERVAL, GOSSIP_NODES, GOSSIP_PORT, MEMBER_OVERHEAD, MEMBER_ROOM, TABLE_OVERHEAD, TABLE_ROOM } from "./timing";

/** Everybody who has news tells some others: memberlist of members, NetworkDB of entries of a network to nodes that have it (networkdb cluster.go: gossip). */
export class Telling {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** A node has something to tell. */
  tell(host: string, news: News, now: Nanoseconds): void {
    const { ledger, timers } = this.#parts;
    ledger.nodes.get(host)?.tell(news, ledger.nodes.size);
    timers.schedule("gossip", nextBeat(now, GOSSIP_INTERVAL), (at) => this.round(at));
  }

  get isSilent(): boolean {
    const { ledger } = this.#parts;
    return ![...ledger.nodes.values()].some(({ hasNews, host }) => hasNews && ledger.runs(host));
  }

  round(now: Nanoseconds): void {
    const { ledger, timers } = this.#parts;
    for (const node of ledger.nodes.values()) if (ledger.runs(node.host)) this.#speak(node, now);
    if (!this.isSilent) timers.schedule("gossip", nextBeat(now, GOSSIP_INTERVAL), (at) => this.round(at));
  }

  #speak(node: GossipNode, now: Nanoseconds): void {
    const { ledger, dice, speech } = this.#parts;
    const { host } = node;
    const messagesOf = (news: News) => speech.messagesOf(news);
    const others = ledger.members.filter((other) => other !== host && !node.failed.has(other));
    node.forgetUnheard((news) => news.kind !== "row" || ledger.members.some((other) => other !== host && ledger.matters(other, news.key)));
    for (const to of dice.some(others, node.hasNews ? GOSSIP_NODES : 0)) {
      const packed = node.pack(undefined, { room: MEMBER_ROOM, overhead: MEMBER_OVERHEAD }, messagesOf);
      if (packed.messages.length > 0) this.#send(host, to, packed, speech.aboutMembers(host, packed.messages), now);
    }
    for (const networkId of node.newsNetworks()) {
      const listeners = dice.some(others.filter((other) => ledger.uses(other, networkId)), GOSSIP_NODES);
      if (listeners.length === 0) continue;
      const packed = node.pack(networkId, { room: TABLE_ROOM, overhead: TABLE_OVERHEAD }, messagesOf);
      if (packed.messages.length === 0) continue;
      const said = speech.aboutRows(host, packed.messages);
      for (const to of listeners) this.#send(host, to, packed, said, now);
    }
  }

  #send(from: string, to: string, { news }: Packed, said: ReturnType<Parts["speech"]["aboutRows"]>, now: Nanoseconds): void {
    const { post, speech } = this.#parts;
    const message = { purpose: "gossip", transport: "datagram", from: speech.placeOf(from), to: speech.placeOf(to), port: GOSSIP_PORT, ...said } as const;
    post.send(message, now, { arrived: (at) => this.hear(to, news, at) });
  }

  /** News has reached a node; what is new to it, it tells on. */
  hear(host: string, all: readonly News[], now: Nanoseconds): void {
    const { ledger } = this.#parts;
    const node = ledger.nodes.get(host);
    if (node === undefined || !ledger.runs(host)) return;
    for (const news of all) {
      if (news.kind !== "row" && news.kind !== "alive" && news.subject === host) this.tell(host, node.refute(), now);
      else if (this.#isNews(node, news, now)) this.tell(host, news, now);
    }
  }

  #isNews(node: GossipNode, news: News, now: Nanoseconds): boolean {
    const { ledger } = this.#parts;
    if (news.kind === "row") {
      if (!node.stale.has(news.key)) return false;
      const isLatest = news.version === ledger.versionOf(news.key);
      if (!isLatest && isSameRow(node.stale.get(news.key), news.row)) return false;
      if (isLatest) node.stale.delete(news.key);
      else node.stale.set(news.key, news.row);
      ledger.isChanged = true;
      return true;
    }
    // Word of somebody who has left meanwhile.
    if (!ledger.nodes.has(news.subject)) return false;
    if (news.kind === "suspect") return node.hearSuspicion(news.subject, news.incarnation, news.by, now);
    const wasFailed = node.failed.has(news.subject);
    const isNew = news.kind === "dead" ? node.hearDeath(news.subject, news.incarnation) : node.hearLife(news.subject, news.incarnation);
    if (wasFailed !== node.failed.has(news.subject)) ledger.isChanged = true;
    return isNew;
  }
}
