import type { Nanoseconds, Tally } from "../../engine/engine";
import type { Shipment } from "./carrier";
import type { GossipNode, News } from "./node";
import type { Parts } from "./parts";
import type { Telling } from "./telling";
import { GOSSIP_PORT, INDIRECT_CHECKS, PROBE_INTERVAL, PROBE_TIMEOUT } from "./timing";

interface Probe {
  readonly direct: Shipment;
  readonly target: string;
  isAnswered: boolean;
}

/** memberlist probe: each node asks one other every second; who answers neither directly nor by way of others nor over TCP is suspected. */
export class Probing {
  readonly #parts: Parts;
  readonly #telling: Telling;
  readonly #probes = new Map<string, Probe>();
  /** With what voice each host's ping goes. */
  readonly #voices = new Map<string, string>();

  constructor(parts: Parts, telling: Telling) {
    this.#parts = parts;
    this.#telling = telling;
  }

  /** The pings that go on while nothing happens. */
  stand(now: Nanoseconds, counters: Tally): void {
    const { ledger, carrier, speech } = this.#parts;
    const { members } = ledger;
    for (const host of this.#voices.keys()) {
      if (ledger.nodes.has(host)) continue;
      carrier.dismiss(`probe ${host}`, now, counters);
      this.#voices.delete(host);
    }
    for (const [index, host] of members.entries()) {
      const next = members[(index + 1) % members.length]!;
      for (const protocol of ["tcp", "udp"] as const) carrier.listen(speech.placeOf(host).namespace, GOSSIP_PORT, protocol);
      const standing = carrier.standing(`probe ${host}`);
      const target = standing !== undefined && ledger.nodes.has(standing.message.to.host) ? standing.message.to.host : next;
      const voice = `${speech.voiceOf(host)} ${speech.voiceOf(target)}`;
      if (next === host || (this.#voices.get(host) === voice && standing !== undefined)) continue;
      this.#voices.set(host, voice);
      this.#ping(host, target, now, counters);
    }
  }

  round(now: Nanoseconds, counters: Tally): void {
    const { ledger, dice, timers } = this.#parts;
    for (const [host, probe] of this.#probes) this.#judge(host, probe, now, counters);
    this.#probes.clear();
    const { members } = ledger;
    for (const node of ledger.nodes.values()) {
      if (!ledger.runs(node.host)) continue;
      for (const dead of node.overdue(members.length, now)) this.#declareDead(node, dead, now);
      const target = node.nextToProbe(members, (list) => dice.some(list, list.length));
      if (target !== undefined) this.#probes.set(node.host, { target, direct: this.#ping(node.host, target, now, counters), isAnswered: false });
    }
    timers.schedule("probe check", now + PROBE_TIMEOUT, (at, seen) => this.#check(at, seen));
  }

  #ping(host: string, target: string, now: Nanoseconds, counters: Tally): Shipment {
    const { carrier, speech, ledger } = this.#parts;
    const isSuspect = ledger.nodes.get(host)?.suspects.has(target) === true;
    const said = isSuspect ? speech.pingSuspect(host, target, ledger.nodes.get(host)!.incarnationOf(target)) : speech.ping(host, target);
    const message = { purpose: "probes", transport: "datagram", from: speech.placeOf(host), to: speech.placeOf(target), port: GOSSIP_PORT, ...said, intervalNs: PROBE_INTERVAL } as const;
    // A moment later: what takes its place in the next round does so before it says the same again.
    return carrier.stand(`probe ${host}`, message, now + 1, counters);
  }

  /** Whoever has no answer yet asks others to ask, and tries TCP. */
  #check(now: Nanoseconds, counters: Tally): void {
    const { ledger, dice, post } = this.#parts;
    for (const [host, probe] of this.#probes) {
      probe.isAnswered = post.isAnswered(probe.direct, counters);
      if (probe.isAnswered) continue;
      const node = ledger.nodes.get(host);
      const candidates = ledger.members.filter((other) => other !== host && other !== probe.target && !node?.failed.has(other) && !node?.suspects.has(other));
      for (const helper of dice.some(candidates, INDIRECT_CHECKS)) this.#askHelper(host, helper, probe, now);
      this.#tryStream(host, probe, now);
    }
  }

  /** memberlist handleIndirectPing: the helper pings, and passes the answer on. */
  #askHelper(host: string, helper: string, probe: Probe, now: Nanoseconds): void {
    const { post, speech, ledger } = this.#parts;
    const { target } = probe;
    const { asked, passedOn } = speech.indirectPing(host, target, helper);
    const way = (from: string, to: string) => ({ purpose: "probes", transport: "datagram", from: speech.placeOf(from), to: speech.placeOf(to), port: GOSSIP_PORT }) as const;
    const answered = (at: Nanoseconds) =>
      post.send({ ...way(helper, host), ...passedOn }, at, {
        arrived: () => {
          probe.isAnswered = true;
        },
      });
    post.send({ ...way(host, helper), ...asked }, now, {
      arrived: (at) => {
        if (ledger.nodes.has(target) && ledger.runs(helper)) post.send({ ...way(helper, target), ...speech.ping(helper, target) }, at, { needsAnswer: true, arrived: answered });
      },
    });
  }

  #tryStream(host: string, probe: Probe, now: Nanoseconds): void {
    const { post, speech } = this.#parts;
    const message = { purpose: "probes", transport: "exchange", from: speech.placeOf(host), to: speech.placeOf(probe.target), port: GOSSIP_PORT, ...speech.streamPing(host, probe.target) } as const;
    post.send(message, now, {
      needsAnswer: true,
      arrived: () => {
        probe.isAnswered = true;
      },
    });
  }

  #judge(host: string, { direct, target, isAnswered }: Probe, now: Nanoseconds, counters: Tally): void {
    const { ledger, post } = this.#parts;
    const [node, other] = [ledger.nodes.get(host), ledger.nodes.get(target)];
    if (node === undefined || other === undefined || !ledger.runs(host)) return;
    if (!isAnswered && !post.isAnswered(direct, counters)) {
      const news: News = { kind: "suspect", subject: target, incarnation: node.incarnationOf(target), by: host };
      if (node.hearSuspicion(target, news.incarnation, host, now)) this.#telling.tell(host, news, now);
    } else if (node.suspects.has(target)) {
      // The ping said that it is suspected.
      const alive = other.refute();
      this.#telling.tell(target, alive, now);
      this.#telling.hear(host, [alive], now);
    }
  }

  #declareDead(node: GossipNode, subject: string, now: Nanoseconds): void {
    const { ledger } = this.#parts;
    const news: News = { kind: "dead", subject, incarnation: node.incarnationOf(subject), by: node.host };
    if (!node.hearDeath(subject, news.incarnation)) return;
    ledger.isChanged = true;
    this.#telling.tell(node.host, news, now);
  }
}
