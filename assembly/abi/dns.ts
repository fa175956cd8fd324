/** What both engines know of DNS: numbers of RFC 1035 and RFC 3596, and the records of zones as they lie in the module's memory. */

/** Types of records. */
export const DNS_A: i32 = 1;
export const DNS_NS: i32 = 2;
export const DNS_CNAME: i32 = 5;
export const DNS_PTR: i32 = 12;
export const DNS_MX: i32 = 15;
export const DNS_TXT: i32 = 16;
export const DNS_AAAA: i32 = 28;
export const DNS_SRV: i32 = 33;
/** RFC 6891: its class is how long an answer may be. */
export const DNS_OPT: i32 = 41;
/** Class IN. */
export const DNS_IN: i32 = 1;

/** Response codes. */
export const DNS_NOERROR: i32 = 0;
export const DNS_FORMERR: i32 = 1;
export const DNS_SERVFAIL: i32 = 2;
export const DNS_NXDOMAIN: i32 = 3;
export const DNS_NOTIMP: i32 = 4;
export const DNS_REFUSED: i32 = 5;

/** The header's second word. */
export const DNS_RESPONSE: i32 = 0x8000;
export const DNS_OPCODE: i32 = 0x7800;
export const DNS_AUTHORITATIVE: i32 = 0x0400;
export const DNS_TRUNCATED: i32 = 0x0200;
export const DNS_RECURSION_DESIRED: i32 = 0x0100;
export const DNS_RECURSION_AVAILABLE: i32 = 0x0080;
export const DNS_CHECKING_DISABLED: i32 = 0x0010;
export const DNS_RCODE: i32 = 0x000f;

export const DNS_HEADER: i32 = 12;
/** Of a message over UDP, and of a name on the wire (RFC 1035 §2.3.4); labels have at most 63 bytes. */
export const DNS_MESSAGE_MAX: i32 = 512;
/** The longest answer over UDP of a resolver whose client takes more: what a datagram of IPv4 holds. Docker has no bound of its own. */
export const DNS_ANSWER_MAX: i32 = 65507;
export const DNS_NAME_MAX: i32 = 255;
export const DNS_PORT: i32 = 53;
/** The longest message over TCP (RFC 1035 §4.2.2), and Docker 20.10's own answers there (libnetwork/resolver.go: dns.MaxMsgSize - 1). */
export const DNS_STREAM_MAX: i32 = 65535;
export const DNS_STREAM_LEGACY: i32 = 65534;
/** Bytes of an end of a TCP connection that can wait for its process, or for their acknowledgement: the longest message and its length. */
export const DNS_STREAM_BYTES: i32 = 65537;
/** miekg/dns, server.go: how long a server waits for the first question of a connection, and for each one after it (dnsTimeout, tcpIdleTimeout). */
export const DNS_FIRST_QUESTION_NS: f64 = 2000000000;
export const DNS_NEXT_QUESTION_NS: f64 = 8000000000;
/** miekg/dns, server.go: questions after which it closes a connection (maxTCPQueries). */
export const DNS_QUESTIONS_MAX: i32 = 128;
/** A place for one answer of any length, in front of those of all flows. */
export const DNS_LONG_REPLY: i32 = 65536;
/** An OPT record without data: root name, type, class, TTL, length. */
export const DNS_OPT_BYTES: i32 = 11;
/** How long a resolver waits for an upstream server: moby, libnetwork/resolver.go, extIOTimeout. */
export const DNS_UPSTREAM_TIMEOUT_NS: f64 = 4000000000;

/** Resolver flags. It answers for its zones alone and says so; unknown names are NXDOMAIN, nothing is passed on. */
export const RESOLVER_AUTHORITATIVE: u32 = 1;
/** Names of one label that no zone has are not passed on (the container's `ndots` was set by hand). */
export const RESOLVER_NDOTS: u32 = 2;
/** As Docker 20.10 decides when to ask the next upstream server and what to answer if none helps. */
export const RESOLVER_LEGACY: u32 = 4;

export const RESOLVER_FLAGS: i32 = 0;
/** Its zones in the order in which they are searched: a range of the list of zone indices. */
export const RESOLVER_SEARCH_FIRST: i32 = 4;
export const RESOLVER_SEARCH_COUNT: i32 = 8;
export const RESOLVER_UPSTREAM_FIRST: i32 = 12;
export const RESOLVER_UPSTREAM_COUNT: i32 = 16;
export const RESOLVER_SIZE: i32 = 20;

/** An index of a zone. */
export const SEARCH_SIZE: i32 = 4;

/** Zone flags: its network has IPv6. */
export const ZONE_IPV6: u32 = 1;

export const ZONE_FLAGS: i32 = 0;
export const ZONE_FIRST: i32 = 4;
export const ZONE_COUNT: i32 = 8;
export const ZONE_SIZE: i32 = 12;

/** A domain name's index. */
export const ZONE_RECORD_NAME: i32 = 0;
/** DNS_A, DNS_AAAA or DNS_PTR. */
export const ZONE_RECORD_TYPE: i32 = 4;
/** Seconds. */
export const ZONE_RECORD_TTL: i32 = 8;
/** A PTR's domain name, else NONE. */
export const ZONE_RECORD_TARGET: i32 = 12;
/** Four words in reading order; IPv4 uses the first. */
export const ZONE_RECORD_ADDRESS: i32 = 16;
export const ZONE_RECORD_SIZE: i32 = 32;

/** The namespace that asks, on the resolver's host, and the server's address. */
export const UPSTREAM_NAMESPACE: i32 = 0;
export const UPSTREAM_IP: i32 = 4;
/** `Family` of the server; one of IPv6 has its address in UPSTREAM_IP6. */
export const UPSTREAM_FAMILY: i32 = 8;
export const UPSTREAM_IP6: i32 = 12;
export const UPSTREAM_SIZE: i32 = 28;

/** Offset and length of a domain name's wire form (lower case, with the last empty label) among the bytes of all names. */
export const DOMAIN_OFFSET: i32 = 0;
export const DOMAIN_BYTES: i32 = 4;
export const DOMAIN_SIZE: i32 = 8;
