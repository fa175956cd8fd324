/**
 * IPsec as the packet path reads it (`ip xfrm policy`, `ip xfrm state`): little-endian, every field 32 bits wide. ESP in transport mode with
 * AES-GCM and a tag of 8 bytes is all there is.
 */

/** What goes out of a namespace from one address to another and must be encrypted. */
export const POLICY_NAMESPACE: i32 = 0;
export const POLICY_SOURCE: i32 = 4;
export const POLICY_DESTINATION: i32 = 8;
/** 0: any. */
export const POLICY_PROTOCOL: i32 = 12;
/** Destination port; 0: any. */
export const POLICY_PORT: i32 = 16;
/** The packet's mark, all bits of it. */
export const POLICY_MARK: i32 = 20;
/** Index of the SA that encrypts it; NONE: there is none, and nothing goes out. */
export const POLICY_SA: i32 = 24;
export const POLICY_SIZE: i32 = 28;

/** A security association; packets that come in find theirs by destination and SPI. */
export const SA_NAMESPACE: i32 = 0;
export const SA_SPI: i32 = 4;
export const SA_SOURCE: i32 = 8;
export const SA_DESTINATION: i32 = 12;
/** Index of its key. */
export const SA_KEY: i32 = 16;
/** RFC 4106 §4: the first four bytes of each nonce, in reading order. */
export const SA_SALT: i32 = 20;
/** 0: packets that come again are let in; at most REPLAY_WINDOW_MAX. */
export const SA_REPLAY_WINDOW: i32 = 24;
/** SA_ bits. */
export const SA_FLAGS: i32 = 28;
export const SA_SIZE: i32 = 32;

/** Packets get the length, the number and the cost of encrypted ones, but their bytes stay as they are. */
export const SA_SIZED: u32 = 1;

/** Bytes of the key, 16 or 32, and the key itself. */
export const KEY_LENGTH: i32 = 0;
export const KEY_BYTES: i32 = 4;
export const KEY_SIZE: i32 = 36;

/** Bytes: SPI and sequence number; initialization vector; integrity check value; pad length and next header. */
export const ESP_HEADER: i32 = 8;
export const ESP_IV: i32 = 8;
export const ESP_ICV: i32 = 8;
export const ESP_TRAILER: i32 = 2;
