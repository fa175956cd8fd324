import type { Forwarding } from "../../../../assembly/abi/ipvs";
import type { DatapathProgram, RealServerRecord } from "../../program";
import type { Kernel } from "../kernel";
import type { Namespace } from "../tables/namespace";

/** Who serves the connections of a virtual service (struct ip_vs_dest). It stays the same over new programs. */
export class RealServer {
  index = 0;
  weight = 0;
  forwarding: Forwarding = 0;
  /** It is in no program any more. */
  gone = false;

  constructor(
    readonly service: VirtualService,
    readonly address: number,
  ) {}
}

/** What packets with a mark are balanced by (struct ip_vs_service). */
export class VirtualService {
  index = 0;
  servers: readonly RealServer[] = [];
  private last: RealServer | null = null;

  /** ip_vs_rr_schedule: the next one behind the last that takes connections, or null. */
  choose(): RealServer | null {
    const { servers, last } = this;
    const start = last === null ? 0 : servers.indexOf(last) + 1;
    for (let i = 0; i < servers.length; i++) {
      const server = servers[(start + i) % servers.length];
      if (server.weight === 0) continue;
      this.last = server;
      return server;
    }
    return null;
  }

  /** Takes the real servers of a new program; those that stay are the same. */
  replace(records: readonly RealServerRecord[], first: number): void {
    const before = this.servers;
    const known = new Map(before.map((server) => [server.address, server]));
    this.servers = records.map(({ address, weight, forwarding }, position) => {
      const server = known.get(address | 0) ?? new RealServer(this, address | 0);
      known.delete(address | 0);
      server.index = first + position;
      server.weight = weight;
      server.forwarding = forwarding;
      return server;
    });
    for (const server of known.values()) server.gone = true;
    if (this.last === null) return;
    // ip_vs_rr_del_dest: whoever followed a server that is gone is next all the same.
    const upToLast = before.slice(0, before.indexOf(this.last) + 1);
    this.last = upToLast.reverse().find(({ gone }) => !gone) ?? null;
  }
}

/** Gives every namespace the virtual services that a program says. On a running kernel what stays goes on. */
export function loadServices(kernel: Kernel, { virtualServices = [], realServers = [] }: DatapathProgram): void {
  const before = kernel.namespaces.map(({ services }) => services);
  for (const namespace of kernel.namespaces) namespace.services = null;
  virtualServices.forEach(({ namespace: index, fwmark, first, count }, position) => {
    const namespace: Namespace = kernel.namespaces[index];
    const mark = fwmark | 0;
    const service = before[index]?.get(mark) ?? new VirtualService();
    before[index]?.delete(mark);
    service.index = position;
    service.replace(realServers.slice(first, first + count), first);
    namespace.services ??= new Map();
    namespace.services.set(mark, service);
  });
  for (const services of before) for (const service of services?.values() ?? []) service.replace([], 0);
  if (virtualServices.length > 0) kernel.ipvs.enable();
  kernel.ipvs.forgetStrays();
}
