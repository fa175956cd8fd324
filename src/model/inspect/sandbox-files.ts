import type { DockerGeneration } from "../spec";
import type { ResolvConfSpec } from "../world";
import { ownNames, standardHosts, withAddress, withEntries, withoutEndpoint, type HostsEntry } from "./hosts-file";
import { hostResolvConf, type ResolvConf, type ResolvConfOverrides } from "./resolv-conf";
import { newResolvConf as resolvConf2010 } from "./resolv-conf-20.10";
import { newResolvConf as resolvConf29 } from "./resolv-conf-29";

export interface SandboxFilesSpec {
  readonly generation: DockerGeneration;
  /** `"host"`: the container shares the host's namespace, and its files unless it says something of its own. */
  readonly mode: "own" | "host";
  /** The name of the container, which is that of its endpoints. */
  readonly name: string;
  readonly hostname: string;
  readonly domainname: string;
  /** `--add-host` with `host-gateway` resolved, then links of the default bridge as `alias hostname name`. */
  readonly entries: readonly HostsEntry[];
  readonly dns: ResolvConfOverrides;
  readonly host: {
    readonly resolvConf: ResolvConfSpec;
    /** The lines of the host's own /etc/hosts. */
    readonly hosts: readonly string[];
  };
}

export interface SandboxJoin {
  /** IPv4, then IPv6, as text. */
  readonly addresses: readonly string[];
  readonly hasIpv6: boolean;
}

export interface SandboxLeave {
  readonly addresses: readonly string[];
  /** Every name that Docker's DNS knows on the network, in lower case, while the endpoint is still there; none on the default bridge. */
  readonly knownNames: Iterable<string>;
}

/**
 * /etc/hosts and /etc/resolv.conf of one sandbox. Docker writes both anew when a container starts, changes them when it joins and leaves networks, and
 * leaves them where they are when it stops.
 */
export class SandboxFiles {
  readonly #spec: SandboxFilesSpec;
  #hosts: readonly string[];
  #resolvConf: ResolvConf;
  #embeds = false;

  /** As the sandbox is made, before it has joined any network. */
  constructor(spec: SandboxFilesSpec) {
    this.#spec = spec;
    const { generation, host, dns, entries } = spec;
    const isHost = spec.mode === "host";
    const isPlain = generation === "20.10" && isHost && [dns.nameservers, dns.search, dns.options].every((list) => list.length === 0);
    const made = (generation === "20.10" ? resolvConf2010 : resolvConf29)(host.resolvConf, dns);
    this.#resolvConf = isPlain ? copyOf(host.resolvConf) : made;
    this.#hosts = isHost && entries.length === 0 ? host.hosts : withEntries(standardHosts(generation), entries);
  }

  get hosts(): readonly string[] {
    return this.#hosts;
  }

  get resolvConf(): readonly string[] {
    return this.#resolvConf.lines;
  }

  /** A network was joined. Docker's DNS is told of by `embed`, as it starts only when everything else has worked. */
  join({ addresses, hasIpv6 }: SandboxJoin): void {
    if (this.#spec.mode === "host") return;
    const names = ownNames(this.#spec.hostname, this.#spec.domainname);
    this.#hosts = withEntries(this.#hosts, addresses.map((address) => ({ address, names })));
    if (!this.#embeds) this.#resolvConf = this.#resolvConf.join(hasIpv6);
  }

  /** Docker's DNS starts in the sandbox; it stays until the container stops. */
  embed(): void {
    if (this.#embeds || this.#spec.mode === "host") return;
    this.#embeds = true;
    this.#resolvConf = this.#resolvConf.embed();
  }

  /** A network was left, also by stopping. */
  leave({ addresses, knownNames }: SandboxLeave): void {
    if (this.#spec.mode === "host") return;
    const { name, hostname, domainname, generation } = this.#spec;
    this.#hosts = withoutEndpoint(this.#hosts, { addresses, knownNames, endpointName: name, ownNames: ownNames(hostname, domainname) }, generation);
  }

  /** A container that this one is linked to has started with another address. */
  relink(alias: string, address: string): void {
    this.#hosts = withAddress(this.#hosts, alias, address);
  }
}

function copyOf(host: ResolvConfSpec): ResolvConf {
  const same: ResolvConf = { lines: hostResolvConf(host), join: () => same, embed: () => same };
  return same;
}
