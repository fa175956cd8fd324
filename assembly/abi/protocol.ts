/** Registry numbers that both engines read. They are pinned by recorded frames in the tests. */

/** IEEE 802 EtherTypes. */
export const ETHERTYPE_IPV4: i32 = 0x0800;
export const ETHERTYPE_ARP: i32 = 0x0806;
export const ETHERTYPE_8021Q: i32 = 0x8100;
export const ETHERTYPE_IPV6: i32 = 0x86dd;

/** IANA protocol numbers. */
export const PROTOCOL_ICMP: i32 = 1;
export const PROTOCOL_TCP: i32 = 6;
export const PROTOCOL_UDP: i32 = 17;
export const PROTOCOL_ESP: i32 = 50;
export const PROTOCOL_ICMP6: i32 = 58;
/** Next headers of IPv6 that are no protocols of their own (RFC 8200 §4). */
export const NEXT_HOP_BY_HOP: i32 = 0;
export const NEXT_ROUTING: i32 = 43;
export const NEXT_FRAGMENT: i32 = 44;
/** Transformations besides ESP: AH and IPComp. */
export const NEXT_AUTHENTICATION: i32 = 51;
export const NEXT_COMPRESSION: i32 = 108;
export const NEXT_NONE: i32 = 59;
export const NEXT_DESTINATION_OPTIONS: i32 = 60;

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

/** RFC 4443, RFC 4861. */
export const ICMP6_UNREACHABLE: i32 = 1;
export const ICMP6_PACKET_TOO_BIG: i32 = 2;
export const ICMP6_TIME_EXCEEDED: i32 = 3;
export const ICMP6_PARAMETER_PROBLEM: i32 = 4;
export const ICMP6_ECHO_REQUEST: i32 = 128;
export const ICMP6_ECHO_REPLY: i32 = 129;
export const ICMP6_SOLICITATION: i32 = 135;
export const ICMP6_ADVERTISEMENT: i32 = 136;
/** Codes of ICMP6_UNREACHABLE. */
export const ICMP6_NO_ROUTE: i32 = 0;
export const ICMP6_PROHIBITED: i32 = 1;
export const ICMP6_BEYOND_SCOPE: i32 = 2;
export const ICMP6_ADDRESS_UNREACHABLE: i32 = 3;
export const ICMP6_PORT_UNREACHABLE: i32 = 4;
export const ICMP6_POLICY_FAIL: i32 = 5;
export const ICMP6_REJECT_ROUTE: i32 = 6;
/** Codes of ICMP6_TIME_EXCEEDED and ICMP6_PARAMETER_PROBLEM. */
export const ICMP6_HOP_LIMIT_EXCEEDED: i32 = 0;
export const ICMP6_REASSEMBLY_TIMEOUT: i32 = 1;
export const ICMP6_UNKNOWN_NEXT_HEADER: i32 = 1;
/** Flags of an advertisement: its second word. */
export const ADVERTISEMENT_ROUTER: u32 = 0x80000000;
export const ADVERTISEMENT_SOLICITED: u32 = 0x40000000;
export const ADVERTISEMENT_OVERRIDE: u32 = 0x20000000;

/** RFC 7348 §5: the first word of a VXLAN header, I bit alone. */
export const VXLAN_HAS_VNI: u32 = 0x08000000;

/** RFC 826. */
export const ARP_REQUEST: i32 = 1;
export const ARP_REPLY: i32 = 2;
