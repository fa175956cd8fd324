import * as xfrm from "../../../assembly/abi/xfrm";
import type { KeyRecord, PolicyRecord, SaRecord } from "../program";

const u32 = (view: DataView, at: number, value: number) => view.setUint32(at, value, true);

export function writePolicy(view: DataView, at: number, record: PolicyRecord): void {
  u32(view, at + xfrm.POLICY_NAMESPACE, record.namespace);
  u32(view, at + xfrm.POLICY_SOURCE, record.source);
  u32(view, at + xfrm.POLICY_DESTINATION, record.destination);
  u32(view, at + xfrm.POLICY_PROTOCOL, record.protocol);
  u32(view, at + xfrm.POLICY_PORT, record.port);
  u32(view, at + xfrm.POLICY_MARK, record.mark);
  u32(view, at + xfrm.POLICY_SA, record.sa);
}

export function writeSa(view: DataView, at: number, record: SaRecord): void {
  u32(view, at + xfrm.SA_NAMESPACE, record.namespace);
  u32(view, at + xfrm.SA_SPI, record.spi);
  u32(view, at + xfrm.SA_SOURCE, record.source);
  u32(view, at + xfrm.SA_DESTINATION, record.destination);
  u32(view, at + xfrm.SA_KEY, record.key);
  u32(view, at + xfrm.SA_SALT, record.salt);
  u32(view, at + xfrm.SA_REPLAY_WINDOW, record.replayWindow);
  u32(view, at + xfrm.SA_FLAGS, record.flags ?? 0);
}

export function writeKey(view: DataView, at: number, { bytes }: KeyRecord): void {
  u32(view, at + xfrm.KEY_LENGTH, bytes.length);
  bytes.forEach((byte, index) => view.setUint8(at + xfrm.KEY_BYTES + index, byte));
}
