import type { EngineKind, Nanoseconds } from "../engine/engine";
import type { EngineHost, RunEnd, RunListener } from "../engine/host";
import type { ProgramPatch } from "../engine/program";
import { SimulationError } from "../errors";
import { parseDuration, type Duration } from "../net/units";
import { summarizeDevices, summarizeDrops, summarizeHosts } from "../observe/summary";
import { Agenda } from "./agenda";
import { Capture, deviceOf, type CaptureOptions } from "./capture";
import { FlowTable } from "./flow-table";
import type { ManagementReport } from "./gossip/context";
import type { Gossip } from "./gossip/gossip";
import { LabOperations, type Operation } from "./lab-operations";
import { LiveTopology } from "./live-topology";
import { Observers } from "./observers";
import type { OperationContext, Operations } from "./operations";
import type { LinkOptions } from "./options";
import type { PingOptions, PingResult } from "./ping";
import { loadPings } from "./ping-loader";
import type { ProbeContext } from "./probe/context";
import type { ReachOptions, ReachResult } from "./reach";
import { readRunOptions, Run, type RunOptions, type RunProgress, type RunResult, type Snapshot } from "./run";
import { ScheduledOperations } from "./scheduled";
import { type CompiledTopology, hasOverlays, type TopologyDescription } from "./spec";
import { Trace, type TraceOptions } from "./trace";
import { LabTraffic } from "./traffic";
import { Turns } from "./turns";

/** Safari has no `Symbol.asyncDispose` yet; compilers of `await using` look here then. */
const ASYNC_DISPOSE: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose");

/**
 * A running simulation. Calls take their turn, in the order in which they were made, and simulated time passes only in `run`
 * and `ping`: equal calls give equal results. Dispose of it when done (`await using` does).
 *
 * @example
 * await using lab = await docker("shop").container("web").container("db").start({ seed: 7 });
 * console.log(String(await lab.ping("web", "db")));
 */
export class Lab extends LabOperations implements AsyncDisposable {
  readonly seed: number;
  readonly #topology: LiveTopology;
  readonly #host: EngineHost;
  readonly #flows: FlowTable;
  readonly #observers = new Observers();
  readonly #probing: ProbeContext;
  readonly #changes: OperationContext;
  readonly #agenda = new Agenda();
  readonly #turns: Turns;
  readonly #hasGossip: boolean;
  #operations: Promise<Operations> | undefined;
  #gossip: Gossip | undefined;
  /** Devices that have been set down. */
  readonly #down = new Set<number>();
  #pendingTraffic: { readonly name: string; readonly traffic: LabTraffic }[] = [];
  #now: Nanoseconds = 0;
  #delivered = 0;

  /** @internal */
  constructor(topology: CompiledTopology, seed: number, host: EngineHost, hasGossip: boolean) {
    super();
    const live = new LiveTopology(topology);
    this.seed = seed;
    this.#hasGossip = hasGossip;
    this.#topology = live;
    this.#host = host;
    this.#flows = new FlowTable(live);
    this.#turns = new Turns({ prepare: () => this.#prepare(), abort: () => host.abort(), now: () => this.#now });
    const shared = { topology: live, flows: this.#flows, now: () => this.#now, apply: (patch: ProgramPatch) => host.apply(patch) };
    this.#probing = {
      ...shared,
      observe: (once) => this.#observe(once),
      advance: (until, listener) => this.#advance(until, listener),
      counters: async () => {
        const counters = await host.counters();
        this.#delivered = counters.totals.delivered;
        return counters;
      },
    };
    this.#changes = { ...shared, observers: this.#observers, down: this.#down, probing: this.#probing, counters: () => host.counters(), view: () => this.#gossip?.view, followed: async () => this.#gossip?.followed(true), noticed: () => this.#gossip?.noticed(), foresee: (state) => this.#gossip?.foresee(state) };
  }

  get engine(): EngineKind {
    return this.#host.kind;
  }

  /** Where the packets move. */
  get place(): "worker" | "thread" {
    return this.#host.place;
  }

  /** Simulated time, as of the last call that has ended. */
  get now(): Nanoseconds {
    return this.#now;
  }

  /**
   * Lets simulated time pass.
   *
   * @example const { flows, drops, digest } = await lab.run({ for: "10s" });
   */
  run(options: RunOptions): Run {
    return new Run(async (feed) => this.#turns.takeCancellable(readRunOptions(options).signal, () => this.#run(options, feed)));
  }

  /**
   * Adds traffic; it begins with the next call, or when `during` says. Mistakes in it are that call's errors.
   *
   * @example lab.traffic("queries", "web").to("db:5432/tcp").request({ clients: 4 }).during("1s", "9s")
   */
  traffic(name: string, from: string): LabTraffic {
    this.#turns.assertOpen();
    const traffic = new LabTraffic(name, from, this.#now);
    this.#pendingTraffic.push({ name, traffic });
    return traffic;
  }

  /**
   * Sends echo requests from a container or host, as ping(8) does, and lets time pass until all are answered or lost.
   * Other traffic goes on meanwhile.
   *
   * @throws SimulationError `NOT_FOUND` if the target cannot be resolved from the sender.
   * @example (await lab.ping("web", "db", { count: 5 })).rtt?.avg
   */
  ping(from: string, to: string, options: PingOptions = {}): Promise<PingResult> {
    return this.#turns.takeCancellable(options.signal, async () => (await loadPings())(this.#probing, from, to, options));
  }

  /**
   * Tries to reach something as a process of a container or host would: connects and asks (TCP), sends a datagram (UDP), or pings
   * (no port). Something answers there, whatever the image is: what is asked is whether the network lets it. Other traffic goes on meanwhile.
   *
   * @throws SimulationError `NOT_FOUND` if there is no such sender.
   * @example
   * const verdict = await lab.reach("web", "db:5432/tcp");
   * console.log(verdict.result, verdict.rule, String(verdict));
   */
  reach(from: string, to: string, options: ReachOptions = {}): Promise<ReachResult> {
    return this.#turns.takeCancellable(options.signal, async () => (await import("./reach")).runReach(this.#probing, from, to, options));
  }

  /**
   * Records the frames that pass some devices from the next call on.
   *
   * @throws SimulationError `NOT_FOUND` if there is no such device.
   * @example
   * const capture = lab.capture({ at: ["web:eth0"], snaplen: 128 });
   * await lab.run({ for: "100ms" });
   * await writeFile("web.pcapng", await capture.bytes());
   */
  capture(options: CaptureOptions): Capture {
    this.#turns.assertOpen();
    const capture = new Capture(this.#topology, options);
    this.#observers.addCapture(capture);
    return capture;
  }

  /**
   * Follows the next packets of a flow, hop by hop, from the next call on.
   *
   * @throws SimulationError `NOT_FOUND` if there is no such flow.
   * @example
   * const trace = lab.trace("queries", { packets: 2 });
   * await lab.run({ for: "1s" });
   * console.log(await trace.text());
   */
  trace(flow: string, options: TraceOptions = {}): Trace {
    this.#turns.assertOpen();
    const isKnown = this.#flows.indicesOf(flow).length > 0 || this.#pendingTraffic.some(({ name }) => name === flow);
    if (!isKnown) throw this.#unknownFlow(flow);
    const trace = new Trace(this.#topology, this.#flows, flow, options);
    this.#observers.addTrace(trace);
    return trace;
  }

  /** Lets a frame arrive at a device, as if from the wire: at a simulated time, or now if that has passed. */
  inject(device: string, frame: Uint8Array, options: { readonly at?: Duration } = {}): Promise<void> {
    return this.#turns.take(async () => {
      const timeNs = options.at === undefined ? this.#now : parseDuration(options.at, "at");
      await this.#host.inject([{ timeNs, device: deviceOf(this.#topology, device), bytes: frame }]);
    });
  }

  /**
   * Everything that can be done to a lab, done when a simulated time has come; at once, if it has passed, before the next packets move.
   * What is wrong with it is the error of the call during which it happens. Do not wait for it before that call.
   *
   * @example
   * lab.at("2s").partition(["m1"], ["w1", "w2"]);
   * lab.at("10s").heal();
   * await lab.run({ for: "30s" });
   */
  at(time: Duration): LabOperations {
    this.#turns.assertOpen();
    const at = parseDuration(time, "at");
    return new ScheduledOperations(
      (action) => this.#agenda.schedule(at, action),
      async (operation) => (await this.#loadOperations()).run(operation),
    );
  }

  /** Sets a device up, as `ip link set … up` does. */
  up(device: string): Promise<void> {
    return this.#setUp(device, true);
  }

  /** Sets a device down: what passes it from now on is dropped with `DevReady`. */
  down(device: string): Promise<void> {
    return this.#setUp(device, false);
  }

  /**
   * Changes what the cable of a device does, in both directions; what is not given stays.
   *
   * @throws SimulationError `UNSUPPORTED` if the cable was described without properties: there is no link that could get some.
   * @example await lab.link("db:eth0", { loss: "5%" })
   */
  link(device: string, options: LinkOptions): Promise<void> {
    return this.#turns.take(async () => {
      await (await this.#loadOperations()).setLink(device, options);
      this.#gossip?.followed();
    });
  }

  /** What has happened so far. */
  counters(): Promise<Snapshot> {
    return this.#turns.take(() => this.#snapshot());
  }

  /**
   * What the nodes of a swarm know of one another at present, and what telling it has taken; undefined without a swarm, or without gossip.
   *
   * @example (await lab.management())?.nodes.find(({ host }) => host === "w1")?.failed
   */
  management(): Promise<ManagementReport | undefined> {
    return this.#turns.take(async () => this.#gossip?.report(await this.#host.counters()));
  }

  /** The running hash over every delivery and drop. */
  digest(): Promise<string> {
    return this.#turns.take(() => this.#host.digest());
  }

  /** The network as Docker built it: addresses, MACs, devices, and the flows that there are by now. */
  describe(): TopologyDescription {
    return { ...this.#topology.describe(), flows: this.#flows.descriptions };
  }

  /** Ends the simulation and its worker. Open calls and later ones reject with `CLOSED`; captures stay readable. */
  async dispose(): Promise<void> {
    this.#turns.close();
    await this.#host.dispose();
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.dispose();
  }

  async #run({ for: duration, onProgress }: RunOptions, feed: (progress: RunProgress) => void): Promise<RunResult> {
    const durationNs = parseDuration(duration, "for");
    const startedAt = this.#now;
    const deliveredBefore = this.#delivered;
    let failure: { readonly error: unknown } | undefined;
    const report = (progress: RunProgress): void => {
      feed(progress);
      try {
        onProgress?.(progress);
      } catch (error) {
        failure ??= { error };
        this.#host.abort();
      }
    };
    try {
      const { elapsedMs } = await this.#advance(startedAt + durationNs, {
        onProgress: ({ now, delivered, dropped, deliveredPerSecond }) => report({ now, packets: delivered, packetsPerSecond: deliveredPerSecond, dropped }),
      });
      const snapshot = await this.#snapshot();
      const packets = snapshot.totals.delivered - deliveredBefore;
      const digest = await this.#host.digest();
      if (failure !== undefined) throw failure.error;
      return {
        ...snapshot,
        digest,
        seed: this.seed,
        engine: this.engine,
        place: this.place,
        durationNs,
        elapsedMs,
        packets,
        packetsPerRealSecond: elapsedMs > 0 ? (packets * 1000) / elapsedMs : 0,
      };
    } catch (error) {
      throw failure === undefined ? error : failure.error;
    }
  }

  async #snapshot(): Promise<Snapshot> {
    const counters = await this.#host.counters();
    const { program, program: { names } } = this.#topology;
    this.#delivered = counters.totals.delivered;
    return {
      now: counters.now,
      ...this.#flows.summarize(counters),
      drops: summarizeDrops(counters, names),
      devices: summarizeDevices(counters, names),
      hosts: summarizeHosts(counters, program),
      totals: counters.totals,
      ...(this.#gossip && { management: this.#gossip.report(counters) }),
    };
  }

  async #advance(until: Nanoseconds, listener: RunListener): Promise<RunEnd> {
    if (!Number.isSafeInteger(until)) throw new SimulationError("INVALID_INPUT", "for: expected to end within 104 days (2^53 ns) of simulated time");
    let [events, elapsedMs] = [0, 0];
    for (;;) {
      await this.#agenda.act(this.#now);
      const next = Math.min(until, this.#agenda.nextAt);
      const end = await this.#movePackets(next, listener);
      events += end.events;
      elapsedMs += end.elapsedMs;
      if (next >= until) return { now: end.now, events, elapsedMs };
    }
  }

  async #movePackets(until: Nanoseconds, listener: RunListener): Promise<RunEnd> {
    try {
      const end = await this.#host.run(until, {
        ...listener,
        onRecords: (batch) => {
          this.#observers.add(batch);
          return listener.onRecords?.(batch);
        },
      });
      this.#now = end.now;
      return end;
    } catch (error) {
      if (error instanceof SimulationError && typeof error.details.now === "number") this.#now = error.details.now;
      throw error;
    }
  }

  async #observe(once?: Parameters<Observers["change"]>[0]): Promise<void> {
    const change = this.#observers.change(once);
    if (change !== undefined) await this.#host.observe(change);
  }

  #unknownFlow(name: string): SimulationError {
    const known = this.#flows.descriptions.map((flow) => flow.name);
    const expected = known.length > 0 ? `one of ${known.slice(0, 10).join(", ")}` : "traffic to be described first";
    return new SimulationError("NOT_FOUND", `trace: expected ${expected}, found "${name}"`, { name, known });
  }

  #setUp(device: string, up: boolean): Promise<void> {
    return this.#turns.take(async () => {
      const index = deviceOf(this.#topology, device);
      await this.#host.apply({ devices: [{ index, up }] });
      if (up) this.#down.delete(index);
      else this.#down.add(index);
      this.#gossip?.followed();
    });
  }

  protected override operate<T>(operation: Operation<T>): Promise<T> {
    return this.#turns.take(async () => (await this.#loadOperations()).run(operation));
  }

  async #prepare(): Promise<void> {
    const pending = this.#pendingTraffic;
    this.#pendingTraffic = [];
    if (pending.length > 0) {
      const { patch, commit } = this.#flows.resolve(pending.map(({ traffic }) => traffic.spec));
      await this.#host.apply(patch);
      commit();
    }
    await this.#observe();
    if (hasOverlays(this.#topology.state)) await this.#startGossip(await this.#loadOperations());
  }

  /** What changes the network, and swarms, which change by themselves. Most labs have none of it. */
  #loadOperations(): Promise<Operations> {
    this.#operations ??= import("./operations").then((loaded) => {
      const operations = new loaded.Operations(this.#changes);
      this.#agenda.add(operations);
      return operations;
    });
    return this.#operations;
  }

  /** As soon as there is a swarm; what it knows then, everybody knows. */
  async #startGossip(operations: Operations): Promise<void> {
    if (!this.#hasGossip || this.#gossip !== undefined) return;
    const { Gossip: Started } = await import("./gossip/gossip");
    this.#gossip = new Started({
      topology: this.#topology, flows: this.#flows, seed: this.seed, failed: operations.conditions.failed,
      now: () => this.#now,
      apply: (patch) => this.#host.apply(patch),
      tally: () => this.#host.tally(),
      refresh: () => operations.refresh(),
      setReachable: ({ host, isReachable, lastHeard, period }) => operations.run((daemons) => daemons.get(host)?.swarm.setReachable(isReachable, { lastHeard, period })),
      setRaft: (standing) => operations.run((daemons) => [...daemons.values()][0]?.swarm.setRaft(standing)),
    });
    this.#agenda.add(this.#gossip);
  }
}
