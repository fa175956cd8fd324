/** What IPVS thinks of a TCP connection, and how long it waits for more (tcp_states and tcp_timeouts of ip_vs_proto_tcp.c). */
import { Forwarding } from "../abi/ipvs";
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
  IPVS_UDP_NS,
} from "../abi/limits";
import { PROTOCOL_TCP } from "../abi/protocol";
import { clock } from "../simulation/clock";
import { IpvsConnection, setConnectionDeadline } from "../tables/ipvs-connection";
import { ACK, FIN, RST, SYN } from "../wire/tcp";

/** Nothing was seen yet. */
export const NO: u8 = 0;
const ES: u8 = 1;
const SS: u8 = 2;
const SR: u8 = 3;
const FW: u8 = 4;
const TW: u8 = 5;
const CL: u8 = 6;
const CW: u8 = 7;
const LA: u8 = 8;
const LI: u8 = 9;
const SA: u8 = 10;
const STATES: usize = 11;

/** Rows of eleven states for SYN, FIN, ACK and RST. */
const REQUEST = memory.data<u8>([
  SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR,
  CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW,
  CL, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES,
  CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR,
]);
const REPLY = memory.data<u8>([
  SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR,
  TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW,
  ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES,
  CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL,
]);
/** Requests whose answers go another way. */
const REQUEST_ALONE = memory.data<u8>([
  SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR,
  CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW,
  CL, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES,
  CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL,
]);

/** ip_vs_set_state: a packet of the connection was seen. */
export function advance(connection: IpvsConnection, flags: u32, isReply: bool): void {
  if ((connection.kind & 0xff) != PROTOCOL_TCP) {
    setConnectionDeadline(connection, clock + <i64>IPVS_UDP_NS);
    return;
  }
  const table = isReply ? REPLY : connection.forwarding == Forwarding.DirectRoute ? REQUEST_ALONE : REQUEST;
  const row = rowOf(flags);
  connection.state = row < 0 ? CL : load<u8>(table + <usize>row * STATES + connection.state);
  setConnectionDeadline(connection, clock + timeoutOf(connection.state));
}

function rowOf(flags: u32): i32 {
  if (flags & RST) return 3;
  if (flags & SYN) return 0;
  if (flags & FIN) return 1;
  return flags & ACK ? 2 : -1;
}

function timeoutOf(state: u8): i64 {
  switch (<i32>state) {
    case ES:
      return <i64>IPVS_TCP_ESTABLISHED_NS;
    case SS:
      return <i64>IPVS_TCP_SYN_SENT_NS;
    case SR:
      return <i64>IPVS_TCP_SYN_RECEIVED_NS;
    case FW:
      return <i64>IPVS_TCP_FIN_WAIT_NS;
    case TW:
      return <i64>IPVS_TCP_TIME_WAIT_NS;
    case CL:
      return <i64>IPVS_TCP_CLOSE_NS;
    case CW:
      return <i64>IPVS_TCP_CLOSE_WAIT_NS;
    case LA:
      return <i64>IPVS_TCP_LAST_ACK_NS;
    case LI:
      return <i64>IPVS_TCP_LISTEN_NS;
    case SA:
      return <i64>IPVS_TCP_SYNACK_NS;
    default:
      return <i64>IPVS_TCP_NONE_NS;
  }
}
