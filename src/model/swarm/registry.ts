import { unsupported } from "../refusal";
import { Cluster, type ClusterOptions } from "./cluster";
import { SwarmMember } from "./member";
import type { SwarmLoan, SwarmWorld } from "./operations";
import { ServiceSandboxes } from "./service-sandboxes";

/** The swarms of one world: a node joins by the address of a manager. Daemons that share it can see each other. */
export class SwarmRegistry implements SwarmWorld {
  readonly #clusters: Cluster[] = [];

  found(options: ClusterOptions): Cluster {
    const cluster = new Cluster({ ...options, seed: (options.seed + this.#clusters.length) >>> 0 });
    this.#clusters.push(cluster);
    return cluster;
  }

  member(loan: SwarmLoan): SwarmMember {
    return new SwarmMember({ ...loan, registry: this, serviceSandboxes: new ServiceSandboxes(loan) });
  }

  /** The swarm of the manager at `192.0.2.11:2377`. */
  at(remote: string): Cluster {
    const address = remote.replace(/:\d+$/, "");
    const found = [...this.#clusters].reverse().find(({ managers }) => managers.some((node) => node.address === address));
    return found ?? unsupported(`swarm at ${remote}`, "joining where no manager listens");
  }
}
