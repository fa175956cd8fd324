import type { Container } from "./container";
import type { Endpoint } from "./endpoint";
import type { DaemonFlags } from "./flags";
import type { GenerationRules } from "./generation";
import type { Host } from "./host";
import type { LinkedContainer } from "./inspect/environment";
import type { Networks } from "./networks";

/** What the files of containers are written from. */
export interface FilesContext {
  readonly rules: GenerationRules;
  readonly flags: DaemonFlags;
  readonly host: Host;
  readonly networks: Networks;
}

/** Writes /etc/hosts, /etc/resolv.conf and the environment of containers when their sandboxes change: for those who look inside. */
export interface FilesPart {
  /** The sandbox of a container that starts is made. */
  make(container: Container): void;
  /** `parents`, which are linked to it, learn its address on the default bridge. */
  relink(container: Container, parents: readonly Container[]): void;
  join(container: Container, endpoint: Endpoint): void;
  /** Docker's DNS runs in the sandbox from now on. */
  embed(container: Container): void;
  /** Before the endpoint goes. */
  leave(container: Container, endpoint: Endpoint): void;
  /** The environment of a process in the container. */
  environmentOf(container: Container): readonly string[];
  /** The containers that it is linked to, as it knows them now. */
  linkedTo(container: Container): readonly LinkedContainer[];
}

export type FilesSupport = (context: FilesContext) => FilesPart;
