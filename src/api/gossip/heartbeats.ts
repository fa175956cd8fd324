import type { Counters, Nanoseconds } from "../../engine/engine";
import type { DockerState } from "../spec";
import type { Carrier, HostPlace, Message } from "./carrier";
import type { GossipNode } from "./node";
import { AGENT_INTERVAL, HEARTBEAT_ANSWER_BYTES, HEARTBEAT_BYTES, MANAGER_PORT, PROBE_INTERVAL, RAFT_INTERVAL } from "./sizes";

interface Moment {
  readonly now: Nanoseconds;
  readonly counters: Counters;
  readonly nodes: ReadonlyMap<string, GossipNode>;
  readonly placeOf: (host: string) => HostPlace;
}

/** From whom to whom, and how often. */
interface Beat {
  readonly from: string;
  readonly to: string;
  readonly intervalNs: Nanoseconds;
}

/** Agents tell a manager that they are there, and the leader tells the other managers (swarmkit agent/session.go, manager/state/raft). */
export class Heartbeats {
  readonly #carrier: Carrier;
  readonly #beats = new Map<string, Beat>();
  readonly #unheard = new Set<string>();
  #verdicts: (readonly [host: string, isReachable: boolean])[] = [];

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  get isWell(): boolean {
    return this.#unheard.size === 0;
  }

  /** What has changed about who is heard of. */
  takeVerdicts(): readonly (readonly [host: string, isReachable: boolean])[] {
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    return verdicts;
  }

  /** Begins those that should be there, or should go elsewhere. */
  stand(state: DockerState, moment: Moment): void {
    for (const host of managersOf(state)) this.#carrier.listen(moment.placeOf(host).namespace, MANAGER_PORT, "tcp");
    for (const host of moment.nodes.keys()) {
      const beat = beatOf(state, host, moment.nodes);
      const known = this.#beats.get(host);
      if (beat === undefined || (known?.from === beat.from && known.to === beat.to)) continue;
      this.#begin(host, beat, moment);
    }
  }

  /** A heartbeat that a second has not answered is missing; it is tried again with a new connection. */
  check(state: DockerState, moment: Moment): void {
    const { now, counters } = moment;
    this.stand(state, moment);
    for (const [host, beat] of this.#beats) {
      const shipment = this.#carrier.standing(`heartbeat ${host}`);
      const seen = shipment && this.#carrier.stateOf(shipment, counters);
      if (shipment === undefined || seen === undefined) continue;
      const lastSent = shipment.sentAt + (seen.sent - 1) * beat.intervalNs;
      const isMissing = seen.sent > seen.answered && now - lastSent >= PROBE_INTERVAL;
      if (isMissing) this.#begin(host, beat, { ...moment, now: Math.max(now, lastSent + beat.intervalNs) });
      if (isMissing && !this.#unheard.has(host)) this.#judge(host, false);
      else if (seen.answered > 0 && !isMissing && this.#unheard.has(host)) this.#judge(host, true);
    }
  }

  #judge(host: string, isReachable: boolean): void {
    if (isReachable) this.#unheard.delete(host);
    else this.#unheard.add(host);
    this.#verdicts.push([host, isReachable]);
  }

  #begin(host: string, beat: Beat, { now, counters, placeOf }: Moment): void {
    this.#beats.set(host, beat);
    const message: Message = {
      purpose: "heartbeats", transport: "stream", from: placeOf(beat.from), to: placeOf(beat.to), port: MANAGER_PORT,
      bytes: HEARTBEAT_BYTES, answerBytes: HEARTBEAT_ANSWER_BYTES, intervalNs: beat.intervalNs,
    };
    this.#carrier.stand(`heartbeat ${host}`, message, now, counters);
  }
}

function managersOf({ hosts }: DockerState): string[] {
  return hosts.filter(({ swarm }) => swarm?.role === "manager" && swarm.nodeId !== "").map(({ name }) => name);
}

/** By which heartbeat managers hear of a host; none of the leader. */
function beatOf(state: DockerState, host: string, nodes: ReadonlyMap<string, GossipNode>): Beat | undefined {
  const managers = managersOf(state);
  if (!managers.includes(host)) {
    const manager = managers.find((name) => !nodes.get(host)?.failed.has(name)) ?? managers[0];
    return manager === undefined ? undefined : { from: host, to: manager, intervalNs: AGENT_INTERVAL };
  }
  // The first manager that the others do not take for dead leads.
  const leader = managers.find((name) => !managers.some((other) => other !== name && nodes.get(other)?.failed.has(name))) ?? managers[0]!;
  return leader === host ? undefined : { from: leader, to: host, intervalNs: RAFT_INTERVAL };
}
