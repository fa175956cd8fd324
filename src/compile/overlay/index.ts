/** The overlay networks of swarms in the packet path; loaded by those who have some. */
import { swarmSupport } from "../../model/swarm/enact";
import type { SwarmLayers } from "../index";
import type { OverlayLayer } from "../overlays";
import { balancerFirewalls, balancingOf } from "./balancers";
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
};

/** Everything that labs with swarms take. */
export const swarmLayers: Required<SwarmLayers> = { swarms: swarmSupport, overlays };
