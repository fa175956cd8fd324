import type { Cluster } from "./cluster";
import type { FileReference } from "./service-spec";
import { refuseRpc } from "./words";

/** A secret or a config. */
export interface StoredFile {
  readonly id: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: string;
  readonly createdAt: number;
  /** Counts changes of the swarm. */
  readonly version: number;
}

/** swarmkit manager/controlapi: MaxSecretSize in secret.go, config.go. */
const MOST_BYTES = { secret: 512_000, config: 1_024_000 } as const;
/** swarmkit manager/controlapi/common.go: the names that secrets and configs may have. */
const NAME = /^[a-zA-Z0-9]+(?:[a-zA-Z0-9-_.]*[a-zA-Z0-9])?$/;
const LONGEST_NAME = 64;

/** The secrets, or the configs, of a swarm. */
export class FileStore {
  readonly #kind: "secret" | "config";
  readonly #cluster: Cluster;
  readonly #files: StoredFile[] = [];

  constructor(kind: "secret" | "config", cluster: Cluster) {
    this.#kind = kind;
    this.#cluster = cluster;
  }

  list(): readonly StoredFile[] {
    return this.#files;
  }

  create({ name, labels, data }: Pick<StoredFile, "name" | "labels" | "data">): StoredFile {
    const subject = `${this.#kind} ${name}`;
    if (name.length > LONGEST_NAME || !NAME.test(name)) {
      refuseRpc("InvalidArgument", subject, "invalid name, only 64 [a-zA-Z0-9-_.] characters allowed, and the start and end character must be [a-zA-Z0-9]");
    }
    const size = new TextEncoder().encode(data).length;
    const most = MOST_BYTES[this.#kind];
    if (size === 0 || size >= most) refuseRpc("InvalidArgument", subject, `${this.#kind} data must be larger than 0 and less than ${most} bytes`);
    if (this.#files.some((file) => file.name === name)) refuseRpc("AlreadyExists", subject, `${this.#kind} ${name} already exists`);
    const file = { id: this.#cluster.ids.id(this.#kind, name), name, labels, data, createdAt: this.#cluster.clock.now, version: this.#files.length };
    this.#files.push(file);
    return file;
  }

  /** By ID, then by name, then by the start of an ID. */
  get(reference: string): StoredFile {
    const exact = this.#files.find(({ id }) => id === reference) ?? this.#files.find(({ name }) => name === reference);
    const byPrefix = exact || reference === "" ? [] : this.#files.filter(({ id }) => id.startsWith(reference));
    return exact ?? (byPrefix.length === 1 ? byPrefix[0]! : refuseRpc("NotFound", `${this.#kind} ${reference}`, `${this.#kind} ${reference} not found`));
  }

  remove(reference: string): void {
    const file = this.get(reference);
    const uses = ({ id }: FileReference) => id === file.id;
    const users = this.#cluster.orchestrator.services.filter(({ spec }) => (this.#kind === "secret" ? spec.secrets : spec.configs)?.some(uses) === true);
    if (users.length > 0) {
      const names = users.map(({ spec }) => spec.name).join(", ");
      const what = users.length === 1 ? "service" : "services";
      refuseRpc("InvalidArgument", `${this.#kind} ${file.name}`, `${this.#kind} '${file.name}' is in use by the following ${what}: ${names}`);
    }
    this.#files.splice(this.#files.indexOf(file), 1);
  }
}
