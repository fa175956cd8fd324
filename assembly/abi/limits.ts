/** Every capacity of the packet path, with its reason. Times are nanoseconds. */

/** A packet's walk ends after so many node visits in one event. 65,536 covers a flood of 1,024 ports many times over. */
export const WALK_STEPS_MAX: i32 = 65536;
/** Copies and new packets that may wait in one walk. Linux bridges have at most 1,024 ports (BR_MAX_PORTS). */
export const WALK_QUEUE_MAX: i32 = 4096;

/** Bytes in front of a received frame, for the encapsulations to come (VXLAN 50, ESP 24), rounded up. */
export const PACKET_HEADROOM: i32 = 128;

/** netdev_max_backlog, the kernel's default. */
export const BACKLOG_DEFAULT: i32 = 1000;
/** A link's queue when nobody says otherwise: txqueuelen of Ethernet devices, and netem's default limit. */
export const LINK_LIMIT_DEFAULT: i32 = 1000;
export const LINK_LIMIT_MAX: i32 = 65535;
/** Jitter must keep (2 × jitter + 1) × 2^21 below 2^53, so that doubles are exact. */
export const LINK_JITTER_MAX_NS: u32 = 2000000000;

/** br_fdb: ageing_time 300 s. */
export const FDB_AGEING_NS: f64 = 300000000000;

/** Entries that a VXLAN device learnt: FDB_AGE_DEFAULT 300 s, since the source was last seen (Linux 6.15; before, since the entry was last used). */
export const VXLAN_AGEING_NS: f64 = 300000000000;
/** Outer source ports: udp_flow_src_port over the default net.ipv4.ip_local_port_range, 32768 and 28,231 from there on. */
export const VXLAN_PORT_FIRST: i32 = 32768;
export const VXLAN_PORTS: i32 = 28231;
/** Bytes that a VXLAN device puts around a frame: IPv4 20, UDP 8, VXLAN 8; and what the frame may have beside its MTU: Ethernet 14, a tag 4; and the outer Ethernet header 14. */
export const VXLAN_FRAME_ROOM: i32 = 68;

/** neigh/default/unres_qlen: 101 packets of the default unres_qlen_bytes. */
export const NEIGHBOUR_QUEUE_MAX: i32 = 101;
/** neigh/default: base_reachable_time 30 s, delay_first_probe_time 5 s, retrans_time 1 s, locktime 1 s. */
export const NEIGHBOUR_REACHABLE_NS: f64 = 30000000000;
export const NEIGHBOUR_DELAY_NS: f64 = 5000000000;
export const NEIGHBOUR_RETRANSMIT_NS: f64 = 1000000000;
export const NEIGHBOUR_LOCK_NS: f64 = 1000000000;
/** mcast_solicit and ucast_solicit. */
export const NEIGHBOUR_PROBES_MAX: i32 = 3;

/** ipfrag_time 30 s. */
export const REASSEMBLY_TIMEOUT_NS: f64 = 30000000000;
/** 64 datagrams of 64 KiB: ipfrag_high_thresh, 4 MiB. */
export const REASSEMBLY_MAX: i32 = 64;

/** Learned path MTUs: entries of the whole simulation, and mtu_expires 600 s; min_pmtu 552. */
export const PATH_MTU_MAX: i32 = 1024;
export const PATH_MTU_EXPIRES_NS: f64 = 600000000000;
export const PATH_MTU_MIN: i32 = 552;

/** ip6frag_time 60 s. */
export const REASSEMBLY6_TIMEOUT_NS: f64 = 60000000000;
/** IPV6_MIN_MTU (RFC 8200 §5). */
export const PATH_MTU6_MIN: i32 = 1280;
/** Extension headers of a packet that are walked. */
export const EXTENSION_HEADERS_MAX: i32 = 8;
/** How long an address is tentative: one solicitation (dad_transmits), then retrans_time 1 s. */
export const DAD_NS: f64 = 1000000000;

/** Datagrams that wait for a process: what fits into rmem_default (212,992 bytes) at 832 bytes of truesize each. */
export const SOCKET_QUEUE_MAX: i32 = 256;

/** Events in the queue of one timer: those that an earlier deadline overtook, and the one that counts. A connection has 1 s, 200 ms and 40 ms. */
export const TIMER_EVENTS_MAX: i32 = 3;

/** Messages a TCP flow may have written that are not complete at the other end yet. */
export const TCP_MESSAGES_MAX: i32 = 256;
/** tcp_wmem[2]. */
export const TCP_SEND_BUFFER: i32 = 4194304;
/** The window that a SYN carries, and the receive window after it: tcp_rmem[2] at tcp_adv_win_scale 1. */
export const TCP_SYN_WINDOW: i32 = 64240;
export const TCP_RECEIVE_WINDOW: i32 = 3145728;
export const TCP_WINDOW_SCALE: i32 = 7;
/** Holes in the received stream that a connection remembers. */
export const TCP_HOLES_MAX: i32 = 8;
/** Segments sent by one output event before the host's other work gets its turn. */
export const TCP_BURST_MAX: i32 = 16;
/** RFC 6928. */
export const TCP_INITIAL_WINDOW_SEGMENTS: i32 = 10;
/** TCP_RTO_MIN 200 ms, TCP_TIMEOUT_INIT 1 s, TCP_RTO_MAX 120 s. */
export const TCP_RTO_MIN_NS: f64 = 200000000;
export const TCP_RTO_INITIAL_NS: f64 = 1000000000;
export const TCP_RTO_MAX_NS: f64 = 120000000000;
/** tcp_syn_linear_timeouts 4 (Linux 6.5): so many timeouts of a SYN are not longer than the first, and do not count. tcp_syn_retries 6, tcp_synack_retries 5, tcp_retries2 15. */
export const TCP_SYN_LINEAR_TIMEOUTS: i32 = 4;
export const TCP_SYN_RETRIES: i32 = 6;
export const TCP_SYNACK_RETRIES: i32 = 5;
export const TCP_RETRIES: i32 = 15;
/** TCP_TIMEWAIT_LEN 60 s. */
export const TCP_TIME_WAIT_NS: f64 = 60000000000;

/** tcp_fin_timeout 60 s: fin-wait-2 of a connection whose process is gone. */
export const TCP_FIN_TIMEOUT_NS: f64 = 60000000000;
/** TCP_DELACK_MIN 40 ms. */
export const TCP_DELAYED_ACK_NS: f64 = 40000000;

/** Source ports that processes take for connections and datagrams of their own, the last one first: the upper end of ip_local_port_range. */
export const PROCESS_PORT_FIRST: i32 = 49152;
export const PROCESS_PORT_LAST: i32 = 60999;
/** moby, cmd/docker-proxy/udp_proxy_linux.go: UDPConnTrackTimeout. */
export const PROXY_SESSION_NS: f64 = 90000000000;

/** Sequence numbers of a security association that the replay window can hold: RFC 4303 §3.4.3's default. */
export const REPLAY_WINDOW_MAX: i32 = 64;

/** Chains that may be entered one inside the other, the built-in one not counted. */
export const CHAIN_DEPTH_MAX: i32 = 16;

/** nf_conntrack_icmp_timeout, nf_conntrack_generic_timeout. */
export const CONNTRACK_ICMP_NS: f64 = 30000000000;
export const CONNTRACK_GENERIC_NS: f64 = 600000000000;
/** nf_conntrack_udp_timeout and _stream; what lives longer than this is a stream. */
export const CONNTRACK_UDP_NS: f64 = 30000000000;
export const CONNTRACK_UDP_STREAM_NS: f64 = 120000000000;
export const CONNTRACK_UDP_STREAM_AFTER_NS: f64 = 2000000000;
/** nf_conntrack_tcp_timeout_syn_sent (SynSent2 too), _syn_recv, _established, _fin_wait, _close_wait, _last_ack, _time_wait, _close, _unacknowledged. */
export const CONNTRACK_TCP_SYN_SENT_NS: f64 = 120000000000;
export const CONNTRACK_TCP_SYN_RECEIVED_NS: f64 = 60000000000;
export const CONNTRACK_TCP_ESTABLISHED_NS: f64 = 432000000000000;
export const CONNTRACK_TCP_FIN_WAIT_NS: f64 = 120000000000;
export const CONNTRACK_TCP_CLOSE_WAIT_NS: f64 = 60000000000;
export const CONNTRACK_TCP_LAST_ACK_NS: f64 = 30000000000;
export const CONNTRACK_TCP_TIME_WAIT_NS: f64 = 120000000000;
export const CONNTRACK_TCP_CLOSE_NS: f64 = 10000000000;
export const CONNTRACK_TCP_UNACKNOWLEDGED_NS: f64 = 300000000000;

/** Timeouts of IPVS by state of the connection (tcp_timeouts of ip_vs_proto_tcp.c, udp_timeouts of ip_vs_proto_udp.c). */
export const IPVS_TCP_NONE_NS: f64 = 2000000000;
export const IPVS_TCP_ESTABLISHED_NS: f64 = 900000000000;
export const IPVS_TCP_SYN_SENT_NS: f64 = 120000000000;
export const IPVS_TCP_SYN_RECEIVED_NS: f64 = 60000000000;
export const IPVS_TCP_FIN_WAIT_NS: f64 = 120000000000;
export const IPVS_TCP_TIME_WAIT_NS: f64 = 120000000000;
export const IPVS_TCP_CLOSE_NS: f64 = 10000000000;
export const IPVS_TCP_CLOSE_WAIT_NS: f64 = 60000000000;
export const IPVS_TCP_LAST_ACK_NS: f64 = 30000000000;
export const IPVS_TCP_LISTEN_NS: f64 = 120000000000;
export const IPVS_TCP_SYNACK_NS: f64 = 120000000000;
export const IPVS_UDP_NS: f64 = 300000000000;

/** Latency histogram: 2^6 linear steps per octave (an error of at most 1.6 %), up to 2^44 ns (4.9 hours); longer ones count in the last bucket. */
export const HISTOGRAM_STEP_BITS: i32 = 6;
export const HISTOGRAM_BUCKETS: i32 = 2496;

/** Entries of the table that turns 12 random bits into an exponential gap, in units of 1/4096 of the mean. */
export const EXPONENTIAL_ENTRIES: i32 = 4096;
export const EXPONENTIAL_SCALE: i32 = 4096;

/** Costs per byte are given per 1,024 bytes. */
export const COST_BYTES: i32 = 1024;
