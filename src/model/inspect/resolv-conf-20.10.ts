import type { ResolvConfSpec } from "../world";
import {
  DEFAULT_NAMESERVERS,
  DEFAULT_NAMESERVERS_6,
  EMBEDDED_DNS,
  ipv6Servers,
  linesOf,
  reachable,
  type ResolvConf,
  type ResolvConfOverrides,
} from "./resolv-conf";

interface Parts extends ResolvConfSpec {
  /** Between what was left of the host's file and the servers that Docker puts behind it. */
  readonly hasGap: boolean;
}

/** The file as Docker 20.10 writes it (libnetwork sandbox_dns_unix.go: setupDNS, updateDNS, rebuildDNS). */
export function newResolvConf(host: ResolvConfSpec, own: ResolvConfOverrides): ResolvConf {
  const isOwn = own.nameservers.length > 0 || own.search.length > 0 || own.options.length > 0;
  const pick = (mine: readonly string[], theirs: readonly string[]) => (mine.length > 0 ? mine : theirs);
  const parts = {
    nameservers: pick(own.nameservers, host.nameservers),
    search: pick(own.search, host.search),
    options: pick(own.options, host.options),
    hasGap: false,
  };
  return isOwn ? file(parts, false) : file(filtered(parts, true), true);
}

/** The file is filtered at each join, unless the user had a say in it or Docker's DNS is in it. */
function file(parts: Parts, isFiltered: boolean): ResolvConf {
  const { nameservers, search, options, hasGap } = parts;
  return {
    lines: hasGap ? [...linesOf([], search, options, "search first"), "", ...nameservers.map((address) => `nameserver ${address}`)] : linesOf(nameservers, search, options, "search first"),
    join: (hasIpv6) => (isFiltered ? file(filtered(parts, hasIpv6), true) : file(parts, false)),
    embed: () => {
      const servers = [EMBEDDED_DNS, ...ipv6Servers(nameservers)];
      const isSet = options.some((option) => /^ndots:\d+$/.test(option));
      return file({ nameservers: servers, search, options: isSet ? options : [...options, "ndots:0"], hasGap: false }, false);
    },
  };
}

function filtered(parts: Parts, hasIpv6: boolean): Parts {
  const servers = reachable(parts.nameservers, hasIpv6);
  if (servers.length > 0) return { ...parts, nameservers: servers };
  return { ...parts, nameservers: [...DEFAULT_NAMESERVERS, ...(hasIpv6 ? DEFAULT_NAMESERVERS_6 : [])], hasGap: true };
}
