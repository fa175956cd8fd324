/** The overlay networks of swarms in the packet path; loaded by those who have some. */
import { containerFiles } from "../../model/inspect/container-files";
import { swarmSupport } from "../../model/swarm/enact";
import type { SwarmLayers } from "../index";
import type { OverlayLayer } from "../overlays";
import { balancerFirewalls, balancingOf } from "./balancers";
import { Encryption } from "./encryption";
import { openSandboxes, overlaysOf } from "./knowledge";
import { addOverlayCable, addOverlayNamespace } from "./network";
import { addServiceSandbox } from "./sandbox";

const overlays: OverlayLayer = {
  addHost(laying, host) {
    for (const network of overlaysOf(laying.state, host.name)) addOverlayNamespace(laying, host, network);
    for (const sandbox of openSandboxes(host)) addServiceSandbox(laying, host, sandbox);
  },
  join: addOverlayCable,
  firewalls: balancerFirewalls,
  balancing: balancingOf,
  encryption({ state, places }) {
    const encryption = new Encryption();
    for (const host of state.hosts) encryption.addHost(state, host, places.get(host.name)!);
    return encryption.tables.sas.length === 0 ? undefined : encryption.tables;
  },
};

/** Everything that labs with swarms take. */
export const swarmLayers: Required<Omit<SwarmLayers, "parseRules" | "readDaemon" | "names">> = { swarms: swarmSupport, overlays, files: containerFiles };
