import type { ContainerSpec, PortProtocol } from "../spec";

export interface ServicePort {
  readonly protocol: PortProtocol;
  readonly target: number;
  /** 0: one that the managers choose. */
  readonly published: number;
  readonly mode: "ingress" | "host";
}

/** A service as `docker service create` asks for it. */
export interface ServiceSpec {
  readonly name: string;
  /** How many tasks; undefined for a global service: one on each node. */
  readonly replicas: number | undefined;
  readonly endpointMode: "vip" | "dnsrr";
  readonly ports: readonly ServicePort[];
  /** IDs of swarm networks, or names of networks of each node. */
  readonly networks: readonly { readonly network: string; readonly aliases: readonly string[] }[];
  readonly labels: Readonly<Record<string, string>>;
  readonly container: Pick<ContainerSpec, "image" | "command" | "env" | "labels" | "hostname">;
}
