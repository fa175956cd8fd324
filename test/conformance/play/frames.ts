/** Frames in the words of a recording's digest, and the filters that choose them. */
import type { Frame } from "../recording";

const TCP_FLAGS: readonly (readonly [bit: number, letter: string])[] = [[2, "S"], [1, "F"], [4, "R"], [8, "P"], [16, "."]];
/** Ports from here on are drawn, and numbered in the digest. */
const EPHEMERAL = 32768;
/** On any other port it is plain UDP to a recording. */
const VXLAN_PORT = 4789;

const mac = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
const address = (bytes: Uint8Array) => bytes.join(".");
const word = (bytes: Uint8Array, at: number) => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** The digests of the frames of one tap, in order. */
export function digestFrames(frames: readonly Uint8Array[]): Frame[] {
  const ports = new Map<number, string>();
  return frames.map((bytes) => digestFrame(bytes, ports));
}

function digestFrame(bytes: Uint8Array, ports: Map<number, string>): Frame {
  const ends = { src: mac(bytes.subarray(6, 12)), dst: mac(bytes.subarray(0, 6)) };
  const type = word(bytes, 12);
  const packet = bytes.subarray(14);
  if (type === 0x0806) return { ...ends, arp: arpText(packet) };
  if (type !== 0x0800) return { ...ends, ethertype: `0x${type.toString(16).padStart(4, "0")}` };
  const length = word(packet, 2);
  const header = (packet[0]! & 15) * 4;
  const ip = {
    ip: `${address(packet.subarray(12, 16))} > ${address(packet.subarray(16, 20))}`,
    ttl: packet[8]!,
    len: length,
    ...((packet[6]! & 0x40) !== 0 && { df: true }),
  };
  // A recording takes what later fragments begin with for a header, and busybox's pings are zeros.
  const isLater = (word(packet, 6) & 0x1fff) !== 0;
  if (isLater && packet[9] === 1) return { ...ends, ...ip, icmp: "echo-reply", seq: 0 };
  if (isLater && packet[9] === 17) return { ...ends, ...ip, udp: "0 > 0", data: length - header - 8 };
  return { ...ends, ...ip, ...transport(packet[9]!, packet.subarray(header, length), ports) };
}

function arpText(packet: Uint8Array): string {
  const sender = address(packet.subarray(14, 18));
  return word(packet, 6) === 1 ? `who-has ${address(packet.subarray(24, 28))} tell ${sender}` : `${sender} is-at ${mac(packet.subarray(8, 14))}`;
}

function transport(protocol: number, payload: Uint8Array, ports: Map<number, string>): Partial<Frame> {
  const port = (at: number) => {
    const number = word(payload, at);
    if (number < EPHEMERAL) return String(number);
    if (!ports.has(number)) ports.set(number, `eph${ports.size + 1}`);
    return ports.get(number)!;
  };
  if (protocol === 1) {
    const [type = 0, code = 0] = payload;
    const name = type === 8 ? "echo-request" : type === 0 ? "echo-reply" : `type ${type} code ${code}`;
    return { icmp: name, ...((type === 0 || type === 8) && { seq: word(payload, 6) }) };
  }
  if (protocol === 6) {
    const header = (payload[12]! >> 4) * 4;
    const flags = TCP_FLAGS.filter(([bit]) => (payload[13]! & bit) !== 0).map(([, letter]) => letter).join("");
    const mss = flags.includes("S") ? mssOption(payload.subarray(20, header)) : undefined;
    return { tcp: `${port(0)} > ${port(2)} ${flags}`, data: payload.length - header, ...(mss !== undefined && { mss }) };
  }
  if (protocol === 17 && word(payload, 2) === VXLAN_PORT) return tunnelled(payload, ports);
  if (protocol === 17) return { udp: `${port(0)} > ${port(2)}`, data: payload.length - 8 };
  return { proto: protocol };
}

/** RFC 7348 §5: behind the UDP header eight bytes, then a frame. The source port is a hash of what is inside. */
function tunnelled(payload: Uint8Array, ports: Map<number, string>): Partial<Frame> {
  const [flags = 0] = payload.subarray(8);
  return {
    udp: `<hash> > ${VXLAN_PORT}`,
    vxlan: { flags: `0x${flags.toString(16).padStart(2, "0")}`, vni: (word(payload, 12) << 8) | (payload[14] ?? 0) },
    udp_csum: word(payload, 6) === 0 ? "zero" : "set",
    inner: digestFrame(payload.subarray(16), ports),
  };
}

function mssOption(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!;
    if (kind === 0) return undefined;
    if (kind === 1) at++;
    else if (kind === 2) return word(options, at + 2);
    else at += Math.max(options[at + 1] ?? 2, 2);
  }
  return undefined;
}

export type FrameFilter = (bytes: Uint8Array) => boolean;

/**
 * A capture filter: terms joined by `and` and `or`, which bind alike, from left to right, each perhaps with `not` before it, or in
 * parentheses.
 *
 * @throws Error for a term that is not known.
 */
export function frameFilter(text: string): FrameFilter {
  const words = text.replace(/[()]|!(?!=)/g, " $& ").trim().split(/\s+/);
  const filter = joined(words);
  if (words.length > 0) throw new Error(`capture filter: ${JSON.stringify(words.join(" "))} is left over`);
  return filter;
}

function joined(words: string[]): FrameFilter {
  let filter = termOf(words);
  while (/^(and|or|&&|\|\|)$/.test(words[0] ?? "")) {
    const [isBoth, before, next] = [/^(and|&&)$/.test(words.shift()!), filter, termOf(words)];
    filter = isBoth ? (bytes) => before(bytes) && next(bytes) : (bytes) => before(bytes) || next(bytes);
  }
  return filter;
}

function termOf(words: string[]): FrameFilter {
  if (words[0] === "not" || words[0] === "!") {
    words.shift();
    const holds = termOf(words);
    return (bytes) => !holds(bytes);
  }
  if (words[0] === "(") {
    words.shift();
    const filter = joined(words);
    words.shift();
    return filter;
  }
  const end = words.findIndex((word) => /^(and|or|&&|\|\||\))$/.test(word));
  return primitive(words.splice(0, end === -1 ? words.length : end).join(" "));
}

const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17 };

function primitive(term: string): FrameFilter {
  const type = (bytes: Uint8Array) => word(bytes, 12);
  const protocol = (bytes: Uint8Array) => (type(bytes) === 0x0800 ? bytes[23] : -1);
  if (term === "arp") return (bytes) => type(bytes) === 0x0806;
  if (term === "ip") return (bytes) => type(bytes) === 0x0800;
  if (term === "ip6") return (bytes) => type(bytes) === 0x86dd;
  if (PROTOCOLS[term] !== undefined) return (bytes) => protocol(bytes) === PROTOCOLS[term];
  const [, ether] = /^ether proto (0x[0-9a-f]+)$/i.exec(term) ?? [];
  if (ether !== undefined) return (bytes) => type(bytes) === Number(ether);
  const [, kind, side, number] = /^(?:(tcp|udp) )?(?:(src|dst) )?port (\d+)$/.exec(term) ?? [];
  if (number !== undefined) {
    return (bytes) => {
      const found = protocol(bytes);
      if (kind === undefined ? found !== 6 && found !== 17 : found !== PROTOCOLS[kind]) return false;
      const at = 14 + (bytes[14]! & 15) * 4;
      return (side !== "dst" && word(bytes, at) === Number(number)) || (side !== "src" && word(bytes, at + 2) === Number(number));
    };
  }
  const [, hostSide, host] = /^(?:(src|dst) )?host (\d+\.\d+\.\d+\.\d+)$/.exec(term) ?? [];
  if (host !== undefined) {
    return (bytes) => {
      const at = type(bytes) === 0x0806 ? [28, 38] : type(bytes) === 0x0800 ? [26, 30] : [];
      const ends = at.map((from) => address(bytes.subarray(from, from + 4)));
      return (hostSide !== "dst" && ends[0] === host) || (hostSide !== "src" && ends[1] === host);
    };
  }
  throw new Error(`capture filter: the term ${JSON.stringify(term)} is not known`);
}
