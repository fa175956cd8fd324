/** Changes whenever a record's layout or a number below changes meaning; the loader refuses a module of another version. */
export const ABI_VERSION: i32 = 7;

/** "No index": a device without a master, a packet without a flow. */
export const NONE: u32 = 0xffffffff;
