import { Forwarding } from "../../../../assembly/abi/ipvs";
import {
  IPVS_TCP_CLOSE_NS,
  IPVS_TCP_CLOSE_WAIT_NS,
  IPVS_TCP_ESTABLISHED_NS,
  IPVS_TCP_FIN_WAIT_NS,
  IPVS_TCP_LAST_ACK_NS,
  IPVS_TCP_LISTEN_NS,
  IPVS_TCP_NONE_NS,
  IPVS_TCP_SYN_RECEIVED_NS,
  IPVS_TCP_SYN_SENT_NS,
  IPVS_TCP_SYNACK_NS,
  IPVS_TCP_TIME_WAIT_NS,
} from "../../../../assembly/abi/limits";
import { ACK, FIN, RST, SYN } from "../wire/tcp";

/** States of a TCP connection as ip_vs sees it (IP_VS_TCP_S_). */
export enum IpvsTcp {
  None,
  Established,
  SynSent,
  SynReceived,
  FinWait,
  TimeWait,
  Close,
  CloseWait,
  LastAck,
  Listen,
  SynAck,
}

/** By their two letters on the page. */
const LETTERS: Readonly<Record<string, IpvsTcp>> = {
  NO: IpvsTcp.None,
  ES: IpvsTcp.Established,
  SS: IpvsTcp.SynSent,
  SR: IpvsTcp.SynReceived,
  FW: IpvsTcp.FinWait,
  TW: IpvsTcp.TimeWait,
  CL: IpvsTcp.Close,
  CW: IpvsTcp.CloseWait,
  LA: IpvsTcp.LastAck,
  LI: IpvsTcp.Listen,
  SA: IpvsTcp.SynAck,
};

const STATES = IpvsTcp.SynAck + 1;

/** One row each for SYN, FIN, ACK and RST, one column per state. */
function transitions(rows: readonly string[]): Int8Array {
  return Int8Array.from(rows.flatMap((row) => row.split(" ").map((letters) => LETTERS[letters] ?? IpvsTcp.Close)));
}

const REQUEST = transitions([
  "SR ES ES SR SR SR SR SR SR SR SR",
  "CL CW SS TW TW TW CL CW LA LI TW",
  "CL ES SS ES FW TW CL CW CL LI ES",
  "CL CL CL SR CL CL CL CL LA LI SR",
]);
const REPLY = transitions([
  "SS ES SS SR SS SS SS SS SS LI SR",
  "TW FW SS TW FW TW CL TW LA LI TW",
  "ES ES SS ES FW TW CL CW LA ES ES",
  "CL CL SS CL CL TW CL CL CL CL CL",
]);
/** Of connections whose replies are never seen. */
const REQUEST_ONLY = transitions([
  "SR ES ES SR SR SR SR SR SR SR SR",
  "CL FW SS TW FW TW CL CW LA LI TW",
  "CL ES SS ES FW TW CL CW CL LI ES",
  "CL CL CL SR CL CL CL CL LA LI CL",
]);

/** By state. */
const TIMEOUTS: readonly number[] = [
  IPVS_TCP_NONE_NS,
  IPVS_TCP_ESTABLISHED_NS,
  IPVS_TCP_SYN_SENT_NS,
  IPVS_TCP_SYN_RECEIVED_NS,
  IPVS_TCP_FIN_WAIT_NS,
  IPVS_TCP_TIME_WAIT_NS,
  IPVS_TCP_CLOSE_NS,
  IPVS_TCP_CLOSE_WAIT_NS,
  IPVS_TCP_LAST_ACK_NS,
  IPVS_TCP_LISTEN_NS,
  IPVS_TCP_SYNACK_NS,
];

/** set_tcp_state: where a segment with these flags leads. */
export function nextState(state: IpvsTcp, control: number, isReply: boolean, forwarding: Forwarding): IpvsTcp {
  const row = rowOf(control);
  if (row < 0) return IpvsTcp.Close;
  const table = isReply ? REPLY : forwarding === Forwarding.DirectRoute ? REQUEST_ONLY : REQUEST;
  return table[row * STATES + state];
}

export function timeoutOf(state: IpvsTcp): number {
  return TIMEOUTS[state];
}

function rowOf(control: number): number {
  if ((control & RST) !== 0) return 3;
  if ((control & SYN) !== 0) return 0;
  if ((control & FIN) !== 0) return 1;
  return (control & ACK) !== 0 ? 2 : -1;
}
