import { shuffled } from "../chance";
import type { Cluster } from "./cluster";
import type { FileStore } from "./file-store";
import type { ClusterNode, ClusterService, ClusterTask, NodeRole } from "./objects";
import type { SwarmChange } from "./operations";
import type { NodeChange } from "./roster";
import type { ServiceSpec } from "./service-spec";
import { refuseRpc } from "./words";

/** swarmkit ca: MinNodeCertExpiration. */
const SHORTEST_EXPIRY = 3600e9;

/** What a daemon that is a manager is asked about its swarm. */
export abstract class ManagerDesk {
  /** The swarm, and the manager's own node; refuses whoever is none, and managers too few to decide. `writes`: it would change something. */
  protected abstract deciding(writes?: boolean): { readonly cluster: Cluster; readonly node: ClusterNode };

  update({ autolock, taskHistoryLimit, heartbeat, certificateExpiry }: SwarmChange): void {
    const { cluster } = this.deciding(true);
    if (certificateExpiry !== undefined && certificateExpiry < SHORTEST_EXPIRY) refuseRpc("InvalidArgument", "swarm", "minimum certificate expiry time is: 1h0m0s");
    if (autolock !== undefined) cluster.security.setAutolock(autolock);
    cluster.settings = { taskHistoryLimit: taskHistoryLimit ?? cluster.settings.taskHistoryLimit, heartbeat: heartbeat ?? cluster.settings.heartbeat };
  }

  token(role: NodeRole): { readonly token: string; readonly remote: string } {
    const { cluster, node } = this.deciding();
    return { token: cluster.security.token(role), remote: `${node.address}:${node.port}` };
  }

  rotateToken(role: NodeRole): void {
    this.deciding(true).cluster.security.rotateToken(role);
  }

  rotateRoot(): void {
    this.deciding(true).cluster.security.rotateRoot();
  }

  unlockKey(): string | undefined {
    return this.deciding().cluster.security.unlockKey;
  }

  rotateUnlockKey(): void {
    this.deciding(true).cluster.security.rotateUnlockKey();
  }

  nodes() {
    const { cluster, node } = this.deciding();
    return { nodes: cluster.nodes, own: node, leader: cluster.roster.leader };
  }

  findNode(reference: string): ClusterNode {
    const { cluster, node } = this.deciding();
    return cluster.roster.get(reference, node);
  }

  updateNode(reference: string, change: (node: ClusterNode) => NodeChange): ClusterNode {
    const node = this.findNode(reference);
    this.deciding(true).cluster.roster.update(node, change(node));
    return node;
  }

  removeNode(reference: string, force: boolean): void {
    this.deciding(true).cluster.roster.remove(this.findNode(reference), force);
  }

  inAnyOrder<T>(items: readonly T[]): readonly T[] {
    return shuffled(items, this.deciding().cluster.chance);
  }

  createService(spec: ServiceSpec): ClusterService {
    const { cluster } = this.deciding(true);
    cluster.request();
    return cluster.orchestrator.create(spec);
  }

  updateService(reference: string, change: (spec: ServiceSpec) => ServiceSpec): ClusterService {
    const { orchestrator } = this.deciding(true).cluster;
    const service = orchestrator.get(reference);
    orchestrator.update(service, change(service.spec));
    return service;
  }

  rollBackService(reference: string): ClusterService {
    const { orchestrator } = this.deciding(true).cluster;
    const service = orchestrator.get(reference);
    orchestrator.rollBack(service);
    return service;
  }

  removeService(reference: string): void {
    const { orchestrator } = this.deciding(true).cluster;
    orchestrator.remove(orchestrator.get(reference));
  }

  services(): readonly ClusterService[] {
    return this.deciding().cluster.orchestrator.services;
  }

  findService(reference: string): ClusterService {
    return this.deciding().cluster.orchestrator.get(reference);
  }

  tasksOf(service: ClusterService): readonly ClusterTask[] {
    return this.deciding().cluster.orchestrator.tasksOf(service);
  }

  tasksOn(node: ClusterNode): readonly ClusterTask[] {
    return [...node.tasks].filter(({ service }) => service !== undefined).reverse();
  }

  files(kind: "secret" | "config"): FileStore {
    const { cluster } = this.deciding();
    return kind === "secret" ? cluster.secrets : cluster.configs;
  }

  rotateKeys(): void {
    this.deciding().cluster.keys.rotate();
  }
}
