import type { GatewayCandidate } from "./generation";
import type { Network } from "./network";
import type { AddressBlock } from "./network-addresses";
import type { PortBinding } from "./host-ports";
import type { Carriage } from "./publishing";
import type { EndpointSpec } from "./spec";

/** An address that an endpoint holds. */
export interface HeldAddress {
  readonly value: bigint;
  readonly block: AddressBlock;
}

/** A container on a network, while it runs. */
export interface Endpoint extends GatewayCandidate {
  readonly id: string;
  /** Whose it is; follows the container's name. */
  container: string;
  readonly containerId: string;
  readonly spec: EndpointSpec;
  readonly members: Network;
  readonly v4: HeldAddress | undefined;
  readonly v6: HeldAddress | undefined;
  /** What `docker inspect` shows. */
  readonly gateway4: bigint | undefined;
  readonly gateway6: bigint | undefined;
  /** Its default routes go through the interface, to nobody in particular (ipvlan l3). Without and without a gateway there are none. */
  readonly deviceRoute: boolean;
  readonly mac: number;
  /** Given when its sandbox is set up: empty before, and on `host` and `none`. */
  interfaceName: string;
  /** Counts up with the interfaces of a sandbox. */
  index: number;
  /** Likewise; empty for macvlan and ipvlan as well. */
  vethName: string;
  /** Changes with the container's name. */
  dnsNames: readonly string[];
  /** What `docker network inspect` calls it, where that is not the container's name. */
  readonly shownName?: string;
  /** On an overlay network: the number of its cable in the network's namespace. */
  readonly cable?: number | undefined;
  carriage: Carriage;
  /** What is bound on the host for its container, on its behalf. */
  ports: readonly PortBinding[];
}
