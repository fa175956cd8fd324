/**
 * The nodes of the packet path, in the order in which the kernel visits them from one socket to another.
 * A node's number indexes the cost table and names a place in traces, drops and captures.
 */
export enum Node {
  /** The walk of this packet has ended: consumed, handed to a link, queued at a neighbour, or dropped. */
  Done = 0,
  /** udp_sendmsg, ping's raw_sendmsg, tcp_transmit_skb: a socket builds a packet. */
  SocketOutput,
  /** ip_local_out, fib_lookup for it, ip_output, ip_finish_output. */
  IpOutput,
  /** ip_do_fragment. Visited once per packet that is too long, not per fragment. */
  IpFragment,
  /** neigh_resolve_output, arp_solicit. */
  NeighbourOutput,
  /** dev_queue_xmit, and the device's own xmit (veth_xmit, loopback_xmit, a physical port). */
  DeviceTransmit,
  /** __netif_receive_skb, eth_type_trans. */
  Receive,
  /** br_handle_frame, br_handle_frame_finish, br_fdb_update. */
  BridgeInput,
  /** __br_forward, br_dev_queue_push_xmit: out of one port. */
  BridgeForward,
  /** br_flood: out of every port that may have it. */
  BridgeFlood,
  /** br_dev_xmit: the host's own stack sends into its bridge. */
  BridgeOutput,
  /** arp_rcv, arp_process. */
  ArpInput,
  /** ip_rcv, ip_rcv_finish with the input route. */
  IpInput,
  /** ip_forward. */
  IpForward,
  /** ip_local_deliver, ip_protocol_deliver_rcu. */
  LocalDeliver,
  /** ip_defrag. */
  Reassemble,
  /** icmp_rcv with icmp_echo, icmp_unreach, ping_rcv. */
  IcmpInput,
  /** icmp_send: an error message is built. */
  IcmpError,
  /** udp_rcv, __udp4_lib_lookup. */
  UdpInput,
  /** tcp_v4_rcv. */
  TcpInput,
  /** A process wakes up and reads its socket (sock_def_readable, schedule, recvmsg). */
  ApplicationWake,
  /** A timer of the stack runs (neigh_timer_handler, tcp_write_timer, ip_expire). */
  Timer,
  /** netem_enqueue and the wire behind it. */
  Link,
  /** nf_hook of NF_INET_PRE_ROUTING: raw, nf_conntrack_in, mangle, nat. */
  Prerouting,
  /** NF_INET_LOCAL_IN: mangle, filter, nat, nf_confirm. */
  LocalIn,
  /** NF_INET_FORWARD: mangle, filter. */
  Forward,
  /** NF_INET_LOCAL_OUT: raw, nf_conntrack_in, mangle, nat, filter. */
  LocalOut,
  /** NF_INET_POST_ROUTING: mangle, nat, nf_confirm. */
  Postrouting,
  /** vlan_do_receive. */
  VlanInput,
  /** vlan_dev_hard_start_xmit. */
  VlanOutput,
  /** macvlan_handle_frame. */
  MacvlanInput,
  /** macvlan_start_xmit. */
  MacvlanOutput,
  /** ipvlan_handle_frame. */
  IpvlanInput,
  /** ipvlan_start_xmit. */
  IpvlanOutput,
  /** ipv6_rcv, ip6_rcv_finish with the input route. */
  Ip6Input,
  /** ip6_forward. */
  Ip6Forward,
  /** ip6_local_out, ip6_route_output for it, ip6_output. */
  Ip6Output,
  /** ip6_fragment. */
  Ip6Fragment,
  /** icmpv6_rcv with icmpv6_echo_reply, icmpv6_notify, ndisc_rcv. */
  Icmp6Input,
  /** icmp6_send: an error message is built. */
  Icmp6Error,
  /** ip_vs_in, ip_vs_out: within LocalIn, Forward and LocalOut. */
  Ipvs,
  /** vxlan_rcv. */
  VxlanInput,
  /** vxlan_xmit, vxlan_xmit_one. */
  VxlanOutput,
  /** xfrm_output, esp_output. */
  EspOutput,
  /** xfrm_input, esp_input. */
  EspInput,
}

/** How many nodes there are: the length of a cost table. */
export const NODE_COUNT: i32 = 45;
