import { isIp } from "../net/ip";
import { parseDuration } from "./duration";
import { GoError, quote } from "./go";
import { splitPair } from "./flags";
import { Failure } from "./outcome";

/** Readers of single values of flags (docker/cli opts/opts.go); each throws `GoError` for what it does not take. */

/** `--label`. */
export function readLabel(text: string): string {
  const [name] = splitPair(text);
  if (name === "") throw new GoError(`invalid label '${text}': empty name`);
  if (/\s/.test(name)) throw new GoError(`label '${text}' contains whitespaces`);
  return text;
}

/** `--env`. Differs from Docker: a name without `=` has no value to take from a shell, so it is left out later. */
export function readEnvironment(text: string): string {
  if (splitPair(text)[0] === "") throw new GoError(`invalid environment variable: ${text}`);
  return text;
}

/** `--ip` of Docker 29 (spf13/pflag ip.go). */
export function readIp(text: string): string {
  const address = text.trim();
  if (address !== "" && !isIp(address)) throw new GoError(`failed to parse IP: ${quote(text)}`);
  return address;
}

/** `--dns` of Docker 29. */
export function readDnsServerOf29(text: string): string {
  const address = text.trim();
  if (!isIp(address)) throw new GoError(`IP address is not correctly formatted: ${text}`);
  return address;
}

/** `--dns`. */
export function readDnsServer(text: string): string {
  const address = text.trim();
  if (!isIp(address)) throw new GoError(`${text} is not an ip address`);
  return address;
}

/** `--dns-search`: letters somewhere, labels of letters, digits and dashes; a dot stands for no list at all. */
export function readDnsSearch(text: string): string {
  const domain = text.trim();
  if (domain === ".") return domain;
  const label = /^[\p{L}\p{N}_]([\p{L}\p{N}_-]*[\p{L}\p{N}_])?$/u;
  const name = domain.replace(/^\.|\.$/g, "");
  const isDomain = /[a-zA-Z]/.test(name) && name.length < 255 && name.split(".").every((part) => label.test(part) || part === "");
  if (!isDomain) throw new GoError(`${text} is not a valid domain`);
  return domain;
}

/** `--add-host`. */
export function readExtraHost(text: string): string {
  const at = text.indexOf(":");
  const name = text.slice(0, Math.max(at, 0));
  if (name === "") throw new GoError(`bad format for add-host: ${JSON.stringify(text)}`);
  const address = text.slice(at + 1);
  if (address !== "host-gateway" && !isIp(address)) throw new GoError(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  return text;
}

/** `--link`: `name`, `name:alias`, or what `docker inspect` shows, `/name:/parent/alias`. */
export function readLink(text: string): string {
  splitLink(text);
  return text;
}

/** The name and the alias of a link. */
export function splitLink(text: string): [container: string, alias: string] {
  if (text === "") throw new GoError("empty string specified for links");
  const parts = text.split(":");
  if (parts.length > 2) throw new GoError(`bad format for links: ${text}`);
  const [container = "", alias] = parts;
  if (alias === undefined) return [container, container];
  // The form of docker inspect.
  if (container.startsWith("/")) return [container.slice(1), alias.slice(alias.lastIndexOf("/") + 1)];
  return [container, alias];
}

/** What containers may change of the kernel (docker/cli opts/opts.go: ValidateSysctl). */
const SYSCTLS = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)=|(net|fs\.mqueue)\..*=)/;

/** A time such as `--restart-delay`. */
export function readDuration(text: string): string {
  parseDuration(text);
  return text;
}

/** `--sysctl`. */
export function readSysctl(text: string): string {
  return allowed(text, "whitelisted");
}

/** `--sysctl` of Docker 29. */
export function readSysctlOf29(text: string): string {
  return allowed(text, "allowed");
}

function allowed(text: string, word: string): string {
  if (!SYSCTLS.test(text)) throw new GoError(`sysctl '${text}' is not ${word}`);
  return text;
}

/** `--filter`: the name is written small and without blanks around it. */
export function readFilter(text: string): string {
  if (text === "") return text;
  if (!text.includes("=")) throw new GoError("bad format of filter (expected name=value)");
  const [name, value] = splitPair(text);
  return `${name.trim().toLowerCase()}=${value.trim()}`;
}

/** The values of each filter. */
export function filtersOf(texts: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const filters = new Map<string, string[]>();
  for (const [name, value] of texts.filter((text) => text !== "").map(splitPair)) filters.set(name, [...(filters.get(name) ?? []), value]);
  return filters;
}

/**
 * `until=`: an age, a time or a date (moby api/types/time/timestamp.go: GetTimestamp).
 *
 * @throws Failure in the daemon's words.
 */
export function checkUntil(filters: ReadonlyMap<string, readonly string[]>): void {
  const values = [...new Set(filters.get("until") ?? [])];
  if (values.length > 1) throw new Failure("Error response from daemon: more than one until filter specified");
  for (const value of values) {
    if (/^\d+(\.\d+)?$/.test(value) || /^\d{4}-\d\d-\d\d/.test(value)) continue;
    try {
      parseDuration(value);
    } catch (error) {
      if (error instanceof GoError) throw new Failure(`Error response from daemon: failed to parse value as time or duration: ${quote(value)}`);
      throw error;
    }
  }
}

/** Whether the labels have what a filter asks for: `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [key, value] = splitPair(wanted);
  return Object.hasOwn(labels, key) && (!wanted.includes("=") || labels[key] === value);
}
