/** The overlay networks of swarms in the packet path; loaded by those who have some. */
import { sandboxFirewall } from "../../model/firewall";
import { swarmSupport } from "../../model/swarm/enact";
import type { SwarmLayers } from "../index";
import type { OverlayLayer } from "../overlays";
import { RESOLVER_PORTS } from "../processes";
import { openSandboxes, overlaysOf } from "./knowledge";
import { addOverlayCable, addOverlayNamespace } from "./network";
import { addServiceSandbox, placeOfSandbox } from "./sandbox";

const overlays: OverlayLayer = {
  addHost(laying, host) {
    for (const network of overlaysOf(laying.state, host.name)) addOverlayNamespace(laying, host, network);
    for (const sandbox of openSandboxes(host)) addServiceSandbox(laying, host, sandbox);
  },
  join: addOverlayCable,
  firewalls: ({ hosts }) => {
    const resolver = sandboxFirewall(RESOLVER_PORTS);
    return hosts.flatMap((host) => openSandboxes(host).map((sandbox) => ({ place: placeOfSandbox(host.name, sandbox), firewall: resolver })));
  },
};

/** Everything that labs with swarms take. */
export const swarmLayers: Required<SwarmLayers> = { swarms: swarmSupport, overlays };
