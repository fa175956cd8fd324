/**
 * How a program lies in the region that the host writes before `load`: a header, then the arrays of records that
 * `program.ts` describes. Little-endian; offsets count from the start of the region.
 */
import { EXPONENTIAL_ENTRIES } from "./limits";
import { NODE_COUNT } from "./node";

/** The arrays, in the order of the header's entries. */
export enum Section {
  Hosts = 0,
  Namespaces,
  Devices,
  Addresses,
  Routes,
  Neighbours,
  Links,
  Sockets,
  Flows,
  Chains,
  Rules,
  /** Records of `dns.ts`: what name servers know. */
  Domains,
  /** Single bytes. */
  DomainBytes,
  Resolvers,
  Searches,
  Zones,
  ZoneRecords,
  Upstreams,
  Addresses6,
  Routes6,
  Neighbours6,
  /** Records of `ipvs.ts`. */
  VirtualServices,
  RealServers,
  VxlanRemotes,
  /** Records of `xfrm.ts`. */
  Policies,
  Sas,
  Keys,
}

export const SECTION_COUNT: i32 = 27;
/** u32 each: number of records, and offset of the first. */
export const SECTION_RECORDS: i32 = 0;
export const SECTION_OFFSET: i32 = 4;
export const SECTION_SIZE: i32 = 8;

/** Capacities, u32 each. */
export const CAPACITIES: i32 = SECTION_COUNT * SECTION_SIZE;
export const CAPACITY_PACKETS: i32 = CAPACITIES;
export const CAPACITY_FRAME_BYTES: i32 = CAPACITIES + 4;
export const CAPACITY_EVENTS: i32 = CAPACITIES + 8;
export const CAPACITY_FDB: i32 = CAPACITIES + 12;
export const CAPACITY_NEIGHBOURS: i32 = CAPACITIES + 16;
export const CAPACITY_SOCKETS: i32 = CAPACITIES + 20;
export const CAPACITY_FLOWS: i32 = CAPACITIES + 24;
export const CAPACITY_CONNECTIONS: i32 = CAPACITIES + 28;
export const CAPACITY_EVENT_RECORDS: i32 = CAPACITIES + 32;
export const CAPACITY_CAPTURE_BYTES: i32 = CAPACITIES + 36;
export const CAPACITY_CONNTRACK: i32 = CAPACITIES + 40;
export const CAPACITY_SESSIONS: i32 = CAPACITIES + 44;
export const CAPACITY_DOMAINS: i32 = CAPACITIES + 48;
export const CAPACITY_DOMAIN_BYTES: i32 = CAPACITIES + 52;
export const CAPACITY_RESOLVERS: i32 = CAPACITIES + 56;
export const CAPACITY_SEARCHES: i32 = CAPACITIES + 60;
export const CAPACITY_ZONES: i32 = CAPACITIES + 64;
export const CAPACITY_ZONE_RECORDS: i32 = CAPACITIES + 68;
export const CAPACITY_UPSTREAMS: i32 = CAPACITIES + 72;
export const CAPACITY_HOSTS: i32 = CAPACITIES + 76;
export const CAPACITY_NAMESPACES: i32 = CAPACITIES + 80;
export const CAPACITY_DEVICES: i32 = CAPACITIES + 84;
export const CAPACITY_ADDRESSES: i32 = CAPACITIES + 88;
export const CAPACITY_ROUTES: i32 = CAPACITIES + 92;
export const CAPACITY_LINKS: i32 = CAPACITIES + 96;
export const CAPACITY_CHAINS: i32 = CAPACITIES + 100;
export const CAPACITY_RULES: i32 = CAPACITIES + 104;
export const CAPACITY_ADDRESSES6: i32 = CAPACITIES + 108;
export const CAPACITY_VIRTUAL_SERVICES: i32 = CAPACITIES + 112;
export const CAPACITY_REAL_SERVERS: i32 = CAPACITIES + 116;
export const CAPACITY_IPVS_CONNECTIONS: i32 = CAPACITIES + 120;
export const CAPACITY_VXLAN_REMOTES: i32 = CAPACITIES + 124;
export const CAPACITY_POLICIES: i32 = CAPACITIES + 128;
export const CAPACITY_SAS: i32 = CAPACITIES + 132;
export const CAPACITY_KEYS: i32 = CAPACITIES + 136;
export const CAPACITY_PAYLOADS: i32 = CAPACITIES + 140;
export const CAPACITY_STREAMS: i32 = CAPACITIES + 144;
/** Room for 64 of them, so that the f64 that follow lie on multiples of 8. */
export const CAPACITIES_SIZE: i32 = 256;

/** f64, ns. */
export const IMAGE_COPY_COST: i32 = CAPACITIES + CAPACITIES_SIZE;
export const IMAGE_CIPHER_COST: i32 = IMAGE_COPY_COST + 8;
/** f64 each, ns, by `Node`. */
export const IMAGE_COSTS: i32 = IMAGE_CIPHER_COST + 8;
/** u32 each. */
export const IMAGE_EXPONENTIAL: i32 = IMAGE_COSTS + NODE_COUNT * 8;
export const IMAGE_HEADER: i32 = IMAGE_EXPONENTIAL + EXPONENTIAL_ENTRIES * 4;
