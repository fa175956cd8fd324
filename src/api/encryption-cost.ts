import { COST_BYTES } from "../../assembly/abi/limits";
import { DeviceKind } from "../../assembly/abi/program";
import type { Platform } from "../engine/host";
import { SimulationError } from "../errors";
import { parseDuration, type Duration } from "../net/units";
import type { CipherCost, EncryptionCost, EncryptionRun } from "../report/encryption-cost";
import type { RunProgress, RunResult } from "./run";
import { compile, isOfSwarm, layersFor, type CompiledTopology, type SwarmSpec, type TopologySpec } from "./spec";
import { startLab, type StartOptions } from "./start";

export interface EncryptionCostOptions extends StartOptions {
  /** Simulated time of each of the two runs. */
  readonly for: Duration;
  /** The overlay networks to encrypt; all of the description but the ingress network unless given. */
  readonly networks?: readonly string[];
  /**
   * What the cipher costs the simulated CPUs: what the cost model says, or what AES-128-GCM takes on this machine in native code, measured
   * now. `"model"` unless given; with `"measured"` the result differs between machines.
   */
  readonly cipher?: "model" | "measured";
  /** Ends it early: it rejects with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** At most ten times per second of real time. */
  readonly onProgress?: (run: "plain" | "encrypted", progress: RunProgress) => void;
}

/** `docker network create --opt encrypted`. */
const ENCRYPTED = "encrypted";

/** Runs one description twice, with its overlay networks as they are without encryption and with it; without management traffic, unless asked for. */
export async function compareEncryption(spec: TopologySpec, options: EncryptionCostOptions, platform: Platform): Promise<EncryptionCost> {
  const { swarm } = spec;
  const networks = chooseNetworks(swarm, options.networks);
  const durationNs = parseDuration(options.for, "for");
  if (durationNs <= 0) throw new SimulationError("INVALID_INPUT", "for: expected a duration above 0, found 0");
  const layers = await layersFor(spec);
  const compiled = (isEncrypted: boolean) => compile({ ...spec, swarm: encrypt(swarm!, networks, isEncrypted) }, layers);
  const plain = compiled(false);
  const cipher = options.cipher === "measured" ? await measureCipher() : modelCipher(plain);
  const run = async (topology: CompiledTopology, name: "plain" | "encrypted") => {
    const program = { ...topology.program, cipherCost: Math.round(cipher.nsPerByte * COST_BYTES) };
    await using lab = await startLab(() => ({ ...topology, program }), { gossip: false, ...options }, platform, { manyHosts: true });
    const { signal, onProgress } = options;
    const result = await lab.run({ for: options.for, ...(signal && { signal }), ...(onProgress && { onProgress: (progress: RunProgress) => onProgress(name, progress) }) });
    return { seed: result.seed, engine: result.engine, summary: summarize(topology, networks, result) };
  };
  const { seed, engine, summary } = await run(plain, "plain");
  const encrypted = await run(compiled(true), "encrypted");
  return { networks, durationNs, seed, engine, cipher, plain: summary, encrypted: encrypted.summary };
}

function chooseNetworks(swarm: SwarmSpec | undefined, wanted: readonly string[] | undefined): readonly string[] {
  const known = (swarm?.networks ?? []).filter(({ ingress }) => ingress !== true).map(({ name }) => name);
  const unknown = wanted?.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new SimulationError("NOT_FOUND", `networks: expected one of ${known.join(", ")}, found ${JSON.stringify(unknown)}`, { known });
  const chosen = wanted ?? known;
  if (chosen.length === 0) throw new SimulationError("INVALID_INPUT", "encryption: expected an overlay network between the nodes of a swarm, found none");
  return chosen;
}

function encrypt(swarm: SwarmSpec, networks: readonly string[], isEncrypted: boolean): SwarmSpec {
  return {
    ...swarm,
    networks: swarm.networks.map((network) => {
      if (!networks.includes(network.name)) return network;
      const { [ENCRYPTED]: _, ...options } = network.options;
      return { ...network, options: isEncrypted ? { ...options, [ENCRYPTED]: "" } : options };
    }),
  };
}

function modelCipher({ program }: CompiledTopology): CipherCost {
  return { source: "model", nsPerByte: (program.cipherCost ?? 0) / COST_BYTES };
}

/** Bytes that are sealed at once, so that calls cost nothing; and how often, of which the fastest counts. */
const SAMPLE_BYTES = 4 * 1024 * 1024;
const SAMPLES = 8;

/** What AES-128-GCM takes where the platform has it in native code, as a kernel has. */
async function measureCipher(): Promise<CipherCost> {
  const { subtle } = globalThis.crypto;
  const key = await subtle.importKey("raw", new Uint8Array(16).fill(7), "AES-GCM", false, ["encrypt"]);
  const data = new Uint8Array(SAMPLE_BYTES);
  let fastest = Infinity;
  for (let sample = 0; sample < SAMPLES; sample++) {
    const nonce = new Uint8Array(12).fill(sample);
    const startedAt = performance.now();
    await subtle.encrypt({ name: "AES-GCM", iv: nonce, tagLength: 64 }, key, data);
    fastest = Math.min(fastest, performance.now() - startedAt);
  }
  return { source: "measured", nsPerByte: (fastest * 1e6) / SAMPLE_BYTES };
}

function summarize(topology: CompiledTopology, networks: readonly string[], result: RunResult): EncryptionRun {
  const { program, state } = topology;
  const seconds = result.durationNs / 1e9;
  const traffic = result.traffic.map(({ name, from, throughput, lost, latency }) => ({ name, from, ...throughput, lost, latency }));
  const payload = result.traffic.reduce((sum, { deliveredBytes, answeredBytes }) => sum + deliveredBytes + answeredBytes, 0);
  const messages = result.traffic.reduce((sum, { latency }) => sum + latency.count, 0);
  const names = state.hosts.map(({ name }) => name);
  const cables = program.devices.flatMap(({ kind, namespace }, index) =>
    kind === DeviceKind.Physical && names.includes(program.names.namespaces[namespace] ?? "") ? [result.devices[index]!] : [],
  );
  const wire = { packets: cables.reduce((sum, { txPackets }) => sum + txPackets, 0), bytes: cables.reduce((sum, { txBytes }) => sum + txBytes, 0) };
  const hosts = result.hosts.filter(({ name }) => names.includes(name)).map(({ name, cpus, busyNs }) => ({ name, cpus, busyNs, load: busyNs / (cpus * result.durationNs) }));
  const busyNs = hosts.reduce((sum, host) => sum + host.busyNs, 0);
  return {
    mtu: Object.fromEntries(state.networks.filter(isOfSwarm).flatMap(({ name, mtu }) => (networks.includes(name) ? [[name, mtu]] : []))),
    traffic,
    goodputBitsPerSecond: (payload * 8) / seconds,
    messagesPerSecond: messages / seconds,
    wire,
    wireEfficiency: wire.bytes === 0 ? 0 : payload / wire.bytes,
    hosts,
    cpuNsPerMessage: messages === 0 ? 0 : busyNs / messages,
    dropped: result.totals.dropped,
    elapsedMs: result.elapsedMs,
  };
}
