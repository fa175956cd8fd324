import type { DockerState } from "./state";

/** What one sandbox's embedded DNS server knows and does. */
export interface SandboxDns {
  /** The container whose sandbox it is. */
  readonly container: string;
  /**
   * Names in lower case, without a trailing dot, that Docker answers itself: from the first network that has the name, in gateway
   * order, also as `name.network`; links of this container before the names of containers.
   */
  readonly names: ReadonlyMap<string, DnsEntry>;
  /** `in-addr.arpa` and `ip6.arpa` names in lower case, and whom they point to. */
  readonly reverse: ReadonlyMap<string, string>;
  /** At most three, asked in this order. */
  readonly upstreams: readonly UpstreamServer[];
  /** Seconds: 600. */
  readonly ttl: number;
  /** Whether names without a dot that nobody knows get an empty answer instead of being forwarded. */
  readonly keepsSingleLabels: boolean;
  /** What a client gets when no upstream server gives a usable answer. */
  readonly onFailure: "silence" | "servfail";
  /** Whether NXDOMAIN from one server makes the next one be asked. */
  readonly triesNextOnNxdomain: boolean;
}

export interface DnsEntry {
  /** In the order of the containers' start; the server shuffles them for each query. */
  readonly ipv4: readonly number[];
  readonly ipv6: readonly bigint[];
  /** Whether a query for a family that has no address is forwarded instead of being answered with nothing. */
  readonly forwardsOtherFamily: boolean;
}

export interface UpstreamServer {
  readonly address: string;
  /** From which network namespace it is asked. */
  readonly from: "host" | "container";
}

/** A container's /etc/resolv.conf as its libc reads it. */
export interface ResolverConfig {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** The embedded DNS server of a container's sandbox; `undefined` where there is none. */
export type DnsLookup = (state: DockerState, container: string) => SandboxDns | undefined;
