import type { Conditions } from "./conditions";
import type { GossipKey } from "./gossip-keys";
import type { IpsecKeys } from "./ipsec";
import type { LiveTopology } from "./live-topology";
import { readEndpoint, type EndpointOptions } from "./options";
import type { ProbeContext } from "./probe/context";
import { loadRuleParser, loadSwarmLayers, stateOf, type Daemons } from "./spec";
import type { StackReader } from "./stack-reader";

/** What a `docker` command has printed, and its exit code. */
export interface CommandOutcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface OnHost {
  /** The host whose daemon is meant; the first one unless given. */
  readonly host?: string;
}

export interface DockerCommandOptions extends OnHost {
  readonly stdin?: string;
  /** What `docker stack deploy -c -` reads Compose files with: `stackReader` of `dockwire/compose`. */
  readonly stacks?: StackReader;
}

/** Something that is asked of daemons; also again, to bring new ones where others were. */
export type Operation<T> = (daemons: Daemons, turn: OperationTurn) => T | Promise<T>;

export interface OperationTurn {
  /** The daemon of a host; the first one unless named. */
  daemonAt(host: string | undefined): Daemon;
  /** On the first host that has a container of that name; `h2/web` names the host. A service of one container stands for that. */
  find(container: string): { readonly daemon: Daemon; readonly container: string };
  readonly isReplay: boolean;
  readonly probing: ProbeContext;
  /** Machines that have failed, and a network in parts. */
  readonly conditions: Conditions;
  readonly topology: LiveTopology;
  /** Lets the packet path see what the daemons have done so far. */
  follow(): Promise<void>;
}

export type Daemon = Daemons extends ReadonlyMap<string, infer D> ? D : never;

/** What can be asked of the daemons of a running lab. Time stands still meanwhile. */
export abstract class LabOperations {
  protected abstract operate<T>(operation: Operation<T>): Promise<T>;

  /**
   * Runs a command line of the `docker` client on a host. What Docker refuses is an outcome, with its words on stderr. Every image is
   * there, and its processes answer to what is asked of them. `docker exec` runs what asks the network: `ping`, `nslookup`, `getent`, `curl`, `wget`,
   * `nc`, `traceroute`, `ip`, `cat /etc/hosts`, `sh -c`…, as real packets, while time passes; so does `docker run` with such a command.
   *
   * @throws SimulationError `UNSUPPORTED` for what Docker can do and the simulator cannot.
   * @example const { exit, stderr } = await lab.docker("network connect back web");
   */
  docker(line: string | readonly string[], { host, stdin = "", stacks }: DockerCommandOptions = {}): Promise<CommandOutcome> {
    const outcomes: CommandOutcome[] = [];
    return this.operate(async (daemons, turn) => {
      // Few labs need it, and it is large.
      const [{ DockerClient }, { labPrograms }, { swarms }] = await Promise.all([import("../client"), import("./exec"), loadSwarmLayers()]);
      swarms.meet(daemons);
      return new DockerClient(turn.daemonAt(host), { images: "any", programs: labPrograms(turn, outcomes), ...(stacks && { stacks }) }).run(line, stdin);
    });
  }

  /**
   * `docker network connect`.
   *
   * @throws SimulationError in the daemon's words, as all that follow; nothing has changed then.
   * @example await lab.connect("web", "back", { aliases: ["www"] })
   */
  connect(container: string, network: string, options: EndpointOptions = {}): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.connect(name, readEndpoint(network, options, `connect.${network}`))));
  }

  /** `docker network disconnect`. */
  disconnect(container: string, network: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.disconnect(name, network, options)));
  }

  /** `docker stop`: its traffic keeps still until it is started again. */
  stop(container: string): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.stopContainer(name)));
  }

  /** `docker start`: with another MAC, and perhaps another address, as Docker gives them. */
  start(container: string): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.startContainer(name)));
  }

  /** `docker restart`. */
  restart(container: string): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.restartContainer(name)));
  }

  /** `docker rm`; a running one needs `force`. */
  remove(container: string, options: { readonly force?: boolean } = {}): Promise<void> {
    return this.operate(on(container, (daemon, name) => daemon.removeContainer(name, options)));
  }

  /**
   * Rules that a host's user adds or deletes: lines of `iptables` commands, or what `iptables-save` prints.
   *
   * @throws SimulationError at `iptables:line:column` for what is wrong.
   * @example await lab.iptables("-I DOCKER-USER -s 172.18.0.0/16 -j DROP")
   */
  iptables(rules: string, { host }: OnHost = {}): Promise<void> {
    return this.operate(async (_, { daemonAt }) => {
      const parse = await loadRuleParser();
      daemonAt(host).firewall.apply(parse(rules, { file: "iptables" }));
    });
  }

  /**
   * The managers of a swarm make a new key for its encrypted networks and drop the oldest, as they do every 12 hours. Packets on their way
   * arrive all the same. `host`: a manager; the first host unless given.
   *
   * @throws SimulationError in the daemon's words if that is no manager.
   * @example await lab.rotateKeys()
   */
  rotateKeys({ host }: OnHost = {}): Promise<void> {
    return this.operate((_, { daemonAt }) => daemonAt(host).swarm.rotateKeys());
  }

  /**
   * What it takes to read the packets between the nodes of a swarm that has encrypted networks; none without a swarm.
   *
   * @example
   * await writeFile("esp_sa", (await lab.ipsecKeys()).wireshark());
   */
  ipsecKeys(): Promise<IpsecKeys> {
    return this.operate(async (daemons) => (await import("./ipsec")).ipsecKeysOf(stateOf(daemons)));
  }

  /**
   * What it takes to read what the nodes of a swarm tell one another at port 7946; none without a swarm. docs/gossip.md says how.
   *
   * @example const primary = (await lab.gossipKeys()).find(({ isPrimary }) => isPrimary)?.key
   */
  gossipKeys(): Promise<GossipKey[]> {
    return this.operate(async (daemons) => (await import("./gossip-keys")).gossipKeysOf(stateOf(daemons)));
  }

  /**
   * The network between hosts falls apart: nothing passes between hosts of different sides; those of no side reach everybody. Until
   * `heal`, or another partition.
   *
   * @example await lab.partition(["m1"], ["w1", "w2"])
   */
  partition(...sides: readonly (readonly string[])[]): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.partition(topology, sides));
  }

  /** The network between hosts is whole again. */
  heal(): Promise<void> {
    return this.operate((_, { conditions }) => conditions.heal());
  }

  /** A host's machine fails: nothing comes out of it and nothing goes in. */
  fail(host: string): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.fail(topology, host));
  }

  /** A machine that had failed is back, as it was. */
  recover(host: string): Promise<void> {
    return this.operate((_, { conditions, topology }) => conditions.recover(topology, host));
  }
}

/** To be done to a container by the daemon of its host. */
function on(name: string, action: (daemon: Daemon, name: string) => void): Operation<void> {
  return (_, turn) => {
    const { daemon, container } = turn.find(name);
    action(daemon, container);
  };
}
