import { ABI_VERSION } from "../../assembly/abi/version";
import type { Capacity, DatapathProgram } from "../engine/program";
import { dnsOf } from "../model/dns";
import type { DockerState } from "../model/state";
import { capacityOf } from "./capacity";
import { DEFAULT_CIPHER_COST, DEFAULT_COPY_COST, DEFAULT_COSTS } from "./cost-model";
import { exponentialTable } from "./exponential";
import type { Memo } from "./memo";
import type { NameLayer } from "./names";
import { hasOverlays } from "./overlays";
import { compileProcesses, type KeyedSocket } from "./processes";
import type { LayoutIndices } from "./program-builder";
import { compileStateRules } from "./rules/state";
import { shared } from "./share";
import { type CompiledNetwork, layOut, type LayoutOptions } from "./topology";

export interface StateOptions extends LayoutOptions {
  /** Tables that are larger than the network alone needs; of the first program only. */
  readonly capacity?: Partial<Capacity>;
  /** Puts name servers around the hosts, where the underlay has names. */
  readonly names?: NameLayer | undefined;
}

/** A state as tables of the packet path, and how the next one finds the same things at the same indices. */
export interface CompiledState {
  readonly program: DatapathProgram;
  readonly layout: Layout;
  /** Sockets of the daemons' processes: proxies of published ports, and name servers of sandboxes. */
  readonly processes: readonly KeyedSocket[];
}

/** Where everything of a compiled state is. */
export interface Layout {
  readonly indices: LayoutIndices;
  readonly memo: Memo;
  readonly network: CompiledNetwork;
  readonly program: DatapathProgram;
  /** The namespace of a host or machine, or of a container that runs on a host. */
  namespaceOf(host: string, container?: string): number | undefined;
  /** A device by the kernel's name: `eth0` of a container, `docker0`, `br-…` or a veth of a host. */
  deviceOf(namespace: number, name: string): number | undefined;
}

/**
 * Lays a state out. With the layout of the state before, what is the same keeps its index, and the program is one that a running engine
 * takes (`ProgramPatch.program`); tables that say the same are the very tables of before. It has no flows and sockets: those that the engine has stay, and `processes` are to be put among them.
 *
 * @example
 * const first = compileState(daemon.state(), { seed: 7 });
 * engine.load(first.program, { seed: 7 });
 * daemon.runContainer(spec);
 * const second = compileState(daemon.state(), { seed: 7 }, first.layout);
 * engine.apply({ program: second.program });
 */
export function compileState(state: DockerState, options: StateOptions, previous?: Layout): CompiledState {
  const network = layOut(state, options, previous);
  const { builder, places, kernelDevices, xfrm } = network;
  const { chains, rules, chainNames, ruleNames } = compileStateRules(state, network, options.overlays);
  const balancing = hasOverlays(state) ? options.overlays?.balancing(state, places, network.memo) : undefined;
  const balancingRecords = balancing && { virtualServices: balancing.virtualServices, realServers: balancing.realServers };
  const sandboxes = {
    host: (name: string) => places.get(name),
    sandbox: (host: string, container: string) => places.get(`${host}/${container}`),
  };
  const own = compileProcesses(state, sandboxes, dnsOf, builder.addresses6.length > 0, options.overlays);
  const { sockets: processes, dns } = (options.underlay && options.names?.serve(own, options.underlay, { state, network })) ?? own;
  const records = { flows: [], sockets: [], processes: processes.map(({ record }) => record), dns, chains, rules, ...balancingRecords, ...(xfrm && { xfrm }) };
  const made: DatapathProgram = {
    abi: ABI_VERSION,
    names: { hosts: builder.hostNames, namespaces: builder.namespaceNames, devices: builder.deviceNames, flows: [], chains: chainNames, rules: ruleNames, ...(balancing && { virtualServices: balancing.serviceNames, realServers: balancing.serverNames }) },
    hosts: builder.hosts,
    namespaces: builder.namespaces,
    devices: builder.devices,
    addresses: builder.addresses,
    routes: builder.routes,
    neighbours: builder.neighbours,
    ...(builder.vxlanRemotes.length > 0 && { vxlanRemotes: builder.vxlanRemotes }),
    ...(xfrm && { xfrm }),
    addresses6: builder.addresses6,
    routes6: builder.routes6,
    neighbours6: [],
    links: builder.links,
    sockets: [],
    flows: [],
    chains,
    rules,
    ...balancingRecords,
    dns,
    costs: DEFAULT_COSTS,
    copyCost: DEFAULT_COPY_COST,
    cipherCost: DEFAULT_CIPHER_COST,
    exponential: exponentialTable(),
    capacity: previous?.program.capacity ?? { ...capacityOf(builder, records), ...options.capacity },
  };
  const program = shared(previous?.program, made);
  const layout: Layout = {
    indices: builder.indices,
    memo: network.memo,
    network,
    program,
    namespaceOf: (host, container) => places.get(container === undefined ? host : `${host}/${container}`),
    deviceOf: (namespace, name) => kernelDevices.get(namespace)?.get(name),
  };
  return { program, layout, processes };
}
