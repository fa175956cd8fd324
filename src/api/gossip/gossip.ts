import type { Counters, Nanoseconds } from "../../engine/engine";
import { SimulationError } from "../../errors";
import { parseIpv4 } from "../../net/ip";
import type { Timekeeper } from "../agenda";
import type { DockerState } from "../spec";
import { Carrier, type HostPlace, type Message, type Shipment } from "./carrier";
import type { GossipContext, ManagementReport } from "./context";
import { Dice } from "./dice";
import { Heartbeats } from "./heartbeats";
import type { View } from "./layer";
import { GossipNode, type News } from "./node";
import { isSameRow, localNetworks, mistakenView, type Rows, rowsOf } from "./rows";
import {
  ACK_BYTES, GOSSIP_INTERVAL, GOSSIP_NODES, GOSSIP_PORT, INDIRECT_CHECKS, MEMBER_BYTES, PING_BYTES, PROBE_INTERVAL, PROBE_TIMEOUT, PUSH_PULL_INTERVAL, ROW_BYTES, SYNC_BYTES,
} from "./sizes";
import { Timers } from "./timers";

interface UnderWay {
  readonly shipment: Shipment;
  readonly arrived: () => void;
  /** It takes the answer to make it count. */
  readonly needsAnswer: boolean;
}

interface Probe {
  readonly direct: Shipment;
  readonly target: string;
  /** By way of others, and over TCP. */
  readonly others: (readonly Shipment[])[];
  isAnswered: boolean;
}

/** Rounds of probes without a failure after which nobody looks at them any more. */
const QUIET_ROUNDS = 3;
const HOSTS_PER_BEAT = 10;
/** How soon after messages were sent their arrival is looked for. */
const LOOKS: readonly Nanoseconds[] = [5e6, 50e6];

/**
 * The control plane of swarms in packets: probes of memberlist, gossip and syncs of NetworkDB (port 7946), heartbeats (port 2377). What
 * hosts know of one another's endpoints changes when packets arrive. While everything is well the packets go on without being looked at.
 */
export class Gossip implements Timekeeper {
  readonly #context: GossipContext;
  readonly #carrier: Carrier;
  readonly #heartbeats: Heartbeats;
  readonly #dice: Dice;
  readonly #nodes = new Map<string, GossipNode>();
  #rows: Rows = new Map();
  #local: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  readonly #versions = new Map<string, number>();
  #underWay: UnderWay[] = [];
  #probes = new Map<string, Probe>();
  /** Networks that a host has joined and knows nobody of yet: `host/network`. */
  readonly #unsynced = new Map<string, { readonly host: string; readonly networkId: string; isAsking: boolean }>();
  readonly #timers = new Timers();
  #quietRounds = 0;
  #isAwake = false;
  #isChanged = false;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(context: GossipContext) {
    this.#context = context;
    this.#carrier = new Carrier(context.flows);
    this.#heartbeats = new Heartbeats(this.#carrier);
    this.#dice = new Dice(context.seed);
    this.#meet(context.topology.state, true);
    this.#timers.schedule("stand", context.now(), (now, counters) => this.#stand(now, counters));
  }

  get nextAt(): Nanoseconds | undefined {
    return this.#timers.nextAt;
  }

  async act(now: Nanoseconds): Promise<void> {
    const counters = await this.#context.counters();
    this.#look(now, counters);
    for (let due = this.#timers.takeDue(now); due !== undefined; due = this.#timers.takeDue(now)) await due.run(now, counters);
    const patch = this.#carrier.takePatch(counters);
    if (patch) await this.#context.apply(patch);
    if (this.#isChanged) await this.#refresh(now);
  }

  /** Where hosts know so many different things that the engine has no room for them, packets follow when they agree more. */
  async #refresh(now: Nanoseconds): Promise<void> {
    // Laying a large swarm out anew takes real time: what comes soon after waits for a beat, or more of them the more hosts there are.
    const next = this.#refreshedAt + GOSSIP_INTERVAL * Math.ceil(this.#nodes.size / HOSTS_PER_BEAT);
    if (now < next) {
      this.#timers.schedule("refresh", next, () => undefined);
      return;
    }
    this.#refreshedAt = now;
    this.#isChanged = false;
    try {
      await this.#context.refresh();
    } catch (error) {
      if (!(error instanceof SimulationError) || error.code !== "LIMIT_EXCEEDED") throw error;
      this.#isChanged = true;
    }
  }

  /** What a host believes. */
  readonly view: View = (state, host) => {
    const node = this.#nodes.get(host);
    return node === undefined || (node.stale.size === 0 && node.failed.size === 0) ? state : mistakenView(state, host, rowsOf(state), node);
  };

  /** The daemons have changed something, or the world has: there is news, and reason to watch. */
  followed(): void {
    const { state } = this.#context.topology;
    const [rows, local, now] = [rowsOf(state), localNetworks(state), this.#context.now()];
    this.#meet(state, false);
    for (const key of new Set([...this.#rows.keys(), ...rows.keys()])) {
      const [before, after] = [this.#rows.get(key), rows.get(key)];
      const subject = after ?? before;
      if (subject === undefined || isSameRow(before, after)) continue;
      const version = (this.#versions.get(key) ?? 0) + 1;
      this.#versions.set(key, version);
      for (const node of this.#nodes.values()) {
        if (node.host !== subject.host && local.get(node.host)?.has(subject.networkId) && !node.stale.has(key)) node.stale.set(key, before);
      }
      this.#tell(subject.host, { kind: "row", key, networkId: subject.networkId, version, row: after, origin: subject.host });
    }
    for (const [host, networks] of local) for (const id of networks) if (!this.#local.get(host)?.has(id)) this.#joinNetwork(host, id, rows);
    this.#rows = rows;
    this.#local = local;
    for (const node of this.#nodes.values()) for (const key of node.stale.keys()) if (!this.#matters(node.host, key)) node.stale.delete(key);
    this.#wake(now);
  }

  async report(): Promise<ManagementReport> {
    const traffic = this.#carrier.volumes(await this.#context.counters());
    const nodes = [...this.#nodes.values()].map(({ host, suspects, failed, stale }) => ({ host, suspects: [...suspects.keys()], failed: [...failed], behind: stale.size }));
    return { isConverged: nodes.every(({ suspects, failed, behind }) => suspects.length + failed.length + behind === 0), nodes, traffic };
  }

  /** Whether a row of a key is any business of a host. */
  #matters(host: string, key: string): boolean {
    return this.#local.get(host)?.has(key.slice(0, key.indexOf("/"))) === true;
  }

  #meet(state: DockerState, isConverged: boolean): void {
    const members = state.hosts.filter(({ swarm }) => swarm?.role !== undefined && swarm.nodeId !== "").map(({ name }) => name);
    for (const host of members) if (!this.#nodes.has(host)) this.#nodes.set(host, new GossipNode(host));
    for (const host of this.#nodes.keys()) {
      if (members.includes(host)) continue;
      this.#nodes.delete(host);
      for (const node of this.#nodes.values()) for (const known of [node.failed, node.suspects]) known.delete(host);
    }
    if (!isConverged) return;
    this.#rows = rowsOf(state);
    this.#local = localNetworks(state);
  }

  /** It knows nobody there until somebody has told it everything. */
  #joinNetwork(host: string, networkId: string, rows: Rows): void {
    const node = this.#nodes.get(host);
    if (node === undefined) return;
    const others = [...rows.values()].filter((row) => row.networkId === networkId && row.host !== host);
    if (others.length === 0) return;
    for (const { key } of others) node.stale.set(key, undefined);
    this.#isChanged = true;
    this.#unsynced.set(`${host}/${networkId}`, { host, networkId, isAsking: false });
  }

  #members(): string[] {
    return [...this.#nodes.keys()];
  }

  #runs(host: string): boolean {
    return !this.#context.failed.has(host);
  }

  #tell(host: string, news: News): void {
    this.#nodes.get(host)?.tell(news, this.#nodes.size);
    this.#timers.schedule("gossip", nextBeat(this.#context.now(), GOSSIP_INTERVAL), (now) => this.#gossip(now));
  }

  #place(host: string): HostPlace {
    const { program, state } = this.#context.topology;
    const address = state.hosts.find(({ name }) => name === host)?.swarm?.address ?? "";
    return { namespace: program.names.namespaces.indexOf(host), ip: parseIpv4(address, `${host}: address`) };
  }

  #message(from: string, to: string, settings: Pick<Message, "purpose" | "transport" | "bytes" | "answerBytes"> & { readonly intervalNs?: Nanoseconds }): Message {
    return { from: this.#place(from), to: this.#place(to), port: GOSSIP_PORT, ...settings };
  }

  /** The flows that go on while nothing happens: each node probes another, and they sync in turn. */
  #stand(now: Nanoseconds, counters: Counters): void {
    const members = this.#members();
    for (const [index, host] of members.entries()) {
      const next = members[(index + 1) % members.length]!;
      for (const protocol of ["tcp", "udp"] as const) this.#carrier.listen(this.#place(host).namespace, GOSSIP_PORT, protocol);
      if (next === host || this.#carrier.standing(`probe ${host}`) !== undefined) continue;
      this.#probeStanding(host, next, now, counters);
      // Not all at once.
      const startsAt = now + PROBE_INTERVAL + Math.floor((index * PUSH_PULL_INTERVAL) / members.length);
      this.#carrier.stand(`sync ${host}`, this.#syncMessage(host, next, PUSH_PULL_INTERVAL), startsAt, counters);
    }
    const { state } = this.#context.topology;
    this.#heartbeats.stand(state, { now, counters, nodes: this.#nodes, placeOf: (host) => this.#place(host) });
  }

  #probeStanding(host: string, target: string, now: Nanoseconds, counters: Counters): Shipment {
    const message = this.#message(host, target, { purpose: "probes", transport: "datagram", bytes: PING_BYTES, answerBytes: ACK_BYTES, intervalNs: PROBE_INTERVAL });
    return this.#carrier.stand(`probe ${host}`, message, now, counters);
  }

  #syncMessage(from: string, to: string, intervalNs = 0): Message {
    const sizeOf = (host: string) => {
      const networks = this.#local.get(host);
      const rows = [...this.#rows.values()].filter(({ networkId }) => networks?.has(networkId)).length;
      return SYNC_BYTES + this.#nodes.size * MEMBER_BYTES + rows * ROW_BYTES;
    };
    return this.#message(from, to, { purpose: "sync", transport: "exchange", bytes: sizeOf(from), answerBytes: sizeOf(to), intervalNs });
  }

  #wake(now: Nanoseconds): void {
    this.#quietRounds = 0;
    this.#timers.schedule("stand", now, (at, counters) => this.#stand(at, counters));
    if (this.#isAwake || this.#nodes.size < 2) return;
    this.#isAwake = true;
    this.#timers.schedule("probe", nextBeat(now, PROBE_INTERVAL), (at, counters) => this.#probeRound(at, counters));
    this.#timers.schedule("gossip", nextBeat(now, GOSSIP_INTERVAL), (at) => this.#gossip(at));
    this.#timers.schedule("sync", now + PUSH_PULL_INTERVAL, (at) => this.#syncRound(at));
  }

  /** Sends a message; `arrived` happens when it has, if it ever does. */
  #send(message: Message, now: Nanoseconds, needsAnswer: boolean, arrived: () => void): void {
    this.#underWay.push({ shipment: this.#carrier.send(message, now), arrived, needsAnswer });
    for (const later of LOOKS) this.#timers.schedule(`look ${later}`, now + later, () => undefined);
    this.#timers.schedule("look", now + PROBE_TIMEOUT, () => undefined);
  }

  #look(now: Nanoseconds, counters: Counters): void {
    const watched = this.#underWay;
    this.#underWay = [];
    for (const entry of watched) {
      const { shipment, needsAnswer, arrived } = entry;
      const { delivered = 0, answered = 0 } = this.#carrier.stateOf(shipment, counters) ?? {};
      if ((needsAnswer ? answered : delivered) > 0) arrived();
      else if (!this.#carrier.isLost(shipment, now)) {
        this.#underWay.push(entry);
        continue;
      }
      this.#carrier.release(shipment);
    }
    if (this.#underWay.length > 0) this.#timers.schedule("look", now + PROBE_TIMEOUT, () => undefined);
  }

  /** networkdb gossip, memberlist gossip: everybody who has news tells some others. */
  #gossip(now: Nanoseconds): void {
    for (const node of this.#nodes.values()) {
      if (!this.#runs(node.host)) continue;
      node.forgetUnheard((news) => news.kind !== "row" || this.#members().some((host) => host !== node.host && this.#matters(host, news.key)));
      const others = this.#members().filter((host) => host !== node.host && !node.failed.has(host));
      for (const to of this.#dice.some(others, node.hasNews ? GOSSIP_NODES : 0)) {
        const { news, bytes } = node.pack((one) => one.kind !== "row" || this.#matters(to, one.key));
        if (news.length === 0) continue;
        const message = this.#message(node.host, to, { purpose: "gossip", transport: "datagram", bytes: bytes + ACK_BYTES, answerBytes: ACK_BYTES });
        this.#send(message, now, false, () => this.#hear(to, news));
      }
    }
    this.#askForNetworks(now);
    const hasMore = this.#unsynced.size > 0 || [...this.#nodes.values()].some(({ hasNews, host }) => hasNews && this.#runs(host));
    if (hasMore) this.#timers.schedule("gossip", now + GOSSIP_INTERVAL, (at) => this.#gossip(at));
  }

  /** networkdb bulkSync of a network that a node has joined. */
  #askForNetworks(now: Nanoseconds): void {
    for (const [key, wish] of this.#unsynced) {
      const { host, networkId, isAsking } = wish;
      const node = this.#nodes.get(host);
      if (node === undefined || !this.#local.get(host)?.has(networkId)) this.#unsynced.delete(key);
      else if (!isAsking && this.#runs(host)) {
        const [peer] = this.#dice.some(this.#members().filter((other) => other !== host && !node.failed.has(other) && this.#local.get(other)?.has(networkId)), 1);
        if (peer === undefined) continue;
        wish.isAsking = true;
        this.#send(this.#syncMessage(host, peer), now, true, () => {
          this.#unsynced.delete(key);
          this.#sync(host, peer);
        });
        this.#timers.schedule(`ask ${key}`, now + 2 * PROBE_INTERVAL, () => {
          wish.isAsking = false;
        });
      }
    }
  }

  #syncRound(now: Nanoseconds): void {
    if (!this.#isAwake) return;
    for (const node of this.#nodes.values()) {
      const [peer] = this.#runs(node.host) ? this.#dice.some(this.#members().filter((host) => host !== node.host && !node.failed.has(host)), 1) : [];
      if (peer !== undefined) this.#send(this.#syncMessage(node.host, peer), now, true, () => this.#sync(node.host, peer));
    }
    this.#timers.schedule("sync", now + PUSH_PULL_INTERVAL, (at) => this.#syncRound(at));
  }

  /** Both have told each other everything (memberlist mergeState, networkdb handleBulkSync). */
  #sync(one: string, other: string): void {
    for (const [to, from] of [[one, other], [other, one]] as const) {
      const [hearer, teller] = [this.#nodes.get(to), this.#nodes.get(from)];
      if (hearer === undefined || teller === undefined) continue;
      if (hearer.failed.has(from) || hearer.suspects.has(from)) this.#hear(to, [teller.refute()]);
      for (const dead of teller.failed) if (dead !== to && !hearer.failed.has(dead)) this.#hear(to, [{ kind: "suspect", subject: dead, incarnation: teller.incarnationOf(dead), by: from }]);
      for (const key of [...hearer.stale.keys()]) {
        const owns = key.split("/")[1] === from;
        if (!owns && (teller.stale.has(key) || !this.#matters(from, key))) continue;
        hearer.stale.delete(key);
        this.#isChanged = true;
      }
    }
  }

  /** News has reached a node; what is new to it, it tells on. */
  #hear(host: string, all: readonly News[]): void {
    const node = this.#nodes.get(host);
    if (node === undefined || !this.#runs(host)) return;
    const now = this.#context.now();
    for (const news of all) {
      if (news.kind === "row") {
        if (!node.stale.has(news.key)) continue;
        const isLatest = news.version === this.#versions.get(news.key);
        if (!isLatest && isSameRow(node.stale.get(news.key), news.row)) continue;
        if (isLatest) node.stale.delete(news.key);
        else node.stale.set(news.key, news.row);
        this.#isChanged = true;
      } else if (news.kind !== "alive" && news.subject === host) {
        this.#tell(host, node.refute());
        continue;
      } else if (news.kind === "suspect") {
        if (!node.hearSuspicion(news.subject, news.incarnation, news.by, now)) continue;
      } else {
        const wasFailed = node.failed.has(news.subject);
        const isNew = news.kind === "dead" ? node.hearDeath(news.subject, news.incarnation) : node.hearLife(news.subject, news.incarnation);
        if (!isNew) continue;
        if (wasFailed !== node.failed.has(news.subject)) this.#isChanged = true;
      }
      this.#tell(host, news);
    }
  }

  /** memberlist probe: who answers neither directly nor by way of others within the interval is suspected. */
  #probeRound(now: Nanoseconds, counters: Counters): void {
    for (const [host, probe] of this.#probes) this.#judge(host, probe, now, counters);
    this.#probes = new Map();
    const members = this.#members();
    for (const node of this.#nodes.values()) {
      if (!this.#runs(node.host)) continue;
      for (const dead of node.overdue(members.length, now)) this.#declareDead(node, dead);
      const target = node.nextToProbe(members, (list) => this.#dice.some(list, list.length));
      if (target !== undefined) this.#probes.set(node.host, { target, direct: this.#probeStanding(node.host, target, now, counters), others: [], isAnswered: false });
      const [lost] = this.#dice.some([...node.failed], 1);
      // networkdb reconnectNode.
      if (lost !== undefined) this.#send(this.#syncMessage(node.host, lost), now, true, () => this.#sync(node.host, lost));
    }
    this.#heartbeats.check(this.#context.topology.state, { now, counters, nodes: this.#nodes, placeOf: (host) => this.#place(host) });
    for (const [host, isReachable] of this.#heartbeats.takeVerdicts()) this.#timers.schedule(`verdict ${host}`, now, () => this.#context.setReachable(host, isReachable));
    if (this.#isQuiet()) {
      this.#isAwake = false;
      return;
    }
    this.#timers.schedule("probe check", now + PROBE_TIMEOUT, (at, seen) => this.#checkProbes(at, seen));
    this.#timers.schedule("probe", now + PROBE_INTERVAL, (at, seen) => this.#probeRound(at, seen));
  }

  #isQuiet(): boolean {
    const isWell = [...this.#nodes.values()].every(({ stale, failed, suspects, hasNews }) => stale.size + failed.size + suspects.size === 0 && !hasNews);
    this.#quietRounds = isWell && this.#underWay.length === 0 && this.#heartbeats.isWell && this.#context.failed.size === 0 ? this.#quietRounds + 1 : 0;
    return this.#quietRounds > QUIET_ROUNDS;
  }

  #checkProbes(now: Nanoseconds, counters: Counters): void {
    for (const [host, probe] of this.#probes) {
      probe.isAnswered = this.#isAnswered(probe.direct, counters);
      if (probe.isAnswered) continue;
      const { target } = probe;
      const ping = { purpose: "probes" as const, bytes: PING_BYTES, answerBytes: ACK_BYTES };
      const helpers = this.#dice.some(this.#members().filter((other) => other !== host && other !== target && this.#runs(other)), INDIRECT_CHECKS);
      const ways = helpers.map((helper) => [[host, helper], [helper, target]].map(([from, to]) => this.#carrier.send(this.#message(from!, to!, { ...ping, transport: "datagram" }), now)));
      probe.others.push(...ways, [this.#carrier.send(this.#message(host, target, { ...ping, transport: "exchange" }), now)]);
    }
  }

  #judge(host: string, { direct, target, others, isAnswered }: Probe, now: Nanoseconds, counters: Counters): void {
    const hasAnswered = isAnswered || this.#isAnswered(direct, counters) || others.some((way) => way.every((shipment) => this.#isAnswered(shipment, counters)));
    for (const shipment of others.flat()) this.#carrier.release(shipment);
    const [node, other] = [this.#nodes.get(host), this.#nodes.get(target)];
    if (node === undefined || other === undefined) return;
    if (!hasAnswered) {
      this.#quietRounds = 0;
      const news: News = { kind: "suspect", subject: target, incarnation: node.incarnationOf(target), by: host };
      if (node.hearSuspicion(target, news.incarnation, host, now)) this.#tell(host, news);
    } else if (node.suspects.has(target)) {
      // A ping to a suspect says that it is one.
      const alive = other.refute();
      this.#tell(target, alive);
      this.#hear(host, [alive]);
    }
  }

  #declareDead(node: GossipNode, subject: string): void {
    const news: News = { kind: "dead", subject, incarnation: node.incarnationOf(subject), by: node.host };
    if (!node.hearDeath(subject, news.incarnation)) return;
    this.#isChanged = true;
    this.#tell(node.host, news);
  }

  #isAnswered(shipment: Shipment, counters: Counters): boolean {
    return (this.#carrier.stateOf(shipment, counters)?.answered ?? 0) > 0;
  }
}

/** The next multiple of an interval. */
function nextBeat(now: Nanoseconds, interval: Nanoseconds): Nanoseconds {
  return (Math.floor(now / interval) + 1) * interval;
}
