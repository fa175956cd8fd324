import { DeviceKind, FlowKind, IpvlanMode } from "../../assembly/abi/program";
import type { FlowRecord } from "../engine/program";
import type { DockerState, NetworkState } from "../model/state";
import { type Destination, destinationFields } from "./destination";
import type { Layout } from "./state";

const COUNT_OPTION = "com.docker.network.advertise_addr_nmsgs";
const INTERVAL_OPTION = "com.docker.network.advertise_addr_ms";
/** libnetwork osl: three messages, a second apart. */
const COUNT = 3;
const INTERVAL_MS = 1000;
/** An ARP packet for IPv4, and a neighbour advertisement with an address of the link. */
const ARP_BYTES = 28;
const ADVERTISEMENT_BYTES = 72;

/**
 * The flows that tell neighbours of the addresses that are new since the layout before: Docker 28 and later sends gratuitous ARP and,
 * with IPv6, unsolicited advertisements when an endpoint comes up, 20.10 does not. Append them to the engine's flows in the patch that brings the program.
 *
 * @example engine.apply({ program, flows: announcements(state, layout, previous, now).map((record, i) => ({ index: flows + i, record })) })
 */
export function announcements(state: DockerState, layout: Layout, previous: Layout, nowNs: number): FlowRecord[] {
  if (state.generation === "20.10") return [];
  const { devices } = layout.program;
  const isNew = (device: number) => (previous.program.devices[device]?.kind ?? DeviceKind.Gone) === DeviceKind.Gone;
  const isSilent = (device: number) => devices[device]!.kind === DeviceKind.Ipvlan && devices[device]!.mode !== IpvlanMode.L2;
  return state.containers.flatMap(({ running, host, name, endpoints }) => {
    const namespace = running ? layout.namespaceOf(host, name) : undefined;
    if (namespace === undefined) return [];
    return endpoints.flatMap(({ interfaceName, ip, ipv6, network }): FlowRecord[] => {
      const device = layout.deviceOf(namespace, interfaceName);
      if (device === undefined || !isNew(device) || isSilent(device)) return [];
      const options = state.networks.find((candidate) => candidate.host === host && candidate.name === network)?.options ?? {};
      const count = numberOf(options, COUNT_OPTION, COUNT);
      const schedule = { count, intervalNs: numberOf(options, INTERVAL_OPTION, INTERVAL_MS) * 1e6, nowNs };
      const six = ipv6 !== undefined && layout.program.addresses6.length > 0 ? [ipv6] : [];
      return count === 0 ? [] : [...(ip === 0 ? [] : [ip]), ...six].map((address) => announcement(namespace, address, schedule));
    });
  });
}

interface Schedule {
  readonly count: number;
  readonly intervalNs: number;
  readonly nowNs: number;
}

function announcement(namespace: number, destination: Destination, { count, intervalNs, nowNs }: Schedule): FlowRecord {
  return {
    kind: FlowKind.Announce,
    protocol: 0,
    namespace,
    ...destinationFields(destination),
    destinationPort: 0,
    sourcePort: 0,
    bytes: typeof destination === "bigint" ? ADVERTISEMENT_BYTES : ARP_BYTES,
    responseBytes: 0,
    count,
    dontFragment: 0,
    intervalNs,
    onNs: 0,
    offNs: 0,
    startNs: nowNs,
    // Also if the address goes away before all are sent.
    stopNs: nowNs + count * intervalNs,
    thinkNs: 0,
    timeoutNs: 0,
  };
}

function numberOf(options: NetworkState["options"], name: string, fallback: number): number {
  const text = options[name];
  return text === undefined ? fallback : Number(text);
}
