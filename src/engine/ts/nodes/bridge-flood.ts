import { Drop } from "../../../../assembly/abi/drop";
import { Node } from "../../../../assembly/abi/node";
import { appendCopy } from "../graph/copy";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";

/** br_flood from the bridge `packet.target`: a copy out of every port that may have it; the original is used up. */
export function bridgeFlood(kernel: Kernel, packet: Packet): Node {
  const bridge = packet.target;
  const ingress = packet.device === bridge ? null : packet.device;
  if (bridge === null || floodCopies(kernel, packet, bridge, ingress) === 0) {
    return drop(kernel, packet, Drop.BridgeNoEgressPort, Node.BridgeFlood);
  }
  kernel.pool.release(packet);
  return Node.Done;
}

/** Appends a copy per port that is up, the ingress only if it is in hairpin mode. Returns how many ports were eligible. */
export function floodCopies(kernel: Kernel, packet: Packet, bridge: Device, ingress: Device | null): number {
  let eligible = 0;
  for (const port of bridge.ports) {
    if (!port.up || (port === ingress && !port.hairpin)) continue;
    eligible++;
    appendCopy(kernel, packet, port, Node.BridgeForward);
  }
  return eligible;
}
