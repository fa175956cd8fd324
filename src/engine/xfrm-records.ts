/** IPsec: `ip xfrm policy` (out) and `ip xfrm state`, and the keys that states share. */
export interface XfrmTables {
  readonly policies: readonly PolicyRecord[];
  readonly sas: readonly SaRecord[];
  readonly keys: readonly KeyRecord[];
}

export const NO_XFRM: XfrmTables = { policies: [], sas: [], keys: [] };

/** What goes out from one address to another and must be encrypted. */
export interface PolicyRecord {
  readonly namespace: number;
  readonly source: number;
  readonly destination: number;
  /** 0: any. */
  readonly protocol: number;
  /** Destination port; 0: any. */
  readonly port: number;
  readonly mark: number;
  /** An index of `sas`; NONE: what should go out is dropped. */
  readonly sa: number;
}

/** A security association. */
export interface SaRecord {
  readonly namespace: number;
  readonly spi: number;
  readonly source: number;
  readonly destination: number;
  /** An index of `keys`. */
  readonly key: number;
  readonly salt: number;
  /** 0: none. */
  readonly replayWindow: number;
  /** SA_ bits; 0 unless given. */
  readonly flags?: number;
}

/** AES-128 or AES-256. */
export interface KeyRecord {
  readonly bytes: readonly number[];
}
