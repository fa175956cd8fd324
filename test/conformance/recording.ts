/** The format of a recording of a real engine: docker commands, what each answered, and what the network then looked like. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DockerGeneration } from "../../src/model/spec";

export interface Recording {
  readonly scenario: string;
  readonly area: string;
  /** In words, with its version. */
  readonly engine: string;
  readonly usable: boolean;
  readonly notes: readonly string[];
  /** Extra flags of the daemons, by host or `*`. */
  readonly dockerd_flags: Readonly<Record<string, readonly string[]>>;
  readonly hosts: Readonly<Record<string, RecordedHost>>;
  readonly steps: readonly Step[];
  /** Paths that differed in a second recording. */
  readonly unstable?: readonly string[];
}

export interface RecordedHost {
  readonly ip: string;
  readonly mac: string;
  readonly hostname: string;
}

/** A step as it was recorded, or as it was observed in the simulation: the same form. */
export type Step = DockerStep | HostStep | ServeStep | ObserveStep | RowsStep | CaptureStep | HostOnlyStep | SleepStep | WaitTasksStep;

export interface CommandResult {
  readonly exit: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DockerStep extends CommandResult {
  readonly op: "docker";
  readonly host: string;
  readonly argv: readonly string[];
  readonly stdin?: string;
  readonly save?: string;
}

export interface HostStep extends CommandResult {
  readonly op: "host";
  readonly host: string;
  readonly argv: readonly string[];
}

export interface ServeStep {
  readonly op: "serve";
  readonly host: string;
  readonly listen: readonly string[];
}

export interface ObserveStep {
  readonly op: "observe";
  readonly label: string;
  readonly hosts: Json;
  readonly containers: Json;
}

export interface RowsStep {
  readonly op: "matrix" | "probe";
  readonly label: string;
  readonly rows: readonly Row[];
}

export interface CaptureStep {
  readonly op: "capture";
  readonly label: string;
  readonly bpf: string;
  readonly during: readonly (DockerStep | RowsStep)[];
  readonly taps: readonly Tap[];
}

export interface HostOnlyStep {
  readonly op: "restart-daemon";
  readonly host: string;
}

export interface SleepStep {
  readonly op: "sleep";
  readonly secs: number;
}

/** The tasks of a service, once as many run as are wanted. */
export interface WaitTasksStep {
  readonly op: "wait-tasks";
  readonly host: string;
  readonly service: string;
  readonly wanted: number;
  readonly running: number;
  /** `name⇥node⇥desired state⇥error`. */
  readonly tasks: readonly string[];
}

/** One probe, with its outcome. */
export interface Row {
  readonly from: string;
  readonly proto: string;
  readonly to: string;
  readonly port?: number;
  readonly qtype?: string;
  readonly size?: number;
  readonly result?: string;
  readonly [field: string]: Json | undefined;
}

export interface Tap {
  readonly tap: string;
  readonly frames: readonly Frame[];
}

/** The digest of a frame. */
export interface Frame {
  readonly src: string;
  readonly dst: string;
  readonly arp?: string;
  readonly ip?: string;
  readonly icmp?: string;
  readonly tcp?: string;
  readonly udp?: string;
  readonly data?: number;
  readonly [field: string]: Json | undefined;
}

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

export function isRecord(value: unknown): value is { readonly [key: string]: Json | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The recordings of a folder, by name. */
export function recordingsIn(folder: string): Recording[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  return files.flatMap((file) => {
    // Counts of IPv6 addresses are larger than what JavaScript reads exactly.
    const text = readFileSync(join(folder, file), "utf8").replace(/("DynamicIPsAvailable": )(\d{16,})/g, '$1"\\u0000integer $2"');
    const content: unknown = JSON.parse(text);
    return isRecord(content) && Array.isArray(content.steps) ? [content as unknown as Recording] : [];
  });
}

/** The generation of the engine that was recorded. */
export function generationOf({ engine }: Recording): DockerGeneration {
  const [, version = ""] = /Docker Engine (\d+\.\d+)/.exec(engine) ?? [];
  if (version === "20.10") return version;
  if (Number.parseInt(version, 10) >= 29) return "29";
  throw new Error(`${JSON.stringify(engine)}: expected Docker Engine 20.10, or 29 and later`);
}

/** A note that takes the answer of a command back, because its machine lacked something that any other has. */
const LAST_COMMAND_IS_VOID = /the answer of the last command is not usable/;

/** The step whose answer is void: it is not played, so that what follows is as if it had failed. */
export function voidCommandOf({ steps, notes }: Recording): number | undefined {
  return notes.some((note) => LAST_COMMAND_IS_VOID.test(note)) ? steps.map(({ op }) => op).lastIndexOf("docker") : undefined;
}
