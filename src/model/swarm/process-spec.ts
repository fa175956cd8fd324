/** A mount of the containers of a service, `--mount`. */
export interface MountSpec {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly isReadOnly: boolean;
  readonly consistency?: string;
  readonly bind?: { readonly propagation?: string; readonly nonRecursive?: boolean };
  readonly volume?: { readonly noCopy?: boolean; readonly labels?: Readonly<Record<string, string>>; readonly driver?: string; readonly options?: Readonly<Record<string, string>> };
  readonly tmpfs?: { readonly sizeBytes?: number; readonly mode?: number };
}

/** `--health-*`; times in nanoseconds, 0 or absent: as the image or the daemon says. */
export interface HealthSpec {
  readonly test?: readonly string[];
  readonly interval?: number;
  readonly timeout?: number;
  readonly startPeriod?: number;
  readonly retries?: number;
}

/** `--ulimit`. */
export interface UlimitSpec {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

/**
 * The process in the containers of a service, as far as its image does not say; times in nanoseconds.
 *
 * Differs from Docker: the entrypoint and the time to stop count; of the rest nothing runs, so that a service with a health check is healthy at once.
 */
export interface ProcessSpec {
  readonly stopGrace?: number;
  readonly entrypoint?: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly init?: boolean;
  readonly stopSignal?: string;
  readonly tty?: boolean;
  readonly isReadOnly?: boolean;
  readonly mounts?: readonly MountSpec[];
  readonly health?: HealthSpec;
  readonly capDrop?: readonly string[];
  readonly ulimits?: readonly UlimitSpec[];
  readonly logDriver?: { readonly name: string; readonly options: Readonly<Record<string, string>> };
}
