import type { Nanoseconds } from "../../engine/engine";
import { nextBeat, type Parts } from "./parts";
import type { Telling } from "./telling";
import { GOSSIP_INTERVAL, GOSSIP_PORT, PROBE_INTERVAL, PUSH_PULL_INTERVAL, pushPullInterval } from "./timing";

interface Wish {
  readonly host: string;
  readonly networkId: string;
  isAsking: boolean;
}

/**
 * Two nodes tell each other everything, over TCP: push-pulls of memberlist about members, bulk syncs of NetworkDB about the entries of the
 * networks that both have. Differs from Docker: the answer to a bulk sync comes over the same connection, as that to a push-pull does.
 */
export class Syncing {
  readonly #parts: Parts;
  readonly #telling: Telling;
  /** Networks that a host has joined and knows nobody of yet: `host/network`. */
  readonly #unsynced = new Map<string, Wish>();
  /** Hosts whose rounds have begun. */
  readonly #begun = new Set<string>();

  constructor(parts: Parts, telling: Telling) {
    this.#parts = parts;
    this.#telling = telling;
  }

  get isDone(): boolean {
    return this.#unsynced.size === 0;
  }

  /** The rounds of all members go on from now on, not all at once. */
  begin(now: Nanoseconds): void {
    const { members } = this.#parts.ledger;
    for (const [index, host] of members.entries()) {
      if (this.#begun.has(host)) continue;
      this.#begun.add(host);
      const at = now + PROBE_INTERVAL + Math.floor((index * PUSH_PULL_INTERVAL) / members.length);
      this.#parts.timers.schedule(`push-pull ${host}`, at, (time) => this.#pushPullRound(host, time));
      this.#parts.timers.schedule(`bulk sync ${host}`, at + PUSH_PULL_INTERVAL / 2, (time) => this.#bulkSyncRound(host, time));
    }
  }

  /** A host has joined a network. */
  want(host: string, networkId: string, now: Nanoseconds): void {
    this.#unsynced.set(`${host}/${networkId}`, { host, networkId, isAsking: false });
    this.#parts.timers.schedule("ask", nextBeat(now, GOSSIP_INTERVAL), (at) => this.#ask(at));
  }

  /** networkdb reconnectNode: whoever is taken for failed is asked to join again. */
  reconnect(host: string, lost: string, now: Nanoseconds): void {
    this.#pushPull(host, lost, true, now, () => this.#bulkSync(host, lost, this.#parts.ledger.common(host, lost), now));
  }

  /** networkdb JoinNetwork: a bulk sync of the network. */
  #ask(now: Nanoseconds): void {
    const { ledger, dice, timers } = this.#parts;
    for (const [key, wish] of this.#unsynced) {
      const { host, networkId, isAsking } = wish;
      const node = ledger.nodes.get(host);
      if (node === undefined || !ledger.uses(host, networkId)) this.#unsynced.delete(key);
      else if (!isAsking && ledger.runs(host)) {
        const [peer] = dice.some(ledger.members.filter((other) => other !== host && !node.failed.has(other) && ledger.uses(other, networkId)), 1);
        if (peer === undefined) continue;
        wish.isAsking = true;
        this.#bulkSync(host, peer, [networkId], now, () => this.#unsynced.delete(key));
        timers.schedule(`ask ${key}`, now + 2 * PROBE_INTERVAL, () => {
          wish.isAsking = false;
        });
      }
    }
    if (this.#unsynced.size > 0) timers.schedule("ask", nextBeat(now, GOSSIP_INTERVAL), (at) => this.#ask(at));
  }

  /** memberlist pushPull: with anybody whom it takes for alive. */
  #pushPullRound(host: string, now: Nanoseconds): void {
    const { ledger, dice, timers } = this.#parts;
    if (!this.#goesOn(host)) return;
    timers.schedule(`push-pull ${host}`, now + pushPullInterval(ledger.nodes.size), (at) => this.#pushPullRound(host, at));
    const [peer] = dice.some(this.#peersOf(host), ledger.runs(host) ? 1 : 0);
    if (peer !== undefined) this.#pushPull(host, peer, false, now);
  }

  /** networkdb bulkSyncTables: for each network somebody who has it; what two have in common is done at once. */
  #bulkSyncRound(host: string, now: Nanoseconds): void {
    const { ledger, dice, timers } = this.#parts;
    if (!this.#goesOn(host)) return;
    timers.schedule(`bulk sync ${host}`, now + PUSH_PULL_INTERVAL, (at) => this.#bulkSyncRound(host, at));
    const left = new Set(ledger.runs(host) ? ledger.local.get(host) : []);
    for (const networkId of left) {
      const [peer] = dice.some(this.#peersOf(host).filter((other) => ledger.uses(other, networkId)), 1);
      if (peer === undefined) continue;
      const common = ledger.common(host, peer);
      for (const done of common) left.delete(done);
      this.#bulkSync(host, peer, common, now);
    }
  }

  #goesOn(host: string): boolean {
    if (this.#parts.ledger.nodes.has(host)) return true;
    this.#begun.delete(host);
    return false;
  }

  #peersOf(host: string): string[] {
    const { ledger } = this.#parts;
    return ledger.members.filter((other) => other !== host && !ledger.nodes.get(host)?.failed.has(other));
  }

  #pushPull(from: string, to: string, isJoin: boolean, now: Nanoseconds, then: () => void = () => undefined): void {
    const { ledger, speech } = this.#parts;
    const [one, other] = [ledger.nodes.get(from), ledger.nodes.get(to)];
    if (one === undefined || other === undefined) return;
    this.#exchange(from, to, speech.pushPull(one, other, ledger.members, ledger.local, isJoin), now, (at) => {
      this.#mergeMembers(from, to, at);
      then();
    });
  }

  #bulkSync(from: string, to: string, networks: readonly string[], now: Nanoseconds, then: () => void = () => undefined): void {
    const { ledger, speech } = this.#parts;
    if (networks.length === 0) return;
    const know = (host: string) => ({ rows: ledger.known(host, networks), versionOf: (key: string) => ledger.versionOf(key) });
    this.#exchange(from, to, speech.bulkSync(from, to, networks, know), now, () => {
      this.#mergeRows(from, to, networks);
      then();
    });
  }

  #exchange(from: string, to: string, said: ReturnType<Parts["speech"]["bulkSync"]>, now: Nanoseconds, arrived: (now: Nanoseconds) => void): void {
    const { post, speech } = this.#parts;
    const message = { purpose: "sync", transport: "exchange", from: speech.placeOf(from), to: speech.placeOf(to), port: GOSSIP_PORT, ...said } as const;
    post.send(message, now, { needsAnswer: true, isLeisurely: this.#isWell(from) && this.#isWell(to), arrived });
  }

  #isWell(host: string): boolean {
    const { stale, failed, suspects } = this.#parts.ledger.nodes.get(host)!;
    return stale.size + failed.size + suspects.size === 0;
  }

  /** memberlist mergeState: what the other takes for dead is suspected at first. */
  #mergeMembers(one: string, other: string, now: Nanoseconds): void {
    const { ledger } = this.#parts;
    for (const [to, from] of [[one, other], [other, one]] as const) {
      const [hearer, teller] = [ledger.nodes.get(to), ledger.nodes.get(from)];
      if (hearer === undefined || teller === undefined) continue;
      if (hearer.failed.has(from) || hearer.suspects.has(from)) this.#telling.hear(to, [teller.refute()], now);
      for (const dead of teller.failed) {
        if (dead !== to && !hearer.failed.has(dead)) this.#telling.hear(to, [{ kind: "suspect", subject: dead, incarnation: teller.incarnationOf(dead), by: from }], now);
      }
    }
  }

  /** networkdb handleBulkSync. */
  #mergeRows(one: string, other: string, networks: readonly string[]): void {
    const { ledger } = this.#parts;
    for (const [to, from] of [[one, other], [other, one]] as const) {
      const [hearer, teller] = [ledger.nodes.get(to), ledger.nodes.get(from)];
      for (const key of [...(hearer?.stale.keys() ?? [])]) {
        if (!networks.includes(key.slice(0, key.indexOf("/")))) continue;
        const owns = key.split("/")[1] === from;
        if (!owns && (teller?.stale.has(key) || !ledger.matters(from, key))) continue;
        hearer?.stale.delete(key);
        ledger.isChanged = true;
      }
    }
  }
}
