import { formatPosition, type SourcePosition } from "../errors";
import type { Place } from "./node";

/**
 * What a reader of the report should know of the file, though it is no mistake:
 * - `not-simulated`: a key that Compose knows, that could matter to packets, and that the simulation does not follow;
 * - `unset-variable`: a variable without a value became an empty text;
 * - `obsolete`: a key that Compose itself ignores or discourages;
 * - `ignored`: something valid that has no effect here, and why.
 */
export type NoticeKind = "not-simulated" | "unset-variable" | "obsolete" | "ignored";

export interface Notice {
  readonly kind: NoticeKind;
  readonly path: string;
  readonly message: string;
  /** Absent when the description was a plain object. */
  readonly position?: SourcePosition;
}

/**
 * `file:line:column: path: message`.
 *
 * @example formatNotice(project.notices[0]) // `compose.yaml:4:12: services.db.image: the "TAG" variable is not set, …`
 */
export function formatNotice(notice: Notice): string {
  return [notice.position && formatPosition(notice.position), notice.path, notice.message].filter(Boolean).join(": ");
}

/** Collects notices, each once. */
export class Notices {
  private readonly all = new Map<string, Notice>();

  /** `key` is what must not be reported twice; by default the place and the message. */
  add(kind: NoticeKind, at: Place, message: string, key?: string): void {
    const notice: Notice = { kind, ...at, message };
    const id = key ?? formatNotice(at.position ? { ...notice, path: "" } : notice);
    if (!this.all.has(id)) this.all.set(id, notice);
  }

  list(): Notice[] {
    return [...this.all.values()];
  }
}
