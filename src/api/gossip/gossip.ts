import type { Nanoseconds, Tally } from "../../engine/engine";
import { SimulationError } from "../../errors";
import type { Timekeeper } from "../agenda";
import type { DockerState } from "../spec";
import { Agents } from "./agents";
import { Carrier } from "./carrier";
import type { GossipContext, ManagementReport } from "./context";
import { Dice } from "./dice";
import type { View } from "./layer";
import { Ledger } from "./ledger";
import { nextBeat, type Parts } from "./parts";
import { Post } from "./post";
import { Probing } from "./probing";
import { Raft } from "./raft";
import { Speech } from "./speech";
import { Syncing } from "./syncing";
import { Telling } from "./telling";
import { Timers } from "./timers";
import { GOSSIP_INTERVAL, PROBE_INTERVAL } from "./timing";

/** Rounds of probes without a failure after which nobody looks at them any more. */
const QUIET_ROUNDS = 3;
const HOSTS_PER_BEAT = 10;

/**
 * The control plane of swarms in packets: probes of memberlist, gossip and syncs of NetworkDB (port 7946), heartbeats and raft (port 2377).
 * What hosts know of one another's endpoints changes when packets arrive, and so does who leads. While everything is well the packets go on
 * without being looked at.
 */
export class Gossip implements Timekeeper {
  readonly #context: GossipContext;
  readonly #parts: Parts;
  readonly #telling: Telling;
  readonly #syncing: Syncing;
  readonly #probing: Probing;
  readonly #agents: Agents;
  readonly #raft: Raft;
  /** Hosts that the leader takes for unreachable. */
  readonly #lost = new Set<string>();
  readonly #foreseen: ReturnType<Ledger["follow"]>[] = [];
  #voices = "";
  #quietRounds = 0;
  #isAwake = false;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(context: GossipContext) {
    const { topology, flows, failed, seed } = context;
    this.#context = context;
    const [carrier, timers, speech, dice] = [new Carrier(flows), new Timers(), new Speech(topology), new Dice(seed)];
    this.#parts = { carrier, timers, speech, dice, post: new Post(carrier, timers, speech), ledger: new Ledger(topology.state, failed) };
    this.#telling = new Telling(this.#parts);
    this.#syncing = new Syncing(this.#parts, this.#telling, () => !this.#isAwake);
    this.#probing = new Probing(this.#parts, this.#telling);
    // TLS agrees on keys of its own; nobody else has them.
    const key = Uint8Array.from({ length: 16 }, () => dice.below(256));
    this.#agents = new Agents(this.#parts, key);
    this.#raft = new Raft(this.#parts, key);
    timers.schedule("stand", context.now(), (now, counters) => this.#stand(now, counters));
  }

  get nextAt(): Nanoseconds | undefined {
    return this.#parts.timers.nextAt;
  }

  async act(now: Nanoseconds): Promise<void> {
    const { timers, post, carrier, ledger } = this.#parts;
    const counters = await this.#context.tally();
    post.look(now, counters);
    for (let due = timers.takeDue(now); due !== undefined; due = timers.takeDue(now)) await due.run(now, counters);
    const patch = carrier.takePatch(counters);
    if (patch) await this.#context.apply(patch);
    const standing = this.#raft.isEmpty ? undefined : this.#raft.takeStanding();
    if (standing) await this.#context.setRaft(standing);
    if (ledger.isChanged) await this.#refresh(now);
  }

  /** Where hosts know so many different things that the engine has no room for them, packets follow when they agree more. */
  async #refresh(now: Nanoseconds): Promise<void> {
    const { ledger, timers } = this.#parts;
    // Laying a large swarm out anew takes real time: what comes soon after waits for a beat, or more of them the more hosts there are.
    const next = this.#refreshedAt + GOSSIP_INTERVAL * Math.ceil(ledger.nodes.size / HOSTS_PER_BEAT);
    if (now < next) {
      timers.schedule("refresh", next, () => undefined);
      return;
    }
    this.#refreshedAt = now;
    ledger.isChanged = false;
    try {
      await this.#context.refresh();
    } catch (error) {
      if (!(error instanceof SimulationError) || error.code !== "LIMIT_EXCEEDED") throw error;
      ledger.isChanged = true;
    }
  }

  get view(): View {
    return this.#parts.ledger.view;
  }

  /** The daemons have changed something, which only their own hosts know so far. */
  foresee(state: DockerState): void {
    const news = this.#parts.ledger.follow(state);
    if (news.changes.length + news.joined.length > 0) this.#foreseen.push(news);
  }

  /** The packet path has followed, and sees what hosts know; or the world has changed: there is news, and reason to watch. */
  followed(isSeen = false): void {
    const { timers, ledger } = this.#parts;
    const now = this.#context.now();
    if (isSeen) {
      ledger.isChanged = false;
      this.#refreshedAt = now;
    }
    const foreseen = this.#foreseen.splice(0);
    const [changes, joined] = [foreseen.flatMap((each) => each.changes), foreseen.flatMap((each) => each.joined)];
    for (const { of, ...change } of changes) this.#telling.tell(of.host, { kind: "row", ...change, of, networkId: of.networkId, origin: of.host }, now);
    for (const { host, networkId } of joined) this.#syncing.want(host, networkId, now);
    if (changes.length > 0) timers.schedule("append", now, (at) => this.#raft.append(at));
    this.#wake(now);
  }

  /** The daemons have done something that packets do not feel, such as changing keys. */
  noticed(): void {
    const { ledger, timers } = this.#parts;
    if (this.#foreseen.length > 0) this.followed();
    if (this.#voiceText() !== this.#voices || ledger.members.length === 0) timers.schedule("stand", this.#context.now(), (now, counters) => this.#stand(now, counters));
  }

  report(counters: Tally): ManagementReport {
    const volumes = this.#parts.carrier.volumes(counters);
    const raft = new Map(this.#raft.describe().map((node) => [node.host, node]));
    const nodes = [...this.#parts.ledger.nodes.values()].map(({ host, suspects, failed, stale }) => {
      const { role = undefined, term = undefined, leader = undefined } = raft.get(host) ?? {};
      return { host, suspects: [...suspects.keys()], failed: [...failed], behind: stale.size, sent: volumes.of(host), ...(role && term && { raft: { role, term, leader } }) };
    });
    return { isConverged: nodes.every(({ suspects, failed, behind }) => suspects.length + failed.length + behind === 0), nodes, traffic: volumes.total() };
  }

  #voiceText(): string {
    const { ledger, speech } = this.#parts;
    return ledger.members.map((host) => speech.voiceOf(host)).join("|");
  }

  /** The flows that go on while nothing happens. */
  #stand(now: Nanoseconds, counters: Tally): void {
    const { state } = this.#context.topology;
    this.#voices = this.#voiceText();
    this.#probing.stand(now, counters);
    this.#syncing.begin(now);
    this.#raft.stand(state, now, counters);
    this.#agents.stand(state, this.#raft.standing().leader, now, counters);
  }

  #wake(now: Nanoseconds): void {
    const { timers, ledger } = this.#parts;
    this.#quietRounds = 0;
    timers.schedule("stand", now, (at, counters) => this.#stand(at, counters));
    if (this.#isAwake || ledger.nodes.size < 2) return;
    this.#isAwake = true;
    this.#syncing.wake(now);
    timers.schedule("round", nextBeat(now, PROBE_INTERVAL), (at, counters) => this.#round(at, counters));
  }

  /** What happens every second while there is reason to watch. */
  #round(now: Nanoseconds, counters: Tally): void {
    const { ledger, dice, timers } = this.#parts;
    this.#probing.round(now, counters);
    for (const { host, failed } of ledger.nodes.values()) {
      const [lost] = ledger.runs(host) ? dice.some([...failed], 1) : [];
      if (lost !== undefined) this.#syncing.reconnect(host, lost, now);
    }
    this.#raft.tick(now, counters);
    this.#agents.stand(this.#context.topology.state, this.#raft.standing().leader, now, counters);
    this.#agents.check(now, counters);
    this.#passVerdicts(now);
    if (this.#isQuiet()) this.#isAwake = false;
    else timers.schedule("round", now + PROBE_INTERVAL, (at, seen) => this.#round(at, seen));
  }

  /** The managers' daemons hear who can be reached: by the leader's raft, and by agents' heartbeats. */
  #passVerdicts(now: Nanoseconds): void {
    const { ledger, timers } = this.#parts;
    const fresh = new Set(this.#agents.takeVerdicts().map(({ host }) => host));
    for (const host of ledger.members) {
      const isReachable = !this.#agents.missing.has(host) && !this.#raft.unheard.has(host);
      if (isReachable !== this.#lost.has(host) && !fresh.has(host)) continue;
      if (isReachable) this.#lost.delete(host);
      else this.#lost.add(host);
      const verdict = { host, isReachable, ...this.#agents.lastHeard(host, now) };
      timers.schedule(`verdict ${host}`, now, () => this.#context.setReachable(verdict));
    }
  }

  #isQuiet(): boolean {
    const { ledger, post } = this.#parts;
    const isWell = [...ledger.nodes.values()].every(({ stale, failed, suspects }) => stale.size + failed.size + suspects.size === 0);
    const isDone = this.#telling.isSilent && this.#syncing.isDone && post.isIdle;
    const isAllWell = isWell && isDone && this.#agents.isWell && this.#raft.isWell && this.#context.failed.size === 0;
    this.#quietRounds = isAllWell ? this.#quietRounds + 1 : 0;
    return this.#quietRounds > QUIET_ROUNDS;
  }
}
