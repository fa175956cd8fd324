/** udp_sendmsg, tcp_transmit_skb: the payload is copied from the process. The packet was built by whoever appended it here. */
import { Node } from "../abi/node";
import { PROTOCOL_TCP } from "../abi/protocol";
import { isIpv6, protocolIn, transportBytes, transportIn } from "../memory/network";
import { Packet } from "../memory/pool";
import { copyCost } from "../simulation/cpu";
import { dataOffset } from "../wire/tcp";
import { UDP_HEADER } from "../wire/udp";

@inline export function socketOutput(packet: Packet): Node {
  const header = protocolIn(packet) == PROTOCOL_TCP ? dataOffset(transportIn(packet)) : UDP_HEADER;
  copyCost(transportBytes(packet) - header);
  return isIpv6(packet) ? Node.Ip6Output : Node.IpOutput;
}
