import { refuse } from "../refusal";
import { readToken, sumOf, type SwarmIds } from "./ids";
import type { NodeRole } from "./objects";
import { refuseRpc, SWARM_WORDS } from "./words";

/** The digits of base 64 (RFC 4648). */
const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** swarmkit manager/encryption: ParseHumanReadableKey: base 64 without padding. */
export function isUnlockKey(text: string): boolean {
  const digits = /^SWMKEY-1-([A-Za-z0-9+/]*)$/.exec(text)?.[1];
  return digits !== undefined && digits.length % 4 !== 1;
}

/**
 * What lets nodes into a swarm, and what unlocks its managers.
 *
 * Differs from Docker: the digest in tokens is drawn, as is all that the certificate of the root follows from; it is not the digest of that
 * certificate, which takes elliptic curves, and few ask for it.
 */
export class SwarmSecurity {
  readonly #ids: SwarmIds;
  #digest: string;
  readonly #tokens: Record<NodeRole, string>;
  #unlockKey: string | undefined;

  constructor(ids: SwarmIds) {
    this.#ids = ids;
    this.#digest = ids.digest();
    this.#tokens = { worker: ids.token("worker", this.#digest), manager: ids.token("manager", this.#digest) };
  }

  /** What the certificate of the root follows from. */
  get root(): string {
    return this.#digest;
  }

  token(role: NodeRole): string {
    return this.#tokens[role];
  }

  rotateToken(role: NodeRole): void {
    this.#tokens[role] = this.#ids.token(role, this.#digest);
  }

  /** New tokens come with a new root (swarmkit ca/reconciler.go: UpdateRootCA). */
  rotateRoot(): void {
    this.#digest = this.#ids.digest();
    for (const role of ["worker", "manager"] as const) this.rotateToken(role);
  }

  /** The role that a token gives; `""`: none was shown. */
  roleOf(token: string): NodeRole {
    if (token === "") refuseRpc("InvalidArgument", "swarm", SWARM_WORDS.noToken);
    const { digest } = readToken(token) ?? refuse(400, "swarm", "invalid join token");
    if (digest !== this.#digest) refuse(400, "swarm", `remote CA does not match fingerprint. Expected: ${sumOf(digest)}`);
    const role = (["worker", "manager"] as const).find((candidate) => this.#tokens[candidate] === token);
    return role ?? refuseRpc("InvalidArgument", "swarm", SWARM_WORDS.noToken);
  }

  /** None: managers start without one. */
  get unlockKey(): string | undefined {
    return this.#unlockKey;
  }

  setAutolock(isOn: boolean): void {
    if (isOn && this.#unlockKey === undefined) this.#unlockKey = this.#newKey();
    if (!isOn) this.#unlockKey = undefined;
  }

  rotateUnlockKey(): void {
    if (this.#unlockKey !== undefined) this.#unlockKey = this.#newKey();
  }

  /** swarmkit manager/encryption: HumanReadableKey. */
  #newKey(): string {
    const value = BigInt(`0x${this.#ids.bits("unlock key")}`) << 2n;
    const digits = Array.from({ length: 43 }, (_, index) => BASE64[Number((value >> BigInt(6 * (42 - index))) & 63n)]);
    return `SWMKEY-1-${digits.join("")}`;
  }
}
