import { Node } from "../../../../assembly/abi/node";
import { ETHERTYPE_IPV4, ICMP_FRAGMENTATION_NEEDED, ICMP_UNREACHABLE, PROTOCOL_ICMP } from "../../../../assembly/abi/protocol";
import { dropUnbuilt } from "../graph/drop";
import { append } from "../graph/walk";
import type { Kernel } from "../kernel";
import type { Packet } from "../memory/packet";
import type { Device } from "../tables/device";
import { ETHERNET_HEADER, etherType, macHigh, macLow, SOURCE, writeEthernet } from "../wire/ethernet";
import { ICMP_HEADER, updateIcmpChecksum, writeIcmp } from "../wire/icmp";
import {
  destinationIp,
  DONT_FRAGMENT,
  fragmentField,
  headerLength,
  IPV4_HEADER,
  isLoopback,
  isMulticast,
  LIMITED_BROADCAST,
  protocol,
  setFragmentField,
  sourceIp,
  ttl,
  updateChecksum,
  writeDraft,
} from "../wire/ipv4";

/** An error is at most 576 bytes long (RFC 1812 §4.3.2.3), and so is the smallest MTU that one is sent about. */
const ERROR_MAX = 576;
const QUOTE_MAX = ERROR_MAX - IPV4_HEADER - ICMP_HEADER;
/** icmp_is_err: unreachable, source quench, redirect, time exceeded, parameter problem. */
const ERRORS: readonly number[] = [3, 4, 5, 11, 12];

/**
 * skb_tunnel_check_pmtu for a frame that a bridge sends into a tunnel and that would have to be cut on the underlay: its sender is told
 * what fits, as if by the receiver. False if nobody is told: then the datagram around it is cut.
 */
export function answerTooBig(kernel: Kernel, packet: Packet, device: Device, room: number): boolean {
  if (!mayTell(kernel, packet, device, room)) return false;
  const { memory } = kernel;
  const { bytes } = memory;
  const { frame, frameLength, flow } = packet;
  const error = kernel.pool.take(flow, kernel.clock);
  if (error === null) {
    dropUnbuilt(kernel, Node.VxlanOutput, device, flow, packet.sequence);
    return true;
  }
  const offender = frame + ETHERNET_HEADER;
  const quoted = Math.min(frameLength - ETHERNET_HEADER, QUOTE_MAX, kernel.datagramBytes - IPV4_HEADER - ICMP_HEADER);
  const { network } = error;
  const source = frame + SOURCE;
  writeEthernet(bytes, error.frame, macHigh(bytes, source), macLow(bytes, source), macHigh(bytes, frame), macLow(bytes, frame), ETHERTYPE_IPV4);
  error.datagramLength = IPV4_HEADER + ICMP_HEADER + quoted;
  error.frameLength = ETHERNET_HEADER + error.datagramLength;
  writeDraft(bytes, network, error.datagramLength, ttl(bytes, offender), PROTOCOL_ICMP, destinationIp(bytes, offender), sourceIp(bytes, offender));
  setFragmentField(bytes, network, DONT_FRAGMENT);
  updateChecksum(memory, network, IPV4_HEADER);
  const icmp = network + IPV4_HEADER;
  writeIcmp(bytes, icmp, ICMP_UNREACHABLE, ICMP_FRAGMENTATION_NEEDED, 0, room);
  memory.copy(icmp + ICMP_HEADER, offender, quoted);
  updateIcmpChecksum(memory, icmp, ICMP_HEADER + quoted);
  error.hasEthernet = true;
  error.sequence = packet.sequence;
  error.response = true;
  error.trace = packet.trace;
  error.target = device;
  append(kernel, error, Node.Receive);
  return true;
}

/** iptunnel_pmtud_check_icmp; what the bridge's own stack sends is not answered either. */
function mayTell(kernel: Kernel, { frame, frameLength }: Packet, { master }: Device, room: number): boolean {
  const { bytes } = kernel.memory;
  if (master === null || room < ERROR_MAX || etherType(bytes, frame) !== ETHERTYPE_IPV4) return false;
  if (macHigh(bytes, frame + SOURCE) === master.macHigh && macLow(bytes, frame + SOURCE) === master.macLow) return false;
  const network = frame + ETHERNET_HEADER;
  if (fragmentField(bytes, network) !== DONT_FRAGMENT) return false;
  const source = sourceIp(bytes, network);
  const destination = destinationIp(bytes, network);
  const isOddSource = source >>> 24 === 0 || isLoopback(source) || isMulticast(source) || source === LIMITED_BROADCAST;
  if (isOddSource || isMulticast(destination) || destination === LIMITED_BROADCAST) return false;
  const icmp = network + headerLength(bytes, network);
  return protocol(bytes, network) !== PROTOCOL_ICMP || icmp >= frame + frameLength || !ERRORS.includes(bytes[icmp]);
}
