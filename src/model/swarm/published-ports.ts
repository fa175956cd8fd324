import type { ClusterService } from "./objects";
import type { ServicePort } from "./service-spec";

/** swarmkit manager/allocator/portallocator.go. */
const FIRST_DYNAMIC_PORT = 30000;
const LAST_DYNAMIC_PORT = 32767;

/** Gives services the numbers that they leave to the managers, one after the other. */
export class PublishedPorts {
  readonly #next = new Map<string, number>();

  /** What a service publishes, with every number; those that it has stay. */
  allot(service: ClusterService, services: readonly ClusterService[]): ServicePort[] {
    return service.spec.ports.map((port) => {
      if (port.published !== 0 || port.mode === "host") return port;
      const before = service.ports.find(({ target, protocol, mode }) => target === port.target && protocol === port.protocol && mode === port.mode);
      return before ?? { ...port, published: this.#choose(port, service, services) };
    });
  }

  #choose({ protocol }: ServicePort, own: ClusterService, services: readonly ClusterService[]): number {
    const others = services.filter((service) => service !== own).flatMap(({ ports }) => ports);
    const taken = new Set([...others, ...own.spec.ports].filter((port) => port.protocol === protocol).map(({ published }) => published));
    let port = this.#next.get(protocol) ?? FIRST_DYNAMIC_PORT;
    while (taken.has(port)) port = following(port);
    this.#next.set(protocol, following(port));
    return port;
  }
}

function following(port: number): number {
  return port === LAST_DYNAMIC_PORT ? FIRST_DYNAMIC_PORT : port + 1;
}
