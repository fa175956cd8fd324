import type { LinkSpec, Positioned } from "./spec";
import type { HostRouteSpec, UplinkSpec } from "./world";

/** A switch and the cables into it: a network outside of the hosts. */
export interface SegmentSpec {
  readonly name: string;
  /** What every cable does, each direction by itself; absent: nothing. */
  readonly link?: LinkSpec;
  /** A port takes frames from the MAC of its machine only, as the switches of clouds do. */
  readonly portSecurity: boolean;
}

/** A machine without Docker: a router, a neighbour on the LAN, a server on the internet. */
export interface MachineSpec extends Positioned {
  readonly name: string;
  /** net.ipv4.ip_forward. */
  readonly forwards: boolean;
  readonly uplinks: readonly (UplinkSpec & { readonly segment: string })[];
  readonly routes: readonly HostRouteSpec[];
}

/** Names, and the address or addresses of each. */
export type NameTable = Readonly<Record<string, string | readonly string[]>>;

/** What name servers around the hosts know: that of `internet`, and that of `lan`, which also knows what the other does. */
export interface NamesSpec {
  readonly internet?: NameTable;
  readonly lan?: NameTable;
}

/** What is around the hosts. */
export interface UnderlaySpec {
  readonly segments: readonly SegmentSpec[];
  readonly machines: readonly MachineSpec[];
  /** The segment that uplinks of hosts are cabled to which name none. */
  readonly hostSegment: string;
  /** Absent: there are no name servers. */
  readonly names?: NamesSpec;
}
