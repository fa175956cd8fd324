import { SimulationError } from "../errors";
import { type ContainerOptions, type Known, type NetworkOptions, readNetworkOptions, refuseOthers } from "./options";
import { parsePublish, type PortMapping } from "./ports";
import type { NetworkSpec, SwarmNodeSpec, SwarmServiceSpec } from "./spec";
import type { DockerHostOptions } from "./world";

/** A machine in a swarm, and its cable. */
export interface SwarmNodeOptions extends DockerHostOptions {
  /** The first node is a manager, others are workers unless given. */
  readonly role?: "manager" | "worker";
  /** `"active"` unless given. */
  readonly availability?: "active" | "pause" | "drain";
}

/** What `docker network create --driver overlay` takes. */
export interface OverlayOptions extends Omit<NetworkOptions, "driver" | "host" | "parent" | "subnet6" | "mtu"> {
  /** Subnets, each with a number (VNI) of its own, instead of `subnet`. */
  readonly subnets?: readonly string[];
  /** Whether containers that are no tasks may join; false unless given. */
  readonly attachable?: boolean;
  /** Whether the nodes encrypt what they send one another; false unless given. */
  readonly encrypted?: boolean;
  /** The MTU of the underlay; inside there are 50 bytes less, and for an encrypted network 26 more to take off. 1500 unless given. */
  readonly mtu?: number;
  /** It takes the place of `ingress`, the network of published ports. */
  readonly ingress?: boolean;
}

/** A published port of a service. */
export interface ServicePortOptions {
  /** In the tasks. */
  readonly target: number;
  /** On the nodes; one from 30000 that the managers choose unless given (mode host: any free one). */
  readonly published?: number;
  /** `"tcp"` unless given. */
  readonly protocol?: "tcp" | "udp";
  /** `"ingress"` unless given: on every node, through the routing mesh; `"host"`: on the nodes that have a task. */
  readonly mode?: "ingress" | "host";
}

/** What `docker service create` takes. */
export interface ServiceOptions<Overlays extends string = string> {
  /** Tasks; 1 unless given. */
  readonly replicas?: number;
  /** `"replicated"` unless given; `"global"`: a task on every node. */
  readonly mode?: "replicated" | "global";
  readonly networks?: Known<Overlays> | readonly Known<Overlays>[] | { readonly [Name in Known<Overlays>]?: { readonly aliases?: readonly string[] } };
  /** `"8080:80"` as the routing mesh has it, or an object. */
  readonly publish?: PortMapping | ServicePortOptions | readonly (PortMapping | ServicePortOptions)[];
  /** `"vip"` unless given: the name stands for one virtual address; `"dnsrr"`: for those of all tasks. */
  readonly endpointMode?: "vip" | "dnsrr";
  readonly labels?: Readonly<Record<string, string>>;
  readonly hostname?: string;
}

/** What `docker run` takes. */
export type SwarmContainerOptions<Networks extends string = string, Containers extends string = string, Nodes extends string = string> = Omit<
  ContainerOptions<Networks, Containers, Nodes>,
  "host"
> & {
  /** Where it runs; the first node unless given. */
  readonly node?: Known<Nodes>;
};

const ENCRYPTED = "encrypted";
const PORT_MAX = 65535;

export function readNode(name: string, { role, availability }: SwarmNodeOptions, isFirst: boolean): SwarmNodeSpec {
  if (isFirst && role === "worker") throw new SimulationError("INVALID_INPUT", `node ${name}: role: expected "manager" for the first node, found "worker"`);
  return { host: name, role: role ?? (isFirst ? "manager" : "worker"), ...(availability !== undefined && { availability }) };
}

/** @throws SimulationError `INVALID_INPUT` for what cannot be. */
export function readOverlay(name: string, { subnets, attachable, encrypted, ingress, ...options }: OverlayOptions): NetworkSpec {
  if (subnets !== undefined && options.subnet !== undefined) throw new SimulationError("INVALID_INPUT", `overlay ${name}: expected subnet or subnets, found both`);
  const network = readNetworkOptions(name, { ...options, driver: "overlay" });
  return {
    ...network,
    ...(subnets !== undefined && { ipam: subnets.map((subnet) => ({ subnet, auxAddresses: {} })) }),
    ...(attachable === true && { attachable }),
    ...(ingress === true && { ingress }),
    options: { ...network.options, ...(encrypted === true && { [ENCRYPTED]: "" }) },
  };
}

/** @throws SimulationError `INVALID_INPUT` for a number or a port that cannot be. */
export function readService(name: string, options: ServiceOptions): SwarmServiceSpec {
  const { replicas = 1, mode = "replicated", networks = [], publish = [], endpointMode = "vip", labels = {}, hostname, ...rest } = options;
  const field = `services.${name}`;
  refuseOthers(rest, field);
  if (!Number.isInteger(replicas) || replicas < 0) throw new SimulationError("INVALID_INPUT", `${field}.replicas: expected a whole number from 0, found ${replicas}`);
  if (mode === "global" && options.replicas !== undefined) throw new SimulationError("INVALID_INPUT", `${field}.replicas: expected none for a global service, found ${replicas}`);
  const used: readonly (readonly [string, { readonly aliases?: readonly string[] } | undefined])[] = typeof networks === "string" || Array.isArray(networks)
    ? [networks as string].flat().map((network) => [network, undefined] as const)
    : Object.entries(networks as Readonly<Record<string, { readonly aliases?: readonly string[] } | undefined>>);
  return {
    name,
    replicas: mode === "global" ? undefined : replicas,
    endpointMode,
    ports: [publish].flat().flatMap((port) => readPort(port, `${field}.publish`)),
    networks: used.map(([network, more]) => ({ network, aliases: [...(more?.aliases ?? [])] })),
    labels: { ...labels },
    container: { ...(hostname !== undefined && { hostname }) },
  };
}

function readPort(port: string | ServicePortOptions, field: string): SwarmServiceSpec["ports"] {
  if (typeof port === "string") {
    return parsePublish(port, field).map(({ containerPort, protocol, hostIp, hostPort }) => {
      if (hostIp !== undefined) throw new SimulationError("INVALID_INPUT", `${field}: expected no address, as services are published on all of them, found ${JSON.stringify(port)}`);
      if (hostPort !== undefined && hostPort.from !== hostPort.to) throw new SimulationError("INVALID_INPUT", `${field}: expected one port for each port of the tasks, found ${JSON.stringify(port)}`);
      return { target: containerPort, protocol, published: hostPort?.from ?? 0, mode: "ingress" };
    });
  }
  const { target, published = 0, protocol = "tcp", mode = "ingress" } = port;
  checkPort(target, 1, `${field}.target`);
  checkPort(published, 0, `${field}.published`);
  return [{ target, published, protocol, mode }];
}

function checkPort(port: number, least: number, field: string): void {
  if (Number.isInteger(port) && port >= least && port <= PORT_MAX) return;
  throw new SimulationError("INVALID_INPUT", `${field}: expected a whole number from ${least} to ${PORT_MAX}, found ${port}`);
}
