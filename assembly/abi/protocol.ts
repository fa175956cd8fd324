/** Registry numbers that both engines read. They are pinned by recorded frames in the tests. */

/** IEEE 802 EtherTypes. */
export const ETHERTYPE_IPV4: i32 = 0x0800;
export const ETHERTYPE_ARP: i32 = 0x0806;
export const ETHERTYPE_8021Q: i32 = 0x8100;

/** IANA protocol numbers. */
export const PROTOCOL_ICMP: i32 = 1;
export const PROTOCOL_TCP: i32 = 6;
export const PROTOCOL_UDP: i32 = 17;

/** RFC 792. */
export const ICMP_ECHO_REPLY: i32 = 0;
export const ICMP_UNREACHABLE: i32 = 3;
export const ICMP_ECHO_REQUEST: i32 = 8;
export const ICMP_TIME_EXCEEDED: i32 = 11;
/** Codes of ICMP_UNREACHABLE (RFC 792, RFC 1812 §5.2.7.1). */
export const ICMP_NET_UNREACHABLE: i32 = 0;
export const ICMP_HOST_UNREACHABLE: i32 = 1;
export const ICMP_PROTOCOL_UNREACHABLE: i32 = 2;
export const ICMP_PORT_UNREACHABLE: i32 = 3;
export const ICMP_FRAGMENTATION_NEEDED: i32 = 4;
export const ICMP_NET_PROHIBITED: i32 = 9;
export const ICMP_HOST_PROHIBITED: i32 = 10;
export const ICMP_ADMINISTRATIVELY_PROHIBITED: i32 = 13;
/** Codes of ICMP_TIME_EXCEEDED. */
export const ICMP_TTL_EXCEEDED: i32 = 0;
export const ICMP_REASSEMBLY_TIMEOUT: i32 = 1;

/** RFC 826. */
export const ARP_REQUEST: i32 = 1;
export const ARP_REPLY: i32 = 2;
