import { Node } from "../../../../assembly/abi/node";
import { visit } from "../graph/step";
import { recordHop } from "../graph/trace";
import type { Kernel } from "../kernel";
import { type Packet, UNTRACED } from "../memory/packet";

/** Visits Ipvs within the node in progress, which goes on afterwards. */
export function visitIpvs<T>(kernel: Kernel, packet: Packet, act: () => T): T {
  const { node } = kernel;
  visit(kernel, Node.Ipvs);
  if (packet.trace !== UNTRACED) recordHop(kernel, packet, Node.Ipvs);
  const result = act();
  kernel.node = node;
  return result;
}
