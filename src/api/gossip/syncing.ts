import type { Nanoseconds } from "../../engine/engine";
import { nextBeat, type Parts } from "./parts";
import type { Telling } from "./telling";
import { GOSSIP_INTERVAL, GOSSIP_PORT, PROBE_INTERVAL, PUSH_PULL_INTERVAL, pushPullInterval } from "./timing";

/** `at`: when it is said; now unless given. */
interface When {
  readonly now: Nanoseconds;
  readonly at?: Nanoseconds;
}

/** Of so many hosts syncs are planned for the whole interval; of more of them for a part of it, as each takes room. */
const HOSTS_AT_ONCE = 20;

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
  /** When each host does what next. */
  readonly #due = new Map<string, { pushPull: Nanoseconds; bulkSync: Nanoseconds }>();
  /** Whether all is well, and nobody looks. */
  readonly #isQuiet: () => boolean;

  constructor(parts: Parts, telling: Telling, isQuiet: () => boolean) {
    this.#parts = parts;
    this.#telling = telling;
    this.#isQuiet = isQuiet;
  }

  get isDone(): boolean {
    return this.#unsynced.size === 0;
  }

  /** The rounds of all members go on from now on, not all at once. */
  begin(now: Nanoseconds): void {
    const { members, nodes } = this.#parts.ledger;
    for (const host of this.#due.keys()) if (!nodes.has(host)) this.#due.delete(host);
    for (const [index, host] of members.entries()) {
      if (this.#due.has(host)) continue;
      const pushPull = now + PROBE_INTERVAL + Math.floor((index * PUSH_PULL_INTERVAL) / members.length);
      this.#due.set(host, { pushPull, bulkSync: pushPull + PUSH_PULL_INTERVAL / 2 });
    }
    this.#schedule(now);
  }

  /** From now on somebody looks: what was planned is done when its time comes, with the words of then. */
  wake(now: Nanoseconds): void {
    for (const due of this.#planned.splice(0)) due(now);
    this.#parts.post.recall(now);
    this.#schedule(now);
  }

  /** Put back what was planned for later. */
  readonly #planned: ((now: Nanoseconds) => void)[] = [];

  #schedule(now: Nanoseconds): void {
    const next = Math.min(...[...this.#due.values()].map(({ pushPull, bulkSync }) => Math.min(pushPull, bulkSync)));
    if (Number.isFinite(next)) this.#parts.timers.schedule("sync", Math.max(now, next), (at) => this.#round(at));
  }

  /** Everybody whose turn it is; while all is well also those whose turn it will be, which then needs no looking at. */
  #round(now: Nanoseconds): void {
    const { ledger } = this.#parts;
    const ahead = Math.floor(PUSH_PULL_INTERVAL / Math.ceil(ledger.nodes.size / HOSTS_AT_ONCE));
    const isQuiet = this.#isQuiet();
    const until = isQuiet ? now + ahead - 1 : now;
    this.#planned.length = 0;
    for (const [host, due] of this.#due) {
      if (!ledger.nodes.has(host)) this.#due.delete(host);
      for (const [kind, interval] of [["pushPull", pushPullInterval(ledger.nodes.size)], ["bulkSync", PUSH_PULL_INTERVAL]] as const) {
        if (due[kind] > until || !ledger.nodes.has(host)) continue;
        // A moment later: what is planned is not waited for.
        const at = Math.max(now + Number(isQuiet), due[kind]);
        due[kind] = at + interval;
        this.#planned.push((time) => {
          if (at > time) due[kind] = at;
        });
        if (!ledger.runs(host)) continue;
        if (kind === "pushPull") this.#pushPullWithAnybody(host, now, at);
        else this.#bulkSyncTables(host, now, at);
      }
    }
    this.#schedule(now + 1);
  }

  /** A host has joined a network. */
  want(host: string, networkId: string, now: Nanoseconds): void {
    this.#unsynced.set(`${host}/${networkId}`, { host, networkId, isAsking: false });
    this.#parts.timers.schedule("ask", nextBeat(now, GOSSIP_INTERVAL), (at) => this.#ask(at));
  }

  /** networkdb reconnectNode: whoever is taken for failed is asked to join again. */
  reconnect(host: string, lost: string, now: Nanoseconds): void {
    this.#pushPull(host, lost, { now, isJoin: true }, (at) => this.#bulkSync(host, lost, this.#parts.ledger.common(host, lost), { now: at }));
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
        this.#bulkSync(host, peer, [networkId], { now }, () => this.#unsynced.delete(key));
        timers.schedule(`ask ${key}`, now + 2 * PROBE_INTERVAL, () => {
          wish.isAsking = false;
        });
      }
    }
    if (this.#unsynced.size > 0) timers.schedule("ask", nextBeat(now, GOSSIP_INTERVAL), (at) => this.#ask(at));
  }

  /** memberlist pushPull: with anybody whom it takes for alive. */
  #pushPullWithAnybody(host: string, now: Nanoseconds, at: Nanoseconds): void {
    const [peer] = this.#parts.dice.some(this.#peersOf(host), 1);
    if (peer !== undefined) this.#pushPull(host, peer, { now, at });
  }

  /** networkdb bulkSyncTables: for each network somebody who has it; what two have in common is done at once. */
  #bulkSyncTables(host: string, now: Nanoseconds, at: Nanoseconds): void {
    const { ledger, dice } = this.#parts;
    const left = new Set(ledger.local.get(host));
    for (const networkId of left) {
      const [peer] = dice.some(this.#peersOf(host).filter((other) => ledger.uses(other, networkId)), 1);
      if (peer === undefined) continue;
      const common = ledger.common(host, peer);
      for (const done of common) left.delete(done);
      this.#bulkSync(host, peer, common, { now, at });
    }
  }

  #peersOf(host: string): string[] {
    const { ledger } = this.#parts;
    return ledger.members.filter((other) => other !== host && !ledger.nodes.get(host)?.failed.has(other));
  }

  #pushPull(from: string, to: string, { isJoin = false, ...when }: When & { readonly isJoin?: boolean }, then: (now: Nanoseconds) => void = () => undefined): void {
    const { ledger, speech } = this.#parts;
    const [one, other] = [ledger.nodes.get(from), ledger.nodes.get(to)];
    if (one === undefined || other === undefined) return;
    this.#exchange(from, to, speech.pushPull(one, other, ledger.members, ledger.local, isJoin), when, (at) => {
      this.#mergeMembers(from, to, at);
      then(at);
    });
  }

  #bulkSync(from: string, to: string, networks: readonly string[], when: When, then: (now: Nanoseconds) => void = () => undefined): void {
    const { ledger, speech } = this.#parts;
    if (networks.length === 0) return;
    const know = (host: string) => ({ rows: ledger.known(host, networks), versionOf: (key: string) => ledger.versionOf(key) });
    this.#exchange(from, to, speech.bulkSync(from, to, networks, know), when, (at) => {
      this.#mergeRows(from, to, networks);
      then(at);
    });
  }

  #exchange(from: string, to: string, said: ReturnType<Parts["speech"]["bulkSync"]>, { now, at = now }: When, arrived: (now: Nanoseconds) => void): void {
    const { post, speech } = this.#parts;
    const message = { purpose: "sync", transport: "exchange", from: speech.placeOf(from), to: speech.placeOf(to), port: GOSSIP_PORT, ...said } as const;
    post.send(message, now, { needsAnswer: true, at, arrived });
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
