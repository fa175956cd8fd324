import { isIpv4, isIpv6 } from "../../net/ip";
import type { ResolvConfSpec } from "../world";

/** What a container says instead of its host: `--dns`, `--dns-search`, `--dns-option`, or the daemon's flags of these names. */
export interface ResolvConfOverrides {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** Docker's own DNS server inside a container (moby daemon/libnetwork/resolver.go). */
export const EMBEDDED_DNS = "127.0.0.11";
/** Asked where the host has only servers that a container cannot reach (moby daemon/libnetwork/internal/resolvconf). */
export const DEFAULT_NAMESERVERS = ["8.8.8.8", "8.8.4.4"];
export const DEFAULT_NAMESERVERS_6 = ["2001:4860:4860::8888", "2001:4860:4860::8844"];

/** A container's /etc/resolv.conf through its life. */
export interface ResolvConf {
  readonly lines: readonly string[];
  /** After it has joined a network without Docker's DNS. */
  join(hasIpv6: boolean): ResolvConf;
  /** After Docker's DNS has started in its sandbox. */
  embed(): ResolvConf;
}

/** Whether a server is on the host itself, where a container cannot ask it. */
export function isLocalServer(address: string): boolean {
  return /^127\./.test(address) || address === "::1";
}

/** The file of a host. */
export function hostResolvConf({ nameservers, search, options }: ResolvConfSpec): string[] {
  return linesOf(nameservers, search, options, "search first");
}

/** Lines in the order of the writer: 20.10 begins with the search list, Docker 29 with the servers. */
export function linesOf(nameservers: readonly string[], search: readonly string[], options: readonly string[], order: "search first" | "servers first"): string[] {
  const servers = nameservers.map((address) => `nameserver ${address}`);
  // A dot alone stands for no list.
  const list = search.join(" ").trim();
  const domains = list === "" || list === "." ? [] : [`search ${list}`];
  return [...(order === "search first" ? [...domains, ...servers] : [...servers, ...domains]), ...(options.length === 0 ? [] : [`options ${options.join(" ")}`])];
}

/** The servers that are usable from a container. */
export function reachable(nameservers: readonly string[], hasIpv6: boolean): string[] {
  return nameservers.filter((address) => !isLocalServer(address) && (hasIpv6 || isIpv4(address)));
}

/** Servers of IPv6 are listed beside Docker's own, which speaks IPv4 alone (20.10). */
export function ipv6Servers(nameservers: readonly string[]): string[] {
  return nameservers.filter(isIpv6);
}
