import { Drop } from "../../../../assembly/abi/drop";
import { Hook } from "../../../../assembly/abi/netfilter";
import { Node } from "../../../../assembly/abi/node";
import { NEXT_AUTHENTICATION, NEXT_COMPRESSION, NEXT_NONE, PROTOCOL_ESP } from "../../../../assembly/abi/protocol";
import { ESP_HEADER, ESP_ICV, ESP_IV, ESP_TRAILER } from "../../../../assembly/abi/xfrm";
import { drop } from "../graph/drop";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import { read32 } from "../wire/bytes";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { destinationIp, headerLength, setProtocol, setTotalLength, updateChecksum } from "../wire/ipv4";
import { open } from "../xfrm/cipher";
import { inputRoute } from "./ip-input";

/** xfrm_input, esp_input: whose is it, is it new, is it genuine; then the packet inside comes in once more. */
export function espInput(kernel: Kernel, packet: Packet): Node {
  const { device, network } = packet;
  const { bytes } = kernel.memory;
  const esp = network + headerLength(bytes, network);
  const available = network + packet.datagramLength - esp;
  if (available < ESP_HEADER) return drop(kernel, packet, Drop.XfrmInHdrError, Node.EspInput);
  const sa = device?.namespace.xfrm?.find(destinationIp(bytes, network), read32(bytes, esp)) ?? null;
  if (sa === null) return drop(kernel, packet, Drop.XfrmInNoStates, Node.EspInput);
  const sequence = read32(bytes, esp + 4) >>> 0;
  if (!sa.window.admits(sequence)) return drop(kernel, packet, Drop.XfrmInStateSeqError, Node.EspInput);
  const sealed = available - ESP_HEADER - ESP_IV - ESP_ICV;
  if (sealed < 0) return drop(kernel, packet, Drop.XfrmInStateProtoError, Node.EspInput);
  kernel.chargeCipher(sealed);
  const plain = open(sa, bytes, esp, sealed);
  if (plain === null) return drop(kernel, packet, Drop.XfrmInStateProtoError, Node.EspInput);
  const trailer = sealed < ESP_TRAILER ? sealed : plain[sealed - ESP_TRAILER] + ESP_TRAILER;
  const next = plain[sealed - 1];
  if (trailer >= sealed || next === NEXT_NONE) return drop(kernel, packet, Drop.XfrmInStateProtoError, Node.EspInput);
  sa.window.note(sequence);
  if (next === PROTOCOL_ESP || next === NEXT_AUTHENTICATION || next === NEXT_COMPRESSION) return drop(kernel, packet, Drop.XfrmInNoStates, Node.EspInput);
  uncover(kernel, packet, esp, plain.subarray(0, sealed - trailer), next);
  return device?.namespace.filter?.visits(Hook.Prerouting) === true ? Node.Prerouting : inputRoute(kernel, packet);
}

/** xfrm4_transport_input, xfrm4_transport_finish: the payload takes the place of what it was sealed in. */
function uncover({ memory, conntrack }: Kernel, packet: Packet, esp: number, payload: Uint8Array, next: number): void {
  const { network } = packet;
  const { bytes } = memory;
  const total = esp - network + payload.length;
  bytes.set(payload, esp);
  setProtocol(bytes, network, next);
  setTotalLength(bytes, network, total);
  updateChecksum(memory, network, esp - network);
  packet.datagramLength = total;
  if (network === packet.frame + ETHERNET_HEADER) packet.frameLength = ETHERNET_HEADER + total;
  conntrack.forget(packet);
  packet.secpath = packet.filtered = true;
}
