import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Argument, Command, Option } from "commander";
import { toTopology } from "../compose";
import { SimulationError } from "../errors";
import { parseDuration } from "../net/units";
import { formatTime } from "../report/format";
import { renderEncryptionCost } from "../report/encryption-cost";
import { buildReport, renderJson } from "../report/json";
import type { RunReport } from "../report/report";
import { closingLine, renderText } from "../report/text";
import type { EngineKind, Lab, TopologySpec } from "../targets/node";
import { encryptionCost, fromSpec } from "../targets/bound";
import { EXIT } from "./exit";
import { load, nodesOption, projectOptions, readNodes, startProject, type ProjectFlags } from "./load";
import { progressLine } from "./progress";
import { pageOf, StatusLine, styleFor } from "./terminal";

const DEFAULT_FOR = "10s";

interface RunFlags extends ProjectFlags {
  readonly for?: string;
  readonly seed?: string;
  readonly engine?: "wasm" | "ts";
  readonly inThread?: boolean;
  readonly pcap?: string;
  readonly json?: boolean;
  readonly docker?: "29" | "20.10";
  readonly quiet?: boolean;
  readonly nodes?: string;
  readonly encryptionCost?: boolean;
  readonly cipher?: "model" | "measured";
}

/** `dockwire run`: loads Compose files, simulates them, and reports. */
export function runCommand(done: (exitCode: number) => void): Command {
  const command = new Command("run")
    .description("Simulate the network of a Compose application and report what happened to its packets.")
    .addArgument(new Argument("[file...]", "Compose files, later ones merged over the first; a folder stands for its compose.yaml"))
    .addOption(new Option("--for <duration>", `virtual time to simulate, such as 500ms, 10s, 2m (default: x-dockwire.for, or ${DEFAULT_FOR})`))
    .addOption(new Option("--seed <number>", "same seed, same packets (default: x-dockwire.seed, or 0)"))
    .addOption(new Option("--engine <engine>", "packet engine: wasm, or ts where WebAssembly is forbidden").choices(["wasm", "ts"]))
    .addOption(new Option("--docker <generation>", "Docker Engine to follow (default: x-dockwire.docker, or 29)").choices(["29", "20.10"]))
    .addOption(nodesOption())
    .addOption(new Option("--in-thread", "run without a worker"))
    .addOption(new Option("--pcap <file>", "write what passes every interface and bridge as pcapng, for Wireshark or tshark"))
    .addOption(new Option("--encryption-cost", "run it twice, on plain and on encrypted overlay networks, and compare them; needs --nodes"))
    .addOption(new Option("--cipher <cost>", "for --encryption-cost: of the cost model, or measured on this machine").choices(["model", "measured"]))
    .addOption(new Option("--json", "print the report as JSON (docs/report.md describes it)"))
    .addOption(new Option("-q, --quiet", "print the closing line only, and no progress"));
  return projectOptions(command)
    .addHelpText("after", `\n${EXAMPLES}`)
    .action(async (files: readonly string[], flags: RunFlags) => done(await run(files, flags)));
}

const EXAMPLES = `Without FILE the Compose file is found as docker compose finds it, with its
override file. Traffic is what the file describes under x-dockwire; without it,
every depends_on edge exchanges requests.

Exit codes: 0    all traffic arrived somehow
            1    something got nothing through, or a process saw an error
            2    bad input: one line on stderr, file:line:column: what is wrong
            130  interrupted

Examples:
  $ dockwire run compose.yaml --for 30s --seed 7
  $ dockwire run compose.yaml compose.prod.yaml --profile debug -e prod.env
  $ dockwire run stack.yaml --nodes 3
  $ dockwire run stack.yaml --nodes 3 --encryption-cost
  $ dockwire run --pcap out.pcapng && wireshark out.pcapng
  $ dockwire run --json | jq '.traffic[] | {from, to, p99: .latency.p99Ns}'`;

async function run(files: readonly string[], flags: RunFlags): Promise<number> {
  const project = load(files, flags);
  const durationNs = flags.for === undefined ? (project.dockwire?.durationNs ?? parseDuration(DEFAULT_FOR, "for")) : duration(flags.for);
  const seed = flags.seed === undefined ? (project.dockwire?.seed ?? 0) : readSeed(flags.seed);
  if (flags.pcap !== undefined) checkWritable(flags.pcap);
  const { spec, notices } = toTopology(project, { seed, ...(flags.docker !== undefined && { generation: flags.docker }), ...readNodes(flags.nodes) });
  const engine = flags.engine ?? project.dockwire?.engine ?? "wasm";
  if (flags.encryptionCost === true) return compareEncryption(spec, { durationNs, seed, engine }, flags);
  await using lab = await startProject(project, fromSpec(spec), {
    seed,
    engine,
    inThread: flags.inThread === true,
  });
  const capture = flags.pcap === undefined ? undefined : lab.capture({ at: capturedDevices(lab) });
  const result = await simulate(lab, durationNs, flags.quiet === true);
  if (capture !== undefined && flags.pcap !== undefined) writeFileSync(flags.pcap, await capture.bytes());
  const report = buildReport({ topology: lab.describe(), result, files: project.files, notices });
  print(report, flags);
  return report.problems.length > 0 ? EXIT.failed : EXIT.ok;
}

/** What does encryption cost? The answer stands where otherwise the report does. */
async function compareEncryption(spec: TopologySpec, { durationNs, seed, engine }: { readonly durationNs: number; readonly seed: number; readonly engine: EngineKind }, flags: RunFlags): Promise<number> {
  if (spec.swarm === undefined) throw new SimulationError("INVALID_INPUT", "--encryption-cost: expected machines to deploy on (--nodes), found one without a swarm");
  const { status, signal, end } = interruptible(flags.quiet === true);
  let nowNs = 0;
  try {
    const cost = await encryptionCost(
      { spec },
      {
        for: `${durationNs}ns`, seed, engine, inThread: flags.inThread === true, cipher: flags.cipher ?? "model", signal,
        onProgress: (_, { now, packets, packetsPerSecond }) => {
          nowNs = now;
          status.show(progressLine({ nowNs, endNs: durationNs, packets, packetsPerSecond }));
        },
      },
    );
    status.clear();
    process.stdout.write(flags.json === true ? `${JSON.stringify(cost, null, 2)}\n` : renderEncryptionCost(cost, { style: styleFor(process.stdout) }));
    return EXIT.ok;
  } catch (error) {
    throw signal.aborted ? new SimulationError("ABORTED", `interrupted at ${formatTime(nowNs)} of ${formatTime(durationNs)} virtual time`) : error;
  } finally {
    end();
  }
}

/** A line that shows how far it is, and a signal for Ctrl-C. */
function interruptible(isQuiet: boolean) {
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  const status = new StatusLine(isQuiet ? { write: () => undefined } : process.stderr);
  process.once("SIGINT", interrupt);
  const end = () => {
    status.clear();
    process.off("SIGINT", interrupt);
  };
  return { status, signal: interruption.signal, end };
}

function duration(text: string): number {
  const ns = parseDuration(text, "--for");
  if (ns === 0) throw new SimulationError("INVALID_INPUT", `--for: expected a duration above 0, found ${JSON.stringify(text)}`);
  return ns;
}

function readSeed(text: string): number {
  const seed = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (seed <= 0xffffffff) return seed;
  throw new SimulationError("INVALID_INPUT", `--seed: expected a whole number from 0 to 4294967295, found ${JSON.stringify(text)}`);
}

/** A long run should not end with a path that was wrong from the start. */
function checkWritable(file: string): void {
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const target = existsSync(file) ? file : dirname(file);
  try {
    accessSync(target, constants.W_OK);
    if (!isFolder) return;
  } catch {
    // Said below.
  }
  throw new SimulationError("INVALID_INPUT", `--pcap: expected a file that can be written, found ${JSON.stringify(file)}`);
}

/** Every interface of every container, and every bridge: each packet from both ends and from the middle. */
function capturedDevices(lab: Lab): string[] {
  const { containers, networks } = lab.describe();
  return [...containers.flatMap((container) => container.networks.map(({ device }) => device)), ...networks.map(({ device }) => device)];
}

async function simulate(lab: Lab, durationNs: number, isQuiet: boolean) {
  const { status, signal, end } = interruptible(isQuiet);
  let nowNs = 0;
  try {
    const running = lab.run({ for: `${durationNs}ns`, signal });
    for await (const progress of running) {
      nowNs = progress.now;
      status.show(progressLine({ nowNs, endNs: durationNs, packets: progress.packets, packetsPerSecond: progress.packetsPerSecond }));
    }
    return await running;
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new SimulationError("ABORTED", `interrupted at ${formatTime(nowNs)} of ${formatTime(durationNs)} virtual time`);
  } finally {
    end();
  }
}

function print(report: RunReport, { json, quiet }: RunFlags): void {
  const style = styleFor(process.stdout);
  if (json === true) process.stdout.write(renderJson(report));
  else process.stdout.write(`${quiet === true ? closingLine(report, style) : renderText(report, { style, ...pageOf(process.stdout) })}\n`);
}
