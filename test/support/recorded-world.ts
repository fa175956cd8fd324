/** The machines around the hosts of the recordings, as their README draws them. */
import type { DockerGeneration } from "../../src/model/spec";
import type { UnderlaySpec } from "../../src/model/underlay";
import { emptyWorld, type HostWorld } from "../../src/model/world";

const MTU = 1500;

/** A router without NAT between 192.0.2.0/24 and 198.51.100.0/24, a machine beside the hosts and one that stands for the internet. */
export const RECORDED_UNDERLAY: UnderlaySpec = {
  segments: [
    { name: "underlay", portSecurity: false },
    { name: "backbone", portSecurity: false },
  ],
  hostSegment: "underlay",
  machines: [
    {
      name: "gw",
      forwards: true,
      uplinks: [
        { segment: "underlay", name: "eth0", mac: "02:00:00:00:02:01", mtu: MTU, addresses: ["192.0.2.1/24"] },
        { segment: "backbone", name: "eth1", mac: "02:00:00:00:33:01", mtu: MTU, addresses: ["198.51.100.1/24"] },
      ],
      routes: [],
    },
    {
      name: "lan",
      forwards: false,
      uplinks: [{ segment: "underlay", name: "eth0", mac: "02:00:00:00:02:32", mtu: MTU, addresses: ["192.0.2.50/24"] }],
      routes: [{ destination: "default", type: "unicast", via: "192.0.2.1", scope: "global" }],
    },
    {
      name: "inet",
      forwards: false,
      uplinks: [
        {
          segment: "backbone",
          name: "eth0",
          mac: "02:00:00:00:33:0a",
          mtu: MTU,
          addresses: ["198.51.100.10/24", "198.51.100.20/24", "198.51.100.53/24"],
        },
      ],
      routes: [{ destination: "default", type: "unicast", via: "198.51.100.1", scope: "global" }],
    },
  ],
};

/** A host of the recordings. Those of 20.10 were made where br_netfilter is on before the daemon starts, the later ones where it is not. */
export function recordedHost({ ip, mac, hostname }: { readonly ip: string; readonly mac: string; readonly hostname: string }, generation: DockerGeneration): HostWorld {
  return {
    ...emptyWorld(hostname),
    uplinks: [{ name: "eth0", mac, mtu: MTU, addresses: [`${ip}/24`] }],
    routes: [{ destination: "default", type: "unicast", via: "192.0.2.1", scope: "global" }],
    hosts: ["127.0.0.1\tlocalhost", "192.0.2.50\tlan.example.test"],
    resolvConf: { nameservers: ["198.51.100.53"], search: [], options: [] },
    bridgeNetfilter: generation === "20.10",
    // "The kernel had no ipvs", the recordings say.
    ipvs: false,
  };
}
