/** Looking names up as the images' programs do: /etc/hosts, then the servers of resolv.conf with its search list, A before AAAA. */
import { isIp, isIpv4 } from "../net/ip";
import { printed, type ProcessView, type Program } from "./process";

/** What glibc takes of a datagram with `options edns0` (resolv/resolv-internal.h: RESOLV_EDNS_BUFFER_SIZE). */
const EDNS_BYTES = 1200;
/** How long a name is looked for. */
const GETENT_MS = 10_000;

export interface ResolverSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  /** `options edns0`. */
  readonly edns: boolean;
}

export function resolverSettings(lines: readonly string[]): ResolverSettings {
  const words = lines.map((line) => line.trim().split(/\s+/));
  const ndots = words.flatMap(([word, ...rest]) => (word === "options" ? rest.flatMap((option) => /^ndots:(\d+)$/.exec(option)?.[1] ?? []) : [])).at(-1);
  return {
    servers: words.flatMap(([word, server]) => (word === "nameserver" && server !== undefined ? [server] : [])),
    search: words.filter(([word, ...rest]) => word === "search" && rest.length > 0).at(-1)?.slice(1) ?? [],
    ndots: ndots === undefined ? 1 : Number(ndots),
    edns: words.some(([word, ...rest]) => word === "options" && rest.includes("edns0")),
  };
}

/** `others`: what the same answer also held. */
export type Lookup = { readonly address: string; readonly others: readonly string[] } | { readonly failure: string };

/** An address stays what it is; `family`: only addresses of that one are asked for. A truncated answer makes it ask again over TCP. */
export async function lookUp(process: ProcessView, name: string, timeoutMs: number, family?: 4 | 6): Promise<Lookup> {
  if (isIp(name)) return { address: name, others: [] };
  const known = inHosts(process.hosts, name);
  if (known !== undefined && family !== 6) return { address: known, others: [] };
  const { servers, search, ndots, edns } = resolverSettings(process.resolvConf);
  const how = edns ? { udpSize: EDNS_BYTES } : {};
  let failure = "no-nameserver";
  for (const candidate of candidates(name, search, ndots)) {
    for (const server of servers) {
      for (const type of family === 6 ? ["AAAA"] : family === 4 ? ["A"] : ["A", "AAAA"]) {
        const first = await process.traffic.query(process.place, server, candidate, type, timeoutMs, how);
        const { result, rcode, answers = [] } = first.truncated ? await process.traffic.query(process.place, server, candidate, type, timeoutMs, { ...how, overTcp: true }) : first;
        failure = rcode ?? result;
        const [address, ...others] = answers.filter((answer) => answer.type === type).map(({ data }) => data);
        if (address !== undefined) return { address, others };
      }
      if (failure === "NOERROR" || failure === "NXDOMAIN") break;
    }
  }
  return { failure };
}

function inHosts(lines: readonly string[], name: string): string | undefined {
  for (const line of lines) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (isIpv4(address) && names.some((candidate) => candidate.toLowerCase() === name.toLowerCase())) return address;
  }
  return undefined;
}

function candidates(name: string, search: readonly string[], ndots: number): string[] {
  if (name.endsWith(".")) return [name];
  const extended = search.map((domain) => `${name}.${domain}`);
  return name.split(".").length - 1 >= ndots ? [name, ...extended] : [...extended, name];
}

/** `getent hosts NAME`, `getent ahosts NAME`: what a program would connect to. */
export const getent: Program = async (process, [, database = "", ...names]) => {
  if (database !== "hosts" && database !== "ahosts" && database !== "ahostsv4") return { ...printed([], 1), stderr: `Unknown database: ${database}\n` };
  const lines: string[] = [];
  let exit = 0;
  for (const name of names) {
    const found = await lookUp(process, name, GETENT_MS);
    if ("failure" in found) exit = 2;
    else lines.push(...[found.address, ...found.others].map((address) => `${address.padEnd(15)} ${name}`));
  }
  return printed(lines, exit);
};
