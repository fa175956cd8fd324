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
}

export const SECTION_COUNT: i32 = 9;
/** u32 each: number of records, and offset of the first. */
export const SECTION_RECORDS: i32 = 0;
export const SECTION_OFFSET: i32 = 4;
export const SECTION_SIZE: i32 = 8;

/** u32 each. */
export const CAPACITY_PACKETS: i32 = 72;
export const CAPACITY_FRAME_BYTES: i32 = 76;
export const CAPACITY_EVENTS: i32 = 80;
export const CAPACITY_FDB: i32 = 84;
export const CAPACITY_NEIGHBOURS: i32 = 88;
export const CAPACITY_SOCKETS: i32 = 92;
export const CAPACITY_FLOWS: i32 = 96;
export const CAPACITY_CONNECTIONS: i32 = 100;
export const CAPACITY_EVENT_RECORDS: i32 = 104;
export const CAPACITY_CAPTURE_BYTES: i32 = 108;

/** f64, ns. */
export const IMAGE_COPY_COST: i32 = 112;
/** f64 each, ns, by `Node`. */
export const IMAGE_COSTS: i32 = 120;
/** u32 each. */
export const IMAGE_EXPONENTIAL: i32 = IMAGE_COSTS + NODE_COUNT * 8;
export const IMAGE_HEADER: i32 = IMAGE_EXPONENTIAL + EXPONENTIAL_ENTRIES * 4;
