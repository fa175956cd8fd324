/** xfrm_output and esp_output: what a policy wants encrypted becomes a packet of ESP, which leaves as any other. */
import { FlowError } from "../abi/counter";
import { Drop } from "../abi/drop";
import { Node } from "../abi/node";
import { PROTOCOL_ESP } from "../abi/protocol";
import { ESP_TRAILER } from "../abi/xfrm";
import { drop } from "../graph/drop";
import { DontFragment, HAS_POLICY, openGap, Packet, policyOf, SECPATH, TRANSFORMED, wayMtuOf } from "../memory/pool";
import { detach } from "../netfilter/state";
import { cipherCost } from "../simulation/cpu";
import { namespaceAt } from "../tables/namespace";
import { VISITS_OUTPUT, VISITS_POSTROUTING } from "../tables/ruleset";
import { Policy, Sa } from "../tables/xfrm";
import { store16 } from "../wire/bytes";
import { ESP_AROUND, ESP_FRONT, sealEsp, writeEsp } from "../xfrm/cipher";
import { fragmentWord, headerLength, IP_DF, IP_PROTOCOL, IP_TOTAL, protocolOf, totalLength, writeChecksum } from "../wire/ipv4";
import { leaveFilter, refuse } from "./postrouting";

const TOTAL_MAX: u32 = 65535;
const MODE_MASK: u8 = 3;

export function espOutput(packet: Packet): Node {
  const sa = changetype<Policy>(policyOf(packet)).sa;
  if (changetype<usize>(sa) == 0) return drop(packet, Drop.XfrmOutNoStates, Node.EspOutput);
  const ip = packet.network;
  const header = headerLength(ip);
  const bytes = totalLength(ip) - header;
  const padding = (0 - bytes - ESP_TRAILER) & 3;
  const text = bytes + padding + ESP_TRAILER;
  const total = header + ESP_AROUND + text;
  const namespace = namespaceAt(packet.namespace);
  const mtu = wayMtuOf(packet);
  if (total > TOTAL_MAX || (total > mtu && mayNotBeCut(packet, ip))) return refuse(packet, Drop.PktTooBig, FlowError.MessageTooLong, Node.EspOutput);
  if (sa.sequence == u32.MAX_VALUE) return drop(packet, Drop.XfrmOutStateSeqError, Node.EspOutput);
  sa.sequence++;
  if (!openGap(packet, header, ESP_FRONT, total)) return drop(packet, Drop.NoMemory, Node.EspOutput);
  cipherCost(text);
  enclose(packet.network, header, bytes, padding, sa);
  packet.dontFragment = (packet.dontFragment & ~(HAS_POLICY | SECPATH)) | TRANSFORMED;
  packet.mtu = total > mtu ? mtu : 0;
  detach(packet);
  if (namespace.filter & VISITS_OUTPUT) return Node.LocalOut;
  return namespace.filter & VISITS_POSTROUTING ? Node.Postrouting : leaveFilter(packet);
}

/** A sender that asked for the path's MTU only has its packets fragmented after they were encrypted. */
function mayNotBeCut(packet: Packet, ip: usize): bool {
  return (fragmentWord(ip) & IP_DF) != 0 && (packet.dontFragment & MODE_MASK) != <u8>DontFragment.Want;
}

function enclose(ip: usize, header: u32, bytes: u32, padding: u32, sa: Sa): void {
  const esp = ip + header;
  const trailer = esp + ESP_FRONT + bytes;
  writeEsp(esp, sa.spi, sa.sequence);
  for (let index: u32 = 0; index < padding; index++) store<u8>(trailer + index, <u8>(index + 1));
  store<u8>(trailer + padding, <u8>padding);
  store<u8>(trailer + padding, <u8>protocolOf(ip), 1);
  sealEsp(sa, esp, bytes + padding + ESP_TRAILER);
  store<u8>(ip, <u8>PROTOCOL_ESP, IP_PROTOCOL);
  store16(ip + IP_TOTAL, header + ESP_AROUND + bytes + padding + ESP_TRAILER);
  writeChecksum(ip);
}
