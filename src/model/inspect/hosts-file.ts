import { compareText } from "../generation";
import type { DockerGeneration } from "../spec";

/** A line of /etc/hosts as Docker writes it: an address, a tabulator, names. */
export interface HostsEntry {
  readonly address: string;
  readonly names: string;
}

/** The lines that every file begins with; the generations write two addresses differently (libnetwork etchosts). */
export function standardHosts(generation: DockerGeneration): string[] {
  const zeros = generation === "20.10" ? "fe00::0 ff00::0" : "fe00:: ff00::";
  const [local = "", multicast = ""] = zeros.split(" ");
  return [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    `${local}\tip6-localnet`,
    `${multicast}\tip6-mcastprefix`,
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
  ];
}

/** The names under which a container knows itself: with a domain, the whole name and its first label. */
export function ownNames(hostname: string, domainname: string): string {
  const whole = domainname === "" ? hostname : `${hostname}.${domainname}`;
  const dot = whole.indexOf(".");
  return dot < 0 ? whole : `${whole} ${whole.slice(0, dot)}`;
}

/** The file with more entries at its end. */
export function withEntries(lines: readonly string[], entries: readonly HostsEntry[]): string[] {
  return [...lines, ...entries.map(({ address, names }) => `${address}\t${names}`)];
}

/** What leaves the file with an endpoint. */
export interface HostsDeparture {
  /** The addresses of the endpoint. */
  readonly addresses: readonly string[];
  /** Every name that Docker's DNS knows on the network, in lower case. */
  readonly knownNames: Iterable<string>;
  /** The name of the endpoint: the container's. */
  readonly endpointName: string;
  /** As `ownNames` wrote them. */
  readonly ownNames: string;
}

/**
 * The file without what goes with an endpoint. Docker 29 deletes the lines of the endpoint's addresses. 20.10 deletes every line that ends in a name
 * of the network, whatever its address is, but for the name of the endpoint (libnetwork network.go: getSvcRecords, etchosts.Delete).
 */
export function withoutEndpoint(lines: readonly string[], departure: HostsDeparture, generation: DockerGeneration): string[] {
  if (generation === "29") {
    const gone = new Set(departure.addresses.map((address) => `${address}\t${departure.ownNames}`));
    return lines.filter((line) => !gone.has(line));
  }
  const endings = [...departure.knownNames].filter((name) => name.split(".", 1)[0] !== departure.endpointName).sort(compareText);
  return lines.filter((line) => !endings.some((name) => line.endsWith(`\t${name}`)));
}

/**
 * The file after the address behind an alias has changed: that of every line whose names begin with the alias (etchosts.Update).
 *
 * @example withAddress(["172.17.0.2\tdb 0123 db1"], "db", "172.17.0.9") // ["172.17.0.9\tdb 0123 db1"]
 */
export function withAddress(lines: readonly string[], alias: string, address: string): string[] {
  return lines.map((line) => {
    const tab = line.indexOf(`\t${alias}`);
    return tab < 0 ? line : line.slice(0, tab).replace(/\S*$/, address) + line.slice(tab);
  });
}
