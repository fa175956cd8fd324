import { ELECTION_TICKS } from "./timing";

/** What a manager knows of who leads (etcd's raft, as swarmkit sets it up: CheckQuorum, no PreVote). */
export class RaftNode {
  term = 1;
  role: "leader" | "follower" | "candidate" = "follower";
  leader: string | undefined;
  votedFor: string | undefined;
  /** The term of the last entry in its log. */
  lastTerm = 1;
  /** Ticks since it heard of a leader or began an election; of a leader: since it looked for a quorum. */
  elapsed = 0;
  /** Ticks without a leader after which it wants to be one. */
  patience = 2 * ELECTION_TICKS;
  /** Who has voted for a candidate, and who against it. */
  readonly votes = new Map<string, boolean>();
  /** Whom a leader has heard of since it last looked. */
  readonly active = new Set<string>();

  constructor(readonly host: string) {}

  /** `leader` undefined: it knows of none. */
  follow(leader: string | undefined, term: number): void {
    if (term !== this.term) this.votedFor = undefined;
    this.term = term;
    this.role = "follower";
    this.leader = leader;
    this.elapsed = 0;
  }

  campaign(): void {
    this.term++;
    this.role = "candidate";
    this.leader = undefined;
    this.votedFor = this.host;
    this.elapsed = 0;
    this.votes.clear();
    this.votes.set(this.host, true);
  }

  lead(): void {
    this.role = "leader";
    this.leader = this.host;
    this.elapsed = 0;
    // It begins with an empty entry.
    this.lastTerm = this.term;
    this.active.clear();
  }

  /** Somebody wants its vote. Undefined: it does not even answer, as it hears a leader, or knows of a later term. */
  vote(candidate: RaftNode, term: number): boolean | undefined {
    const hearsLeader = this.leader !== undefined && this.elapsed < ELECTION_TICKS;
    if (hearsLeader || term < this.term) return undefined;
    if (term > this.term) this.follow(undefined, term);
    const isFree = this.votedFor === undefined || this.votedFor === candidate.host;
    if (!isFree || candidate.lastTerm < this.lastTerm) return false;
    this.votedFor = candidate.host;
    this.elapsed = 0;
    return true;
  }
}
