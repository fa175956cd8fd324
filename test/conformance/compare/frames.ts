import type { Checks } from "../checks";
import type { Frame, Json } from "../recording";

/** The frames of a tap, flow by flow: how two flows interleave is timing. */
export function compareFrames(checks: Checks, path: string, expected: readonly Frame[], got: readonly Frame[] | string): void {
  if (checks.isUnstable(`${path}.frames`)) {
    checks.skip(`${path}.frames`, "it differed in a second recording");
    return;
  }
  const wanted = flowsOf(withoutAnnouncements(checks, `${path}.frames`, expected));
  if (typeof got === "string") {
    checks.fail(`${path}.frames`, [...wanted.values()].flatMap((flow) => flow.map(digest)), got);
    return;
  }
  const found = flowsOf(withoutAnnouncements(checks, `${path}.frames`, got));
  for (const name of new Set([...wanted.keys(), ...found.keys()])) compareFlow(checks, `${path}.frames(${name})`, wanted.get(name) ?? [], found.get(name) ?? []);
  if (wanted.size === 0 && found.size === 0) checks.count(`${path}.frames`, true, [], []);
}

/** Interfaces announce themselves for two seconds after they are up (Docker 28 and later): how much of it falls into a capture is timing. */
function withoutAnnouncements(checks: Checks, path: string, frames: readonly Frame[]): readonly Frame[] {
  if (!checks.announces) return frames;
  const isAnnouncement = ({ arp = "" }: Frame) => /^who-has (\S+) tell \1$/.test(arp);
  if (frames.some(isAnnouncement)) checks.skip(path, "interfaces announce themselves for two seconds after they are up");
  return frames.filter((frame) => !isAnnouncement(frame));
}

/** A frame is one check. Acknowledgements of their own may be joined with what follows: they need only be there if both sides have them. */
function compareFlow(checks: Checks, path: string, wanted: readonly Frame[], found: readonly Frame[]): void {
  const isSame = (a: Frame | undefined, b: Frame | undefined) => a !== undefined && b !== undefined && digest(a) === digest(b);
  if (wanted.length === found.length && wanted.every((frame, at) => isSame(frame, found[at]))) {
    for (const [at, frame] of wanted.entries()) checks.count(`${path}[${at}]`, true, digest(frame), digest(frame));
    return;
  }
  const [theirs, ours] = [withoutBareAcknowledgements(wanted), withoutBareAcknowledgements(found)];
  for (let at = 0; at < Math.max(theirs.length, ours.length); at++) {
    const [a, b] = [theirs[at], ours[at]];
    checks.count(`${path}[${at}]`, isSame(a, b), a ? digest(a) : "(no frame)", b ? digest(b) : "(no frame)");
  }
}

/** The acknowledgement that ends a handshake stays: nothing can be joined with it that would come later on its own. */
function withoutBareAcknowledgements(frames: readonly Frame[]): Frame[] {
  return frames.filter((frame, at) => {
    if (frame.tcp === undefined || frame.data !== 0 || !/ \.$/.test(frame.tcp)) return true;
    return / S\.$/.test(frames[at - 1]?.tcp ?? "");
  });
}

function digest({ src, dst, ...rest }: Frame): string {
  const fields = Object.entries(rest as Record<string, Json>).map(([name, value]) => (value === true ? name : typeof value === "object" ? `${name} ${JSON.stringify(value)}` : `${name} ${value}`));
  return `${src} > ${dst} ${fields.join(" ")}`;
}

/** Frames by flow, in the order in which the flows began; within a flow, ports from 32768 up are numbered in order. */
function flowsOf(frames: readonly Frame[]): Map<string, Frame[]> {
  const flows = new Map<string, Frame[]>();
  for (const frame of withoutLaterChecks(frames)) {
    const name = flowOf(frame);
    const flow = flows.get(name);
    if (flow) flow.push(frame);
    else flows.set(name, [frame]);
  }
  // Of several flows between the same ends, the first one is compared with the first.
  const counts = new Map<string, number>();
  const named = [...flows].map(([name, flow]): [string, Frame[]] => {
    const general = name.replace(/eph\d+/g, "eph");
    const count = (counts.get(general) ?? 0) + 1;
    counts.set(general, count);
    return [count === 1 ? general : `${general} #${count}`, renumber(flow)];
  });
  return new Map(named);
}

function flowOf({ arp, ip = "", icmp, tcp, udp, src, dst }: Frame): string {
  if (arp !== undefined) {
    const [asked = "", teller = ""] = /who-has (\S+) tell (\S+)/.exec(arp)?.slice(1) ?? [];
    const isGratuitous = asked === teller && asked !== "";
    return isGratuitous ? `arp announcement ${asked}` : `arp ${asked === "" ? `${arp.split(" ")[0]}` : asked}`;
  }
  const [from = "", to = ""] = ip.split(" > ");
  const [fromPort = "", toPort = ""] = (tcp ?? udp ?? "").split(" ").filter((word) => word !== ">");
  const ends = [`${from} ${fromPort}`.trim(), `${to} ${toPort}`.trim()];
  const kind = tcp !== undefined ? "tcp" : udp !== undefined ? "udp" : icmp === undefined ? `${src} ${dst}` : icmp.startsWith("echo") ? "echo" : "icmp error";
  return `${kind} ${ends.sort().join(", ")}`;
}

function renumber(flow: readonly Frame[]): Frame[] {
  const names = new Map<string, string>();
  const rename = (text: string | undefined) =>
    text?.replace(/eph\d+/g, (port) => {
      if (!names.has(port)) names.set(port, `eph${names.size + 1}`);
      return names.get(port) ?? port;
    });
  return flow.map((frame) => ({ ...frame, ...(frame.tcp !== undefined && { tcp: rename(frame.tcp) }), ...(frame.udp !== undefined && { udp: rename(frame.udp) }) }));
}

/** The kernel checks neighbours that it knows by asking them alone, some seconds later: such questions and their answers may or may not be there. */
function withoutLaterChecks(frames: readonly Frame[]): Frame[] {
  const pending = new Map<string, number>();
  return frames.filter((frame) => {
    if (frame.arp === undefined) return true;
    const [, asked, teller] = /^who-has (\S+) tell (\S+)$/.exec(frame.arp) ?? [];
    if (asked !== undefined) {
      if (frame.dst === "ff:ff:ff:ff:ff:ff") return true;
      pending.set(`${asked} ${frame.src}`, (pending.get(`${asked} ${frame.src}`) ?? 0) + 1);
      return teller === undefined;
    }
    const answer = `${frame.arp.split(" ")[0]} ${frame.dst}`;
    const waiting = pending.get(answer) ?? 0;
    if (waiting === 0) return true;
    pending.set(answer, waiting - 1);
    return false;
  });
}
