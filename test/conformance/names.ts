/**
 * Stable names for what is random. The same things that the recordings replace are replaced in what the simulation shows,
 * by the same placeholders, so that the two can be compared as text.
 */
import { isRecord, type Json } from "./recording";

/** 64 hexadecimal digits, or the 25 letters and digits of a swarm id. */
type Id = string;

export class Names {
  readonly #placeholders = new Map<Id, string>();
  readonly #owners = new Map<string, Id>();
  readonly #macs = new Map<string, string>();
  readonly #veths = new Map<string, string>();
  /** What the user has written: MACs and addresses in it stay as they are. */
  readonly #given: string;
  /** By prefix: the unique local addresses that a daemon has drawn for itself. */
  readonly #drawn = new Map<string, string>();
  /** The join token of a swarm that was printed last. */
  token = "";
  /** The one before that, if it was another one. */
  formerToken = "";

  constructor(given: readonly string[] = []) {
    this.#given = given.join("\n");
  }

  /** `placeholder` without its brackets, such as `ctr:h1/c1`. The second object of a name gets `#2`. */
  learnId(id: Id, placeholder: string): void {
    if (this.#placeholders.has(id)) return;
    let name = placeholder;
    for (let count = 2; this.#owners.has(name); count++) name = `${placeholder}#${count}`;
    this.#owners.set(name, id);
    this.#placeholders.set(id, name);
  }

  /** A join token that was printed. */
  learnToken(text: string): void {
    const token = /SWMTKN-1-[0-9a-z]+-[0-9a-z]+/.exec(text)?.[0] ?? this.token;
    if (token !== this.token) this.formerToken = this.token;
    this.token = token;
  }

  /** The host's end of the veth that leads to an interface of a container, or to something else. */
  learnVeth(host: string, device: string, mac: string, target: string | undefined): void {
    if (!this.#veths.has(device)) {
      const others = [...this.#veths.values()].filter((name) => name.startsWith(`veth:${host}/other`)).length;
      this.#veths.set(device, `veth:${host}/${target ?? `other${others + 1}`}`);
    }
    this.#learnMac(mac, `mac:${this.#veths.get(device)}`);
  }

  learnBridge(host: string, device: string, mac: string): void {
    const id = [...this.#placeholders.keys()].find((candidate) => device === `br-${candidate.slice(0, 12)}`);
    this.#learnMac(mac, `mac:${host}/${id === undefined ? device : this.#placeholders.get(id)}`);
  }

  /** A device in the namespace of an overlay network. */
  learnOverlayDevice(host: string, network: string, device: string, mac: string): void {
    this.#learnMac(mac, `mac:${host}/1-<net:${network}~10>/${device}`);
  }

  /** An interface of a container: its MAC is random unless it was chosen or is made from its IPv4 address. Each start may make a new one. */
  learnEndpointMac(place: string, mac: string, ip: string): void {
    const derived = `02:42:${ip.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join(":")}`;
    if (mac === "" || mac === derived || [mac, mac.replaceAll(":", "-")].some((text) => this.#given.includes(text)) || this.#macs.has(mac)) return;
    const taken = new Set(this.#macs.values());
    let name = `mac:${place}`;
    for (let count = 2; taken.has(name); count++) name = `mac:${place}#${count}`;
    this.#macs.set(mac, name);
  }

  /** The first 48 bits of a subnet that a daemon of Docker 27 or later took from its own pool. */
  learnSubnet(host: string, subnet: string): void {
    const [prefix] = /^fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4}(?=:)/.exec(subnet) ?? [];
    if (prefix === undefined || this.#given.includes(prefix)) return;
    this.#drawn.set(prefix, `ula:${host}`);
    this.#owners.set(`ula:${host}`, prefix);
  }

  #learnMac(mac: string, placeholder: string): void {
    if (!this.#macs.has(mac)) this.#macs.set(mac, placeholder);
  }

  placeholderOf(id: Id): string | undefined {
    return this.#placeholders.get(id);
  }

  /** What a placeholder with its brackets stands for here, in a text that is to be executed. */
  resolve(text: string): string {
    return text.replace(/<([a-z]+:[^<>]*?)(?:~(\d+))?>/g, (whole, name: string, digits: string | undefined) => {
      const id = this.#owners.get(name);
      if (id === undefined) return whole;
      // A bridge is called by the first twelve digits.
      return digits === undefined ? id : id.slice(0, Number(digits));
    }).replace(/\bbr-([0-9a-f]{12})[0-9a-f]{52}\b/g, "br-$1");
  }

  /** Puts the placeholders into every text of a value. */
  replaceIn(value: Json): Json {
    const replace = this.#replacer();
    const visit = (part: Json): Json => {
      if (typeof part === "string") return replace(part);
      if (Array.isArray(part)) return part.map(visit);
      if (!isRecord(part)) return part;
      return Object.fromEntries(Object.entries(part).flatMap(([key, inner]) => (inner === undefined ? [] : [[replace(key), visit(inner)]])));
    };
    return visit(value);
  }

  #replacer(): (text: string) => string {
    const whole = new Map<string, string>();
    for (const [mac, name] of this.#macs) {
      whole.set(mac, `<${name}>`);
      whole.set(linkLocalOf(mac), `<${name.replace(/^mac:/, "ll:")}>`);
    }
    for (const [prefix, name] of this.#drawn) whole.set(prefix, `<${name}>`);
    for (const [device, name] of this.#veths) whole.set(device, `<${name}>`);
    for (const [id, name] of this.#placeholders) whole.set(id, `<${name}>`);
    const texts = [...whole.keys()].sort((a, b) => b.length - a.length);
    const anyWhole = texts.length === 0 ? undefined : new RegExp(texts.map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "g");
    const prefixes = (digits: number) => new Map([...this.#placeholders].map(([id, name]) => [id.slice(0, digits), name]));
    const [by12, by10, by9, by5] = [prefixes(12), prefixes(10), prefixes(9), prefixes(5)];
    const short = (names: ReadonlyMap<string, string>, before: string, after: string) => (found: string, digits: string) =>
      names.has(digits) ? `${before}<${names.get(digits)}${after}>` : found;
    return (text) => {
      let result = text.replace(/gateway_[0-9a-f]{12}\b/g, "gateway_<sandbox~12>");
      if (anyWhole) result = result.replace(anyWhole, (found) => whole.get(found) ?? found);
      return result
        .replace(/br-([0-9a-f]{12})(?![0-9a-z])/g, short(by12, "br-", ""))
        .replace(/(?<![0-9a-z])([0-9a-z]{12})(?![0-9a-z])/g, short(by12, "", "~12"))
        .replace(/(?<![0-9a-z])1-([0-9a-z]{10})(?![0-9a-z])/g, short(by10, "1-", "~10"))
        .replace(/lb_([0-9a-z]{9})(?![0-9a-z])/g, short(by9, "lb_", "~9"))
        .replace(/(?<=vx-[0-9a-f]{6}-)([0-9a-z]{5})(?![0-9a-z])/g, short(by5, "", "~5"));
    };
  }
}

/** The address that an interface gives itself (RFC 4291, appendix A), in the short form of RFC 5952. */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(":").map((part) => Number.parseInt(part, 16));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = bytes;
  const groups = [((a ^ 2) << 8) | b, (c << 8) | 0xff, 0xfe00 | d, (e << 8) | f];
  return compress([0xfe80, 0, 0, 0, ...groups]);
}

function compress(groups: readonly number[]): string {
  const text = groups.map((group) => group.toString(16)).join(":");
  // The longest run of at least two zero groups.
  const runs = [...text.matchAll(/(?<=^|:)0(?::0)+(?=:|$)/g)].sort((x, y) => y[0].length - x[0].length);
  const longest = runs[0];
  if (longest === undefined) return text;
  return `${text.slice(0, longest.index).replace(/:$/, "")}::${text.slice(longest.index + longest[0].length).replace(/^:/, "")}`;
}
