/** IANA protocol numbers with the names that `iptables-save` prints (netbase: /etc/protocols). */
const PROTOCOLS: readonly (readonly [number: number, name: string])[] = [
  [1, "icmp"],
  [2, "igmp"],
  [6, "tcp"],
  [17, "udp"],
  [33, "dccp"],
  [47, "gre"],
  [50, "esp"],
  [51, "ah"],
  [58, "ipv6-icmp"],
  [112, "vrrp"],
  [132, "sctp"],
  [135, "mobility-header"],
  [136, "udplite"],
];

/** Other spellings that iptables takes. */
const ALIASES: Readonly<Record<string, number>> = { icmpv6: 58, "ipv6-mh": 135, mh: 135 };

/**
 * The number of a protocol that is named or numbered; `undefined` if nobody knows it. 0 and `all` are no protocol: every packet.
 *
 * @example protocolNumber("ipv6-icmp") // 58
 */
export function protocolNumber(text: string): number | undefined {
  const name = text.toLowerCase();
  if (name === "all") return 0;
  if (/^\d{1,3}$/.test(name)) return Number(name) <= 255 ? Number(name) : undefined;
  return PROTOCOLS.find(([, known]) => known === name)?.[0] ?? ALIASES[name];
}

/** The name by which a protocol is printed; its number if it has none. */
export function protocolName(number: number): string {
  return PROTOCOLS.find(([known]) => known === number)?.[1] ?? String(number);
}
