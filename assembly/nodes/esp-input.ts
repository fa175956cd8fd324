/** xfrm_input and esp_input: a packet of ESP becomes the one that was encrypted, and comes in once more. */
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { NEXT_AUTHENTICATION, NEXT_COMPRESSION, NEXT_NONE, PROTOCOL_ESP } from "../abi/protocol";
import { ESP_HEADER, ESP_TRAILER } from "../abi/xfrm";
import { drop } from "../graph/drop";
import { frameOf, Packet, pullFront, SECPATH } from "../memory/pool";
import { detach } from "../netfilter/state";
import { cipherCost } from "../simulation/cpu";
import { VISITS_PREROUTING } from "../tables/ruleset";
import { findSa, isFresh, noteSequence, Sa } from "../tables/xfrm";
import { load32, store16 } from "../wire/bytes";
import { ESP_AROUND, ESP_FRONT, ESP_SEQUENCE, openEsp } from "../xfrm/cipher";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { destinationOf, headerLength, IP_PROTOCOL, IP_TOTAL, totalLength, writeChecksum } from "../wire/ipv4";
import { routeInput } from "./ip-input";

export function espInput(packet: Packet): Node {
  const ip = packet.network;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const esp = ip + header;
  if (bytes < <u32>ESP_HEADER) return drop(packet, Drop.XfrmInHdrError, Node.EspInput);
  const sa = findSa(packet.device.namespace.index, destinationOf(ip), load32(esp));
  if (changetype<usize>(sa) == 0) return drop(packet, Drop.XfrmInNoStates, Node.EspInput);
  const sequence = load32(esp + ESP_SEQUENCE);
  if (!isFresh(sa, sequence)) return drop(packet, Drop.XfrmInStateSeqError, Node.EspInput);
  if (bytes < ESP_AROUND) return drop(packet, Drop.XfrmInStateProtoError, Node.EspInput);
  const text = bytes - ESP_AROUND;
  cipherCost(text);
  if (!openEsp(sa, esp, text) || !isPacket(esp, text)) return reject(packet, sa, esp, text, Drop.XfrmInStateProtoError);
  noteSequence(sa, sequence);
  const end = esp + ESP_FRONT + text;
  const next = <u32>load<u8>(end - 1);
  if (isTransformation(next)) return reject(packet, sa, esp, text, Drop.XfrmInNoStates);
  disclose(packet, header, text - ESP_TRAILER - <u32>load<u8>(end - 2), <u8>next);
  detach(packet);
  packet.dontFragment |= SECPATH;
  return packet.device.namespace.filter & VISITS_PREROUTING ? Node.Prerouting : routeInput(packet);
}

/** Whether something is left in front of padding and trailer, and is no dummy. */
function isPacket(esp: usize, text: u32): bool {
  const end = esp + ESP_FRONT + text;
  return text > <u32>ESP_TRAILER && <u32>load<u8>(end - 2) + ESP_TRAILER < text && load<u8>(end - 1) != <u8>NEXT_NONE;
}

@inline function isTransformation(next: u32): bool {
  return next == PROTOCOL_ESP || next == NEXT_AUTHENTICATION || next == NEXT_COMPRESSION;
}

/** Captures show the packet as it came: what was decrypted in its place is encrypted again. */
function reject(packet: Packet, sa: Sa, esp: usize, text: u32, reason: Drop): Node {
  openEsp(sa, esp, text);
  return drop(packet, reason, Node.EspInput);
}

/** The headers move over those of ESP, and what follows the payload is cut off. */
function disclose(packet: Packet, header: u32, payload: u32, protocol: u8): void {
  const frame = frameOf(packet);
  if (packet.network == frame + ETHERNET_HEADER) {
    memory.copy(frame + ESP_FRONT, frame, ETHERNET_HEADER + header);
    pullFront(packet, ESP_FRONT);
    packet.length = ETHERNET_HEADER + header + payload;
    packet.network = frameOf(packet) + ETHERNET_HEADER;
  } else {
    memory.copy(packet.network + ESP_FRONT, packet.network, header);
    packet.network += ESP_FRONT;
  }
  const ip = packet.network;
  store<u8>(ip, protocol, IP_PROTOCOL);
  store16(ip + IP_TOTAL, header + payload);
  writeChecksum(ip);
}
