import { type Chance, NO_CHANCE } from "../chance";
import { SwarmClock } from "./clock";
import { Cluster, type ClusterOptions } from "./cluster";
import { SwarmMember } from "./member";
import type { LastWord, RaftStanding, SwarmLoan, SwarmWorld } from "./operations";
import { ServiceSandboxes } from "./service-sandboxes";

export interface RegistryOptions {
  readonly chance?: Chance;
  readonly isRefused?: (address: string, port: number) => boolean;
}

/**
 * The swarms of one world: a node joins by the address of a manager. Daemons that share it can see each other, and their swarms have one
 * clock: whoever owns the world's time moves it on.
 */
export class SwarmRegistry implements SwarmWorld {
  readonly clock = new SwarmClock();
  readonly #clusters: Cluster[] = [];
  readonly #members: SwarmMember[] = [];
  readonly #cutOff = new Set<string>();
  readonly #chance: Chance;
  /** Whether a machine has the address that is in no swarm, and nothing on it listens on the port. */
  readonly isRefused: (address: string, port: number) => boolean;

  constructor({ chance = NO_CHANCE, isRefused = () => false }: RegistryOptions = {}) {
    this.#chance = chance;
    this.isRefused = isRefused;
  }

  found(options: ClusterOptions): Cluster {
    const cluster = new Cluster({ ...options, clock: this.clock, chance: this.#chance, seed: (options.seed + this.#clusters.length) >>> 0 });
    this.#clusters.push(cluster);
    return cluster;
  }

  member(loan: SwarmLoan): SwarmMember {
    const member = new SwarmMember({ ...loan, registry: this, serviceSandboxes: new ServiceSandboxes(loan) });
    this.#members.push(member);
    return member;
  }

  /** Those whose manager has the address, the newest first. */
  clustersAt(address: string): Cluster[] {
    return [...this.#clusters].reverse().filter(({ roster }) => roster.reachable.some((node) => node.address === address));
  }

  /** The member whose host has an address. */
  memberAt(address: string): SwarmMember | undefined {
    return this.#members.find(({ addresses }) => addresses.includes(address));
  }

  memberOf(host: string): SwarmMember | undefined {
    return this.#members.find(({ hostName }) => hostName === host);
  }

  isCutOff(host: string): boolean {
    return this.#cutOff.has(host);
  }

  /** The machine of a host has failed, or the way between it and all others is cut: managers miss its heartbeats. */
  cutOff(host: string, heard?: LastWord): void {
    this.#cutOff.add(host);
    const { node, cluster } = this.memberOf(host) ?? {};
    if (node) cluster?.roster.cutOff(node, heard);
  }

  /** Whether managers hear of a host. */
  setReachable(host: string, isReachable: boolean, heard?: LastWord): void {
    if (isReachable) this.restore(host);
    else this.cutOff(host, heard);
  }

  /** What the managers' elections have come to; whoever plays them says so whenever that changes. */
  setRaft({ leader, unaware, leaderless, isBlocked }: RaftStanding): void {
    const [nodeOf, nodesOf] = [(host: string) => this.memberOf(host)?.node, (hosts: readonly string[]) => new Set(hosts.flatMap((host) => this.memberOf(host)?.node ?? []))];
    const first = [leader, ...unaware, ...leaderless].find((host) => host !== undefined);
    const cluster = first === undefined ? undefined : this.memberOf(first)?.cluster;
    cluster?.roster.setRaft({ leader: leader === undefined ? undefined : nodeOf(leader), unaware: nodesOf(unaware), leaderless: nodesOf(leaderless), isBlocked });
  }

  /** The host can be reached again. */
  restore(host: string): void {
    this.#cutOff.delete(host);
    const { node, cluster } = this.memberOf(host) ?? {};
    if (node) cluster?.roster.restore(node);
  }

  /** When something falls due in a swarm next, in nanoseconds. */
  get nextAt(): number | undefined {
    return this.clock.nextAt;
  }

  /** Time passes in the world: its swarms do what falls due until then. */
  advanceTo(time: number): void {
    for (const cluster of this.#clusters) cluster.settle();
    this.clock.advanceTo(time);
    for (const cluster of this.#clusters) cluster.settle();
  }
}
