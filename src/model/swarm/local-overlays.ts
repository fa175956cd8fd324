import type { Firewall } from "../firewall/firewall";
import type { Network } from "../network";
import type { Networks } from "../networks";
import type { DockerGeneration } from "../spec";
import type { Cluster } from "./cluster";
import type { ClusterNetwork } from "./objects";
import { overlayNetwork } from "./overlay";
import type { ServiceSandboxes } from "./service-sandboxes";

/** What the daemon lends. */
export interface LocalOverlayContext {
  readonly hostName: string;
  readonly generation: DockerGeneration;
  readonly firewall: Firewall;
  readonly serviceSandboxes: ServiceSandboxes;
  networks(): Networks;
}

/** The overlay networks that a node has set up. */
export class LocalOverlays {
  readonly #context: LocalOverlayContext;

  constructor(context: LocalOverlayContext) {
    this.#context = context;
  }

  /** `address`: of its load balancer. */
  join(network: ClusterNetwork, address: bigint, cluster: Cluster): void {
    const { networks, hostName, serviceSandboxes } = this.#context;
    if (networks().find(network.id)) return;
    const local = overlayNetwork(network, cluster, hostName);
    networks().adopt(local);
    serviceSandboxes.open(local, address);
    if (this.#context.generation === "20.10") this.#secureOrNot(local);
  }

  secure({ subnets }: ClusterNetwork, { dataPathPort }: Cluster): void {
    for (const { vni } of subnets ?? []) this.#context.firewall.secure({ vni, port: dataPathPort });
  }

  /** 20.10 has the rules from the first on, and takes them away when another network gets their number (libnetwork drivers/overlay/ov_network.go: CreateNetwork). */
  #secureOrNot({ parts: { overlay } }: Network): void {
    const { firewall } = this.#context;
    for (const { vni } of overlay?.subnets ?? []) {
      if (overlay?.encrypted) firewall.secure({ vni, port: overlay.port });
      else firewall.unsecure({ vni, port: overlay!.port });
    }
  }

  leave(id: string): void {
    const local = this.#context.networks().find(id);
    if (local) this.forget(local);
  }

  forget(network: Network): void {
    const { serviceSandboxes, firewall, networks, generation } = this.#context;
    serviceSandboxes.close(network);
    const { overlay } = network.parts;
    // 20.10 no longer knows the numbers when it is to take the rules away.
    if (overlay?.encrypted && generation === "29") for (const { vni } of overlay.subnets) firewall.unsecure({ vni, port: overlay.port });
    networks().release(network);
  }

  forgetAll(): void {
    for (const network of this.#context.networks().list()) if (network.driver === "overlay") this.forget(network);
  }
}
