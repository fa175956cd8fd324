/** The IPv6 twin of what the kernel is asked about IPv4: rules as ip6tables-restore reads them, and frames back and forth. */
import { PROTOCOL_ICMP, PROTOCOL_ICMP6 } from "../../assembly/abi/protocol";
import { ethernet, ipv4, repairChecksums } from "./frame";

/** "10.1.0.2/24" as the address of its twin. */
export function sixText(text: string): string {
  const [address, length] = text.split("/");
  return `fd00::${address}${length === undefined ? "" : `/${Number(length) + 96}`}`;
}

const TYPES: Readonly<Record<string, string>> = { 8: "128", 0: "129", 3: "1", 11: "3" };
const REJECTIONS: readonly (readonly [string, string])[] = [
  ["icmp-port-unreachable", "icmp6-port-unreachable"],
  ["icmp-proto-unreachable", "icmp6-port-unreachable"],
  ["icmp-net-unreachable", "icmp6-no-route"],
  ["icmp-host-unreachable", "icmp6-addr-unreachable"],
  ["icmp-admin-prohibited", "icmp6-adm-prohibited"],
  ["icmp-net-prohibited", "icmp6-policy-fail"],
  ["icmp-host-prohibited", "icmp6-reject-route"],
];

/** Rules of iptables-restore as ip6tables-restore has them. IPv6 knows no broadcasts. */
export function sixRules(text: string): string {
  const addressed = text
    .replace(/--to-(destination|source) (\d+\.\d+\.\d+\.\d+):/g, "--to-$1 [fd00::$2]:")
    .replace(/(?<![\d.:])(\d+\.\d+\.\d+\.\d+(?:\/\d+)?)/g, (found) => sixText(found))
    .replace(/-p icmp /g, "-p icmpv6 ")
    .replace(/-p icmp$/gm, "-p icmpv6")
    .replace(/--icmp-type (\d+)/g, (_, type: string) => `--icmpv6-type ${TYPES[type] ?? type}`)
    .replace(/LOCAL,BROADCAST/g, "LOCAL");
  return REJECTIONS.reduce((rules, [four, six]) => rules.replaceAll(four, six), addressed);
}

/** Neither neighbour discovery nor another protocol. */
export function isDatagram6(frame: Uint8Array): boolean {
  if (frame[12] !== 0x86 || frame[13] !== 0xdd || frame[20] === 0) return false;
  return frame[20] !== PROTOCOL_ICMP6 || frame[54] < 130 || (frame[54] > 137 && frame[54] !== 143);
}

/** A frame of IPv6 as the IPv4 one that it is the twin of, so that it is answered like that. */
export function fourFrame(frame: Uint8Array): Uint8Array {
  const mac = (at: number) => ({ macHigh: (frame[at] << 8) | frame[at + 1], macLow: ((frame[at + 2] << 24) | (frame[at + 3] << 16) | (frame[at + 4] << 8) | frame[at + 5]) >>> 0 });
  const bytes = ethernet(mac(0), mac(6), 0x0800, fourPacket(frame.subarray(14)));
  repairChecksums(bytes);
  return bytes;
}

const BACK: Readonly<Record<number, number>> = { 128: 8, 129: 0, 1: 3, 3: 11 };

function fourPacket(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const isIcmp = packet[6] === PROTOCOL_ICMP6;
  const transport = packet.slice(40);
  if (isIcmp && transport.length > 0) {
    const type = transport[0];
    transport[0] = BACK[type] ?? type;
  }
  return ipv4({ source: view.getUint32(20), destination: view.getUint32(36), ttl: packet[7], id: 1, protocol: isIcmp ? PROTOCOL_ICMP : packet[6] }, transport);
}
