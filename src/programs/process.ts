/** A process inside a container or on a machine, as far as its programs look around. */
import type { NetworkView } from "./container-network";
import type { Traffic } from "./traffic";

export interface ProcessView {
  /** Whose network namespace it has, as `Traffic` calls it. */
  readonly place: string;
  readonly hostname: string;
  /** Lines of /etc/hosts and /etc/resolv.conf. */
  readonly hosts: readonly string[];
  readonly resolvConf: readonly string[];
  /** `NAME=value`. */
  readonly environment: readonly string[];
  readonly workdir?: string;
  readonly network: NetworkView;
  /** The number of an interface. */
  interfaceIndex(name: string): number;
  /** What `ip` writes behind the name of an interface for its peer elsewhere: `@if7`. */
  peerMark(name: string): string;
  /** A value below /proc/sys. */
  sysctl(name: string): string | undefined;
  /** `ip route add`: a message if the kernel refuses. */
  addRoute(words: readonly string[]): string | undefined;
  readonly traffic: Traffic;
}

export interface ProgramResult {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Program = (process: ProcessView, argv: readonly string[]) => Promise<ProgramResult>;

/** Lines as a program prints them. */
export function printed(lines: readonly string[], exit = 0): ProgramResult {
  return { exit, stdout: lines.map((line) => `${line}\n`).join(""), stderr: "" };
}

/** A time as programs print it; where clocks do not count, all are alike. */
export function millis(time: number | undefined): string {
  return (time ?? 0.1).toFixed(3);
}

export function complained(line: string, exit = 1, lines: readonly string[] = []): ProgramResult {
  return { ...printed(lines, exit), stderr: `${line}\n` };
}

/** Something that containers can do, and that is not simulated. */
export class UnknownProgram extends Error {}
