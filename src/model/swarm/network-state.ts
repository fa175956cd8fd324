import type { SwarmNetworkState } from "../state";
import type { ClusterNetwork } from "./objects";
import { overlayMtu, shownSpec } from "./overlay";

/** A network as its managers show it where it is not in use. */
export function clusterNetworkState(network: ClusterNetwork, host: string): SwarmNetworkState {
  const { id, isOverlay, subnets } = network;
  const spec = shownSpec(network);
  const isAllotted = subnets !== undefined;
  return {
    id,
    name: spec.name,
    host,
    scope: "swarm",
    internal: spec.internal,
    attachable: spec.attachable === true,
    ingress: isAllotted && spec.ingress === true,
    configOnly: false,
    configFrom: "",
    enableIpv4: true,
    enableIpv6: spec.ipv6 === true,
    ipam: {
      driver: isOverlay && isAllotted ? "default" : "",
      options: null,
      config: spec.ipam.map(({ subnet = "", ipRange, gateway }) => ({ subnet, ...(ipRange !== undefined && { ipRange }), ...(gateway !== undefined && { gateway }) })),
    },
    options: isAllotted || !isOverlay ? spec.options : {},
    labels: spec.labels ?? {},
    driver: "overlay",
    shownDriver: isAllotted ? spec.driver : "",
    isAllotted,
    isLocal: false,
    subnets: (subnets ?? []).filter(({ subnet }) => subnet.family === 4).map(({ subnet, gateway, vni }) => ({ network: Number(subnet.network), prefixLength: subnet.prefixLength, gateway: Number(gateway), vni })),
    mtu: overlayMtu(spec),
    port: 0,
    encrypted: spec.options.encrypted !== undefined,
    peers: [],
  };
}
