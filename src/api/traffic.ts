import { SimulationError } from "../errors";
import { isIpv6 } from "../net/ip";
import { parseDuration, parsePacketRate, parseRate, parseSize, type Duration, type PacketRate, type Rate, type Size } from "../net/units";
import { refuseOthers } from "./options";
import type { RateSpec, TargetSpec, TrafficSpec } from "./spec";

/** Messages per second, or payload bits per second: `"100/s"`, `"5kpps"`, `"200Mbit"`. */
export type TrafficRate = PacketRate | Rate;

/** `"db:5432/tcp"`, `"db:53/udp"`, `"db:5432"` (TCP), or `"db"` for a ping; a name as the sender knows it, or an address: `"fd00::2"`, `"[fd00::2]:80/tcp"`. */
export type Target<T extends string> = T extends `[${string}]` | `[${string}]:${number}` | `[${string}]:${number}/${"tcp" | "udp"}` | `${string}:${string}:${string}`
  ? T
  : T extends `${string}:${infer Port}`
    ? Port extends `${number}` | `${number}/${"tcp" | "udp"}`
      ? T
      : `${string}:${number}/${"tcp" | "udp"}`
    : T;

export interface RequestOptions {
  /** Bytes of a request; 128 unless given. */
  readonly size?: Size;
  /** Bytes of a response; 1024 unless given. */
  readonly response?: Size;
  /** From a response to the next request; 10 ms unless given. */
  readonly think?: Duration;
  /** When a client gives up waiting; 1 s unless given. */
  readonly timeout?: Duration;
  /** How many clients ask, each for itself; 1 unless given. */
  readonly clients?: number;
}

export interface OnOffOptions {
  readonly on: Duration;
  readonly off: Duration;
  /** While it is on. */
  readonly rate: TrafficRate;
}

/**
 * What traffic is, in any order. Without a word on how often, a target with a port gets requests, each after the response to the
 * one before, and a target without a port gets one ping a second.
 */
export interface TrafficMethods<Self> {
  /** Whom it goes to. @example traffic.to("db:5432/tcp") */
  to<const T extends string>(target: Target<T>): Self;
  /** Messages at even intervals; with `request`, requests that do not wait for responses. @example traffic.rate("200Mbit").size(512) */
  rate(rate: TrafficRate): Self;
  /** Messages at exponentially distributed intervals with this mean rate. */
  poisson(rate: TrafficRate): Self;
  /** Messages at even intervals for a while, then silence, in turn. @example traffic.onOff({ rate: "1kpps", on: "100ms", off: "1s" }) */
  onOff(options: OnOffOptions): Self;
  /** Requests that want a response. @example traffic.request({ size: 200, response: "4k", clients: 8 }) */
  request(options?: RequestOptions): Self;
  /** Exchanges as HTTP/1.0 has them: a TCP connection each, one request, one response, and the server closes. @example traffic.exchange({ response: "16k" }) */
  exchange(options?: RequestOptions): Self;
  /** Payload bytes of a message, request or ping. Unless given: 512, 128, and 56. */
  size(size: Size): Self;
  /** Flows from each sender; 1 unless given. */
  clients(clients: number): Self;
  /** Messages of each flow. */
  count(count: number): Self;
  /** From when until when, in simulated time. @example traffic.during("1s", "9s") */
  during(start: Duration, stop?: Duration): Self;
  /** Sets DF on datagrams and pings even if they are too long, as `ping -M do` does. */
  dontFragment(): Self;
  /** Uses a name's addresses of that family, as `ping -6` does; unless given, those of IPv4 where there are any. */
  family(family: 4 | 6): Self;
}

/** What has been said about one traffic so far. */
export type TrafficSettings = Partial<TrafficSpec> & Pick<TrafficSpec, "name" | "from">;

/** The methods, for everything that holds settings. */
export abstract class TrafficMethodsBase<Self> implements TrafficMethods<Self> {
  protected abstract change(settings: Partial<TrafficSpec>): Self;

  to<const T extends string>(target: Target<T>): Self {
    return this.change({ to: parseTarget(target as string) });
  }

  rate(rate: TrafficRate): Self {
    return this.change({ rate: rateOf(rate) });
  }

  poisson(rate: TrafficRate): Self {
    return this.change({ kind: "poisson", rate: rateOf(rate) });
  }

  onOff({ rate, on, off }: OnOffOptions): Self {
    return this.change({ kind: "onoff", rate: rateOf(rate), onNs: parseDuration(on, "on"), offNs: parseDuration(off, "off") });
  }

  request(options: RequestOptions = {}): Self {
    return this.#ask("request", options);
  }

  exchange(options: RequestOptions = {}): Self {
    return this.#ask("exchange", options);
  }

  #ask(kind: "request" | "exchange", { size, response, think, timeout, clients, ...rest }: RequestOptions): Self {
    refuseOthers(rest, kind);
    return this.change({
      kind,
      ...(size !== undefined && { sizeBytes: parseSize(size, "size") }),
      ...(response !== undefined && { responseBytes: parseSize(response, "response") }),
      ...(think !== undefined && { thinkNs: parseDuration(think, "think") }),
      ...(timeout !== undefined && { timeoutNs: parseDuration(timeout, "timeout") }),
      ...(clients !== undefined && { clients }),
    });
  }

  size(size: Size): Self {
    return this.change({ sizeBytes: parseSize(size, "size") });
  }

  clients(clients: number): Self {
    return this.change({ clients });
  }

  count(count: number): Self {
    return this.change({ count });
  }

  during(start: Duration, stop?: Duration): Self {
    return this.change({ startNs: parseDuration(start, "start"), ...(stop !== undefined && { stopNs: parseDuration(stop, "stop") }) });
  }

  dontFragment(): Self {
    return this.change({ dontFragment: true });
  }

  family(family: 4 | 6): Self {
    return this.change({ family });
  }
}

/** Traffic that is added to a running lab: the calls take effect with the lab's next one. */
export class LabTraffic extends TrafficMethodsBase<LabTraffic> {
  #settings: TrafficSettings;

  constructor(name: string, from: string, startNs: number) {
    super();
    this.#settings = { name, from, startNs };
  }

  /** @internal */
  get spec(): TrafficSpec {
    return trafficSpec(this.#settings);
  }

  protected override change(settings: Partial<TrafficSpec>): LabTraffic {
    this.#settings = { ...this.#settings, ...settings };
    return this;
  }
}

const DEFAULTS = { messageBytes: 512, requestBytes: 128, responseBytes: 1024, pingBytes: 56, thinkNs: 10_000_000, timeoutNs: 1_000_000_000 };

/**
 * Fills in what was not said.
 *
 * @throws SimulationError `INVALID_INPUT` without a target, or for messages without a rate.
 */
export function trafficSpec(settings: TrafficSettings): TrafficSpec {
  const { name, to, rate } = settings;
  if (!to) throw new SimulationError("INVALID_INPUT", `traffic ${name}: to: expected a target such as "db:5432/tcp", found none`);
  const kind = settings.kind ?? (to.protocol === "icmp" ? "ping" : rate ? "constant" : "request");
  const isRequest = kind === "request" || kind === "exchange";
  const ownRate = rate ?? (kind === "ping" ? { perSecond: 1 } : undefined);
  return {
    sizeBytes: kind === "ping" ? DEFAULTS.pingBytes : isRequest ? DEFAULTS.requestBytes : DEFAULTS.messageBytes,
    responseBytes: isRequest ? DEFAULTS.responseBytes : 0,
    onNs: 0,
    offNs: 0,
    thinkNs: isRequest ? DEFAULTS.thinkNs : 0,
    timeoutNs: isRequest || kind === "ping" ? DEFAULTS.timeoutNs : 0,
    startNs: 0,
    clients: 1,
    dontFragment: false,
    ...settings,
    to,
    kind,
    ...(ownRate && { rate: ownRate }),
  };
}

/**
 * Reads `"db:5432/tcp"`, `"db:5432"` or `"db"`; IPv6 addresses stand in brackets.
 *
 * @throws SimulationError `INVALID_INPUT`.
 * @example parseTarget("[fd00::2]:80/tcp") // { host: "fd00::2", port: 80, protocol: "tcp" }
 * @example parseTarget("db:53/udp") // { host: "db", port: 53, protocol: "udp" }
 */
export function parseTarget(text: string): TargetSpec {
  if (isIpv6(text)) return { host: text, protocol: "icmp" };
  const match = /^(\[[0-9a-f:.]+\]|[^:/\s[\]]+)(?::(\d{1,5})(?:\/(tcp|udp))?)?$/i.exec(text);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (!match || port === 0 || (port ?? 1) > 65535) {
    throw new SimulationError("INVALID_INPUT", `to: expected "name:port[/tcp|/udp]", or "name" for a ping, found ${JSON.stringify(text)}`);
  }
  const host = (match[1] ?? "").replace(/^\[|\]$/g, "");
  if (match[1]?.startsWith("[") && !isIpv6(host)) {
    throw new SimulationError("INVALID_INPUT", `to: expected an IPv6 address in brackets, such as "[fd00::2]:80/tcp", found ${JSON.stringify(text)}`);
  }
  if (port === undefined) return { host, protocol: "icmp" };
  return { host, port, protocol: match[3]?.toLowerCase() === "udp" ? "udp" : "tcp" };
}

function rateOf(text: string): RateSpec {
  return /bit/i.test(text) ? { bitsPerSecond: parseRate(text, "rate") } : { perSecond: parsePacketRate(text, "rate") };
}
