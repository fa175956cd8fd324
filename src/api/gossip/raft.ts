import type { Nanoseconds, Tally } from "../../engine/engine";
import type { DockerState } from "../spec";
import type { Message } from "./carrier";
import type { Parts } from "./parts";
import { RaftNode } from "./raft-node";
import { ELECTION_TICKS, MANAGER_PORT, RAFT_ANSWER_BYTES, RAFT_BYTES, RAFT_ENTRY_BYTES, RAFT_HEARTBEAT_ANSWER_BYTES, RAFT_TICK } from "./timing";
import { type Key, recordOf } from "./wire/sealed";

/** Who leads a swarm, and which managers think what of it. */
export interface RaftStanding {
  readonly leader: string | undefined;
  /** Managers that think they lead, although others do. */
  readonly unaware: readonly string[];
  /** Managers that know of no leader. */
  readonly leaderless: readonly string[];
  /** The leader does not hear of enough managers to decide anything. */
  readonly isBlocked: boolean;
}

/** swarmkit manager/state/raft/transport: SendTimeout: a message that has no answer for so long has failed. */
const SEND_TIMEOUT: Nanoseconds = 2 * RAFT_TICK;

const textOf = ({ leader, unaware, leaderless, isBlocked }: RaftStanding) => `${leader} ${isBlocked} ${unaware.join()} ${leaderless.join()}`;

/** The managers of a swarm elect a leader, which tells the others every second that it is there, and what has changed. */
export class Raft {
  readonly #parts: Parts;
  readonly #key: Key;
  readonly #nodes = new Map<string, RaftNode>();
  /** By follower: how many heartbeats had arrived and come back when this was looked at last. */
  readonly #seen = new Map<string, { readonly delivered: number; readonly answered: number }>();
  readonly #unheard = new Set<string>();
  #shown = "";

  constructor(parts: Parts, key: Key) {
    this.#parts = parts;
    this.#key = key;
  }

  /** There are no managers yet. */
  get isEmpty(): boolean {
    return this.#nodes.size === 0;
  }

  /** Everybody hears of the one leader that there is. */
  get isWell(): boolean {
    const { leader, unaware, leaderless } = this.standing();
    return leader !== undefined && unaware.length + leaderless.length + this.#unheard.size === 0;
  }

  /** Followers whose answers the leader misses. */
  get unheard(): ReadonlySet<string> {
    return this.#unheard;
  }

  standing(): RaftStanding {
    const { ledger } = this.#parts;
    const nodes = [...this.#nodes.values()];
    const leaders = nodes.filter(({ role, host }) => role === "leader" && ledger.runs(host)).sort((a, b) => b.term - a.term);
    const [first] = leaders;
    const hosts = (list: readonly RaftNode[]) => list.map(({ host }) => host);
    const isBlocked = nodes.length - this.#unheard.size < this.#majority;
    return { leader: first?.host, unaware: hosts(leaders.slice(1)), leaderless: hosts(nodes.filter(({ leader }) => leader === undefined)), isBlocked };
  }

  /** The standing, if it is another one than when this was asked last. */
  takeStanding(): RaftStanding | undefined {
    const standing = this.standing();
    const text = textOf(standing);
    if (text === this.#shown) return undefined;
    this.#shown = text;
    return standing;
  }

  /** Terms and roles, for whoever wants to see them. */
  describe() {
    return [...this.#nodes.values()].map(({ host, role, term, leader }) => ({ host, role, term, leader }));
  }

  /** Managers come and go; the leader's heartbeats go to all others. */
  stand(state: DockerState, now: Nanoseconds, counters: Tally): void {
    const managers = state.hosts.filter(({ swarm }) => swarm?.role === "manager" && swarm.nodeId !== "");
    const names = managers.map(({ name }) => name);
    for (const host of this.#nodes.keys()) if (!names.includes(host)) this.#forget(host);
    const isNew = this.#nodes.size === 0;
    const known = isNew ? managers.find(({ swarm }) => swarm?.gossip?.isLeader)?.name : this.standing().leader;
    for (const host of names) {
      if (this.#nodes.has(host)) continue;
      const node = new RaftNode(host);
      this.#nodes.set(host, node);
      node.patience = this.#drawPatience();
      if (host === known) node.lead();
      else node.follow(known, this.#nodes.get(known ?? "")?.term ?? 1);
      this.#parts.carrier.listen(this.#parts.speech.placeOf(host).namespace, MANAGER_PORT, "tcp");
    }
    this.#standHeartbeats(now, counters);
    // That is what the daemons think anyway.
    if (isNew && names.length > 0) this.#shown = textOf(this.standing());
  }

  /** A second has passed for everybody. */
  tick(now: Nanoseconds, counters: Tally): void {
    const { ledger } = this.#parts;
    for (const node of this.#nodes.values()) if (node.role === "leader" && ledger.runs(node.host)) this.#lookAround(node, now, counters);
    for (const node of this.#nodes.values()) {
      if (!ledger.runs(node.host)) continue;
      node.elapsed++;
      if (node.role === "leader") this.#checkQuorum(node);
      else if (node.elapsed >= node.patience) this.#campaign(node, now);
    }
    this.#standHeartbeats(now, counters);
  }

  /** The leader tells the others of a change. */
  append(now: Nanoseconds): void {
    const { leader } = this.standing();
    for (const host of this.#nodes.keys()) if (leader !== undefined && host !== leader) this.#send(leader, host, RAFT_BYTES + RAFT_ENTRY_BYTES, now, () => undefined);
  }

  get #majority(): number {
    return Math.floor(this.#nodes.size / 2) + 1;
  }

  #drawPatience(): number {
    return ELECTION_TICKS + this.#parts.dice.below(ELECTION_TICKS);
  }

  #forget(host: string): void {
    this.#nodes.delete(host);
    this.#unheard.delete(host);
    for (const node of this.#nodes.values()) if (node.leader === host) node.follow(undefined, node.term);
  }

  /** Heartbeats of leaders to all others, and of nobody else. */
  #standHeartbeats(now: Nanoseconds, counters: Tally): void {
    const { carrier } = this.#parts;
    for (const from of this.#parts.ledger.members) {
      const isLeader = this.#nodes.get(from)?.role === "leader";
      for (const to of this.#parts.ledger.members) {
        const name = `raft ${from} ${to}`;
        const standing = carrier.standing(name) !== undefined;
        if (isLeader && from !== to && this.#nodes.has(to)) {
          if (!standing) this.#standHeartbeat(from, to, now, counters);
        } else if (standing) carrier.dismiss(name, now, counters);
      }
    }
  }

  #standHeartbeat(from: string, to: string, now: Nanoseconds, counters: Tally): void {
    this.#seen.set(`${from} ${to}`, { delivered: 0, answered: 0 });
    const message = { ...this.#message(from, to, RAFT_BYTES, RAFT_HEARTBEAT_ANSWER_BYTES), transport: "stream", intervalNs: RAFT_TICK } as const;
    this.#parts.carrier.stand(`raft ${from} ${to}`, message, now, counters);
  }

  /** Which followers have heard of a leader, and of which it has heard. */
  #lookAround(leader: RaftNode, now: Nanoseconds, counters: Tally): void {
    const { carrier, ledger } = this.#parts;
    for (const follower of this.#nodes.values()) {
      if (follower === leader || leader.role !== "leader") continue;
      const name = `${leader.host} ${follower.host}`;
      const shipment = carrier.standing(`raft ${name}`);
      const state = shipment && carrier.stateOf(shipment, counters);
      if (shipment === undefined || state === undefined) continue;
      const { delivered, answered, sent } = state;
      const before = this.#seen.get(name) ?? { delivered: 0, answered: 0 };
      this.#seen.set(name, { delivered, answered });
      if (delivered > before.delivered && ledger.runs(follower.host)) this.#hearLeader(follower, leader);
      if (answered > before.answered) this.#hearFollower(leader, follower);
      const lastSent = shipment.sentAt + (sent - 1) * RAFT_TICK;
      const waitingSince = shipment.sentAt + answered * RAFT_TICK;
      if (sent > answered && now - waitingSince >= SEND_TIMEOUT) {
        if (leader.host === this.standing().leader) this.#unheard.add(follower.host);
        // The call has failed: the next one takes a connection of its own.
        this.#standHeartbeat(leader.host, follower.host, Math.max(now, lastSent + RAFT_TICK), counters);
      }
    }
  }

  #hearLeader(follower: RaftNode, leader: RaftNode): void {
    if (leader.term < follower.term) return;
    follower.follow(leader.host, leader.term);
    follower.lastTerm = leader.lastTerm;
  }

  /** An answer has come back. One of a later term ends its leadership (raft.go: stepping down for MsgAppResp under CheckQuorum). */
  #hearFollower(leader: RaftNode, follower: RaftNode): void {
    if (follower.term > leader.term) this.#stepDown(leader, follower.term);
    else {
      leader.active.add(follower.host);
      this.#unheard.delete(follower.host);
    }
  }

  #stepDown(leader: RaftNode, term: number): void {
    leader.follow(undefined, term);
    leader.patience = this.#drawPatience();
  }

  /** raft.go: checkQuorumActive, once in an election timeout. */
  #checkQuorum(leader: RaftNode): void {
    if (leader.elapsed < ELECTION_TICKS) return;
    if (leader.active.size + 1 < this.#majority) this.#stepDown(leader, leader.term);
    leader.elapsed = 0;
    leader.active.clear();
  }

  #campaign(candidate: RaftNode, now: Nanoseconds): void {
    candidate.campaign();
    candidate.patience = this.#drawPatience();
    const { term } = candidate;
    if (this.#majority === 1) this.#win(candidate);
    for (const voter of this.#nodes.values()) {
      if (voter !== candidate) this.#send(candidate.host, voter.host, RAFT_BYTES, now, (at) => this.#beAsked(voter, candidate, term, at));
    }
  }

  #beAsked(voter: RaftNode, candidate: RaftNode, term: number, now: Nanoseconds): void {
    const vote = voter.vote(candidate, term);
    if (vote !== undefined) this.#send(voter.host, candidate.host, RAFT_BYTES, now, () => this.#count(candidate, voter.host, term, vote));
  }

  #count(candidate: RaftNode, voter: string, term: number, vote: boolean): void {
    if (candidate.role !== "candidate" || candidate.term !== term) return;
    candidate.votes.set(voter, vote);
    const votes = [...candidate.votes.values()];
    if (votes.filter((granted) => granted).length >= this.#majority) this.#win(candidate);
    else if (votes.filter((granted) => !granted).length >= this.#majority) candidate.follow(undefined, term);
  }

  #win(candidate: RaftNode): void {
    candidate.lead();
    this.#unheard.clear();
    this.#parts.timers.schedule("lead", 0, (now, counters) => this.#standHeartbeats(now, counters));
  }

  /** One call over a connection of its own. Differs from Docker: swarmkit keeps connections between managers. */
  #send(from: string, to: string, bytes: number, now: Nanoseconds, arrived: (now: Nanoseconds) => void): void {
    const { post, ledger } = this.#parts;
    post.send({ ...this.#message(from, to, bytes, RAFT_ANSWER_BYTES), transport: "exchange" }, now, { arrived: (at) => ledger.runs(to) && arrived(at) });
  }

  #message(from: string, to: string, bytes: number, answerBytes: number): Omit<Message, "transport"> {
    const { speech } = this.#parts;
    return { purpose: "raft", from: speech.placeOf(from), to: speech.placeOf(to), port: MANAGER_PORT, said: recordOf(bytes, this.#key), answer: recordOf(answerBytes, this.#key) };
  }
}
