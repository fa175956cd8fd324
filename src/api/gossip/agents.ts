import type { Nanoseconds, Tally } from "../../engine/engine";
import type { DockerState } from "../spec";
import type { Parts } from "./parts";
import { HEARTBEAT_ANSWER_BYTES, HEARTBEAT_BYTES, HEARTBEAT_EPSILON, MANAGER_PORT, PROBE_INTERVAL } from "./timing";
import { type Key, recordOf } from "./wire/sealed";

/** What managers hear of a node. */
export interface Verdict {
  readonly host: string;
  readonly isReachable: boolean;
  /** When they last heard of it, and how soon the next word was due. */
  readonly lastHeard: Nanoseconds;
  readonly period: Nanoseconds;
}

/** To which manager an agent has its session. */
interface Session {
  readonly manager: string;
  readonly period: Nanoseconds;
  lastHeard: Nanoseconds;
  isRegistered: boolean;
}

/** Agents tell the leader's dispatcher that their nodes are there (swarmkit agent/session.go, manager/dispatcher). */
export class Agents {
  readonly #parts: Parts;
  readonly #key: Key;
  readonly #sessions = new Map<string, Session>();
  readonly #missing = new Set<string>();
  readonly #periods = new Map<string, Nanoseconds>();
  #verdicts: Verdict[] = [];

  constructor(parts: Parts, key: Key) {
    this.#parts = parts;
    this.#key = key;
  }

  get isWell(): boolean {
    return this.#missing.size === 0 && [...this.#sessions.values()].every(({ isRegistered }) => isRegistered);
  }

  get missing(): ReadonlySet<string> {
    return this.#missing;
  }

  /** What has changed about who is heard of. */
  takeVerdicts(): readonly Verdict[] {
    const verdicts = this.#verdicts;
    this.#verdicts = [];
    return verdicts;
  }

  /** Heartbeats go to the leader; while there is none they go where they went. */
  stand(state: DockerState, leader: string | undefined, now: Nanoseconds, counters: Tally): void {
    const { ledger, carrier } = this.#parts;
    for (const host of this.#sessions.keys()) if (!ledger.nodes.has(host) || host === leader) this.#end(host, now, counters);
    if (leader === undefined) return;
    for (const host of ledger.members) {
      if (host === leader) continue;
      const period = this.#periodOf(host, state);
      const session = this.#sessions.get(host);
      if (session?.manager === leader && session.period === period) continue;
      const isFirst = session === undefined;
      this.#sessions.set(host, { manager: leader, period, lastHeard: session?.lastHeard ?? now, isRegistered: isFirst });
      const standing = carrier.standing(`heartbeat ${host}`);
      const sent = standing ? (carrier.stateOf(standing, counters)?.sent ?? 0) : 0;
      this.#begin(host, standing && session ? Math.max(now, standing.sentAt + sent * session.period) : now, counters);
    }
  }

  /** A heartbeat that a second has not answered is missing; it is tried again with a new connection. */
  check(now: Nanoseconds, counters: Tally): void {
    const { carrier } = this.#parts;
    for (const [host, session] of this.#sessions) {
      const shipment = carrier.standing(`heartbeat ${host}`);
      const seen = shipment && carrier.stateOf(shipment, counters);
      if (shipment === undefined || seen === undefined) continue;
      const { sent, answered } = seen;
      if (answered > 0) session.lastHeard = Math.max(session.lastHeard, shipment.sentAt + (answered - 1) * session.period);
      const lastSent = shipment.sentAt + (sent - 1) * session.period;
      const isMissing = sent > answered && now - lastSent >= PROBE_INTERVAL;
      if (isMissing) this.#begin(host, Math.max(now, lastSent + session.period), counters);
      if (isMissing && !this.#missing.has(host)) this.#judge(host, session, false);
      else if (answered > 0 && !isMissing && (this.#missing.has(host) || !session.isRegistered)) this.#judge(host, session, true);
    }
  }

  /** When a node was last heard of. */
  lastHeard(host: string, now: Nanoseconds): { readonly lastHeard: Nanoseconds; readonly period: Nanoseconds } {
    return this.#sessions.get(host) ?? { lastHeard: now, period: 0 };
  }

  #judge(host: string, session: Session, isReachable: boolean): void {
    if (isReachable) this.#missing.delete(host);
    else this.#missing.add(host);
    if (isReachable) session.isRegistered = true;
    const { lastHeard, period } = session;
    this.#verdicts.push({ host, isReachable, lastHeard, period });
  }

  #end(host: string, now: Nanoseconds, counters: Tally): void {
    this.#sessions.delete(host);
    this.#missing.delete(host);
    this.#parts.carrier.dismiss(`heartbeat ${host}`, now, counters);
  }

  /**
   * dispatcher period.go: the period, and up to half a second more or less. Differs from Docker: a node keeps the one that it got first.
   */
  #periodOf(host: string, { hosts }: DockerState): Nanoseconds {
    const wanted = hosts.find(({ name }) => name === host)?.swarm?.gossip?.heartbeat ?? 0;
    const shift = this.#periods.get(host) ?? this.#parts.dice.below(2 * HEARTBEAT_EPSILON) - HEARTBEAT_EPSILON;
    this.#periods.set(host, shift);
    return wanted + shift;
  }

  #begin(host: string, at: Nanoseconds, counters: Tally): void {
    const { carrier, speech } = this.#parts;
    const { manager, period } = this.#sessions.get(host)!;
    const message = {
      purpose: "heartbeats", transport: "stream", from: speech.placeOf(host), to: speech.placeOf(manager), port: MANAGER_PORT,
      said: recordOf(HEARTBEAT_BYTES, this.#key), answer: recordOf(HEARTBEAT_ANSWER_BYTES, this.#key), intervalNs: period,
    } as const;
    carrier.stand(`heartbeat ${host}`, message, at, counters);
  }
}
