/**
 * Load balancing of the kernel (ip_vs) as the packet path reads it: little-endian, every field 32 bits wide. A virtual service is
 * known by its namespace and mark, a real server by its service and address.
 */

/** How a service chooses (ip_vs_scheduler). */
export enum Scheduler {
  /** rr: one after the other. */
  RoundRobin = 0,
}

/** How packets get to a real server (IP_VS_CONN_F_FWD_MASK; the numbers are ours). */
export enum Forwarding {
  /** IP_VS_CONN_F_MASQ: the destination becomes the real server's address. */
  Masquerade = 0,
  /** IP_VS_CONN_F_DROUTE: the packet goes to the real server as it is; the answer comes from there directly. */
  DirectRoute,
}

export const SERVICE_NAMESPACE: i32 = 0;
/** The mark of the packets that are for it; not 0. */
export const SERVICE_FWMARK: i32 = 4;
/** `Scheduler`. */
export const SERVICE_SCHEDULER: i32 = 8;
/** Its real servers are side by side: index of the first, and how many. */
export const SERVICE_FIRST: i32 = 12;
export const SERVICE_COUNT: i32 = 16;
export const SERVICE_SIZE: i32 = 20;

/** IPv4. */
export const SERVER_ADDRESS: i32 = 0;
/** 0: it gets no new connections. */
export const SERVER_WEIGHT: i32 = 4;
/** `Forwarding`. */
export const SERVER_FORWARDING: i32 = 8;
export const SERVER_SIZE: i32 = 12;
