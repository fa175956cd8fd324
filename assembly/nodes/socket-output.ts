/** udp_sendmsg, tcp_transmit_skb: the payload is copied from the process. The packet was built by whoever appended it here. */
import { Node } from "../abi/node";
import { PROTOCOL_TCP } from "../abi/protocol";
import { Packet } from "../memory/pool";
import { copyCost } from "../simulation/cpu";
import { IPV4_HEADER, protocolOf, totalLength } from "../wire/ipv4";
import { dataOffset } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";

export function socketOutput(packet: Packet): Node {
  const ip = packet.network;
  const transport = protocolOf(ip) == PROTOCOL_TCP ? dataOffset(ip + IPV4_HEADER) : UDP_HEADER;
  copyCost(totalLength(ip) - IPV4_HEADER - transport);
  return Node.IpOutput;
}
