import { refuse } from "../refusal";
import type { Timer } from "./clock";
import type { Cluster } from "./cluster";
import { isInTouch, type ClusterNode, type NodeAgent, type NodeAvailability, type NodeRole } from "./objects";
import type { LastWord } from "./operations";
import type { ResourceSpec } from "./service-spec";
import { refuseRpc, rpcText, SWARM_WORDS } from "./words";

/** A machine that comes into a swarm. */
export interface NewNode {
  readonly hostname: string;
  readonly role: NodeRole;
  readonly address: string;
  readonly port: number;
  readonly dataPathAddress: string;
  readonly agent: NodeAgent;
  readonly availability?: NodeAvailability;
  readonly engineLabels?: Readonly<Record<string, string>>;
  readonly resources?: ResourceSpec;
  /** It is known from now on, before it gets anything to do. */
  readonly onAdded?: (node: ClusterNode) => void;
}

/** `docker node update`. */
export interface NodeChange {
  readonly role?: string;
  readonly availability?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** swarmkit manager/state/raft: DefaultNodeConfig: ten ticks of a second without an answer. */
const ELECTION_NS = 10e9;
/** swarmkit manager/dispatcher: gracePeriodMultiplier: heartbeats that may be missing. */
const GRACE = 3;

const LEADER_CHANGED = 'Node moved to "unknown" state due to leadership change in cluster';

/** Who leads, as somebody plays it who says so. */
interface PlayedRaft {
  readonly leader: ClusterNode | undefined;
  readonly unaware: ReadonlySet<ClusterNode>;
  readonly leaderless: ReadonlySet<ClusterNode>;
  readonly isBlocked: boolean;
}

/** The nodes of a swarm, and which of them decide (swarmkit manager/controlapi/node.go, manager/state/raft, manager/dispatcher). */
export class Roster {
  readonly nodes: ClusterNode[] = [];
  readonly #cluster: Cluster;
  /** Nodes that are given up if nothing is heard of them until then. */
  readonly #waits = new Map<ClusterNode, Timer>();
  #lostAt: number | undefined;
  /** Undefined: the first manager that can be reached leads. */
  #raft: PlayedRaft | undefined;
  #lastLeader: ClusterNode | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** A node that is not there yet. The managers know it at once; its networks come with `settle`. */
  add({ engineLabels = {}, resources = {}, availability = "active", onAdded, ...node }: NewNode): ClusterNode {
    const { now } = this.#cluster.clock;
    const added: ClusterNode = {
      ...node, id: this.#drawId(node.hostname), availability, engineLabels, resources, status: "ready", statusText: "", labels: {},
      joinedAt: now, updatedAt: now, hasLeft: false, isCutOff: false, version: 0, tasks: new Set(),
    };
    this.nodes.push(added);
    onAdded?.(added);
    this.#cluster.follow(added);
    this.#cluster.orchestrator.nodeChanged(added);
    return added;
  }

  /** Clients sort tasks of global services by the IDs of their nodes: at what place among them a new one stands is chance. */
  #drawId(hostname: string): string {
    const { ids, chance } = this.#cluster;
    const placeOf = (id: string) => this.nodes.filter((node) => node.id < id).length;
    const places = this.nodes.length + 1;
    let id = ids.id("node", hostname);
    if (places === 1) return id;
    const wanted = (placeOf(id) + chance.choose(places)) % places;
    while (placeOf(id) !== wanted) id = ids.id("node", hostname);
    return id;
  }

  /** Those that decide, also while they cannot be reached. */
  get managers(): ClusterNode[] {
    return this.nodes.filter(({ role }) => role === "manager");
  }

  get reachable(): ClusterNode[] {
    return this.managers.filter(isInTouch);
  }

  get leader(): ClusterNode | undefined {
    if (this.#raft) return this.#raft.leader;
    const isUnaware = this.#lostAt !== undefined && this.#cluster.clock.now - this.#lostAt < ELECTION_NS;
    return this.hasQuorum || isUnaware ? this.reachable[0] : undefined;
  }

  get hasQuorum(): boolean {
    const { managers } = this;
    if (this.#raft) return this.#raft.leader !== undefined && !this.#raft.isBlocked;
    return managers.length === 0 || managers.filter(isInTouch).length > managers.length / 2;
  }

  /** Elections have come to something else. A new leader knows nothing of the nodes until they find it. */
  setRaft(raft: PlayedRaft): void {
    const before = this.#raft ? this.#lastLeader : this.leader;
    this.#raft = raft;
    this.#lastLeader = raft.leader ?? before;
    if (before === undefined || raft.leader === undefined || raft.leader === before) return;
    for (const node of this.nodes) {
      if (node.hasLeft) continue;
      if (node === raft.leader) this.restore(node);
      else if (node.status === "ready") {
        node.status = "unknown";
        node.statusText = LEADER_CHANGED;
        this.#wait(node, 2 * GRACE * this.#cluster.settings.heartbeat);
      }
    }
  }

  /** Refuses what a manager cannot answer, as it knows of no leader, or none that could decide. */
  checkLeader(node: ClusterNode, writes: boolean): void {
    const { managers } = this;
    if (this.#raft?.unaware.has(node)) {
      if (writes) refuse(500, "swarm", rpcText("Unknown", SWARM_WORDS.leaderLost));
      return;
    }
    const isAlone = managers.length > 1 && (node.isCutOff || (this.#raft !== undefined && (this.#raft.leaderless.has(node) || this.#raft.leader === undefined)));
    if (isAlone) refuse(500, "swarm", rpcText("Unknown", SWARM_WORDS.noLeader));
    this.checkQuorum(writes);
  }

  /** Refuses what nobody is there to decide. A leader that has lost the others goes on answering until it notices, or is to write. */
  checkQuorum(writes = true): void {
    if (this.#raft && !this.hasQuorum) {
      if (this.#raft.leader !== undefined && !writes) return;
      // Raft takes the entry, and has to give it up when it finds that it leads nobody.
      refuse(500, "swarm", rpcText("Unknown", this.#raft.leader === undefined ? SWARM_WORDS.noLeader : SWARM_WORDS.leaderLost));
    }
    if (this.hasQuorum) {
      this.#lostAt = undefined;
      return;
    }
    const { now } = this.#cluster.clock;
    this.#lostAt ??= now;
    const isUnaware = now - this.#lostAt < ELECTION_NS;
    if (isUnaware && !writes) return;
    this.#lostAt = Number.NEGATIVE_INFINITY;
    refuse(500, "swarm", rpcText("Unknown", isUnaware ? SWARM_WORDS.leaderLost : SWARM_WORDS.noLeader));
  }

  /** Notes when managers have become too few. */
  #watchQuorum(): void {
    if (this.hasQuorum) this.#lostAt = undefined;
    else this.#lostAt ??= this.#cluster.clock.now;
  }

  /** By ID, then by name, then by the start of an ID; `self` is known to the node that was asked. */
  get(reference: string, own?: ClusterNode): ClusterNode {
    if (reference === "self" && own) return own;
    const named = this.nodes.filter(({ hostname }) => hostname === reference);
    const exact = this.nodes.find(({ id }) => id === reference) ?? named[0];
    if (exact === named[0] && named.length > 1) refuse(500, `node ${reference}`, `node ${reference} is ambiguous (${named.length} matches found)`);
    const byPrefix = exact || reference === "" ? [] : this.nodes.filter(({ id }) => id.startsWith(reference));
    return exact ?? (byPrefix.length === 1 ? byPrefix[0]! : refuseRpc("NotFound", `node ${reference}`, `node ${reference} not found`));
  }

  update(node: ClusterNode, { role, availability, labels }: NodeChange): void {
    if (role !== undefined && role !== "manager" && role !== "worker") refuse(400, `node ${node.hostname}`, `invalid Role: ${JSON.stringify(role)}`);
    if (availability !== undefined && !isAvailability(availability)) refuse(400, `node ${node.hostname}`, `invalid Availability: ${JSON.stringify(availability)}`);
    if (role === "worker" && node.role === "manager") this.#checkDemotion(node);
    const hasNewRole = role !== undefined && role !== node.role;
    if (role !== undefined) node.role = role;
    if (availability !== undefined) node.availability = availability;
    if (labels !== undefined) node.labels = labels;
    node.version++;
    node.updatedAt = this.#cluster.clock.now;
    if (hasNewRole) node.agent.roleChanged?.();
    this.#cluster.orchestrator.nodeChanged(node);
  }

  #checkDemotion(node: ClusterNode): void {
    const { managers } = this;
    const subject = `node ${node.hostname}`;
    if (managers.length === 1) refuseRpc("FailedPrecondition", subject, "attempting to demote the last manager of the swarm");
    const left = managers.filter((other) => other !== node);
    if (left.filter(isInTouch).length <= left.length / 2) refuseRpc("FailedPrecondition", subject, "can't remove member from the raft: this would result in a loss of quorum");
  }

  /** `docker node rm`. */
  remove(node: ClusterNode, force: boolean): void {
    const subject = `node ${node.hostname}`;
    if (node.role === "manager") {
      refuseRpc("FailedPrecondition", subject, `node ${node.id} is a cluster manager and is a member of the raft cluster. It must be demoted to worker before removal`);
    }
    if (!force && node.status === "ready") refuseRpc("FailedPrecondition", subject, `node ${node.id} is not down and can't be removed`);
    const wasThere = !node.hasLeft;
    node.hasLeft = true;
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.#stopWaiting(node);
    node.status = "down";
    this.#cluster.withdrawAll(node);
    this.#cluster.orchestrator.nodeRemoved(node);
    if (wasThere) node.agent.roleChanged?.();
  }

  /** It leaves of its own accord; the managers keep it, and hear no more of it. */
  leave(node: ClusterNode): void {
    node.hasLeft = true;
    this.#watchQuorum();
    this.#cluster.withdrawAll(node);
    this.#lose(node);
  }

  /** The way between a node and the rest of the swarm is cut, or its machine has failed. */
  cutOff(node: ClusterNode, heard?: LastWord): void {
    if (node.isCutOff) return;
    node.isCutOff = true;
    this.#watchQuorum();
    // A new leader has been waiting for it for longer.
    if (node.status !== "unknown") this.#lose(node, heard);
  }

  /** The managers hear of it again. */
  restore(node: ClusterNode): void {
    if (node.hasLeft || (!node.isCutOff && node.status !== "unknown")) return;
    const hadQuorum = this.hasQuorum;
    node.isCutOff = false;
    this.#stopWaiting(node);
    if (node.status !== "ready") {
      node.status = "ready";
      node.statusText = "";
    }
    this.#cluster.orchestrator.nodeReturned(node);
    if (hadQuorum) this.#cluster.orchestrator.nodeChanged(node);
    else for (const other of this.nodes) this.#resume(other);
    this.#cluster.follow(node);
    this.#cluster.orchestrator.reconcileAll();
  }

  /** `docker swarm init --force-new-cluster`: this one alone decides; of the others nothing is known yet. */
  forceNew(node: ClusterNode): void {
    for (const other of this.nodes) {
      if (other === node) continue;
      other.role = "worker";
      if (other.status === "ready" && !isInTouch(other)) {
        other.status = "unknown";
        other.statusText = LEADER_CHANGED;
      }
      if (!isInTouch(other)) this.#lose(other);
    }
    node.role = "manager";
    this.#cluster.orchestrator.reconcileAll();
  }

  /** Another leader counts anew. */
  #resume(node: ClusterNode): void {
    if (!isInTouch(node)) this.#lose(node);
    this.#cluster.orchestrator.nodeChanged(node);
  }

  /** A node is down once three heartbeats are missing: unless it is known when the last one came, they came since it joined. */
  #lose(node: ClusterNode, heard?: LastWord): void {
    const { clock, settings } = this.#cluster;
    const { lastHeard, period } = heard ?? { lastHeard: clock.now - ((clock.now - node.joinedAt) % settings.heartbeat), period: settings.heartbeat };
    this.#wait(node, lastHeard + GRACE * period - clock.now);
  }

  #wait(node: ClusterNode, duration: number): void {
    this.#stopWaiting(node);
    this.#waits.set(node, this.#cluster.clock.after(duration, () => this.#giveUp(node)));
  }

  #giveUp(node: ClusterNode): void {
    this.#waits.delete(node);
    // Nobody is there to say so.
    if (!this.hasQuorum) return;
    node.status = "down";
    node.statusText = "heartbeat failure";
    node.updatedAt = this.#cluster.clock.now;
    this.#cluster.orchestrator.nodeChanged(node);
  }

  #stopWaiting(node: ClusterNode): void {
    const timer = this.#waits.get(node);
    if (timer) timer.cancelled = true;
    this.#waits.delete(node);
  }
}

function isAvailability(text: string): text is NodeAvailability {
  return text === "active" || text === "pause" || text === "drain";
}
