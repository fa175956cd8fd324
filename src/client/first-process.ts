import type { ContainerSpec, ImageContents, ImageSpec } from "../model/spec";
import { DEFAULT_PATH } from "../model/inspect/environment";
import { settingRefusal } from "./kernel-settings";

/** Who starts a process in a container, and as whom. */
interface Start {
  readonly argv: readonly string[];
  readonly user: string;
  readonly workdir: string;
  readonly environment: readonly string[];
  /** Of Docker 29, whose runc (1.3) has other words. */
  readonly isCurrent: boolean;
}

/** What shares the IPC namespace of its host may not change it (runc libcontainer/configs/validate/validator.go: sysctl). */
const OF_IPC = /^(fs\.mqueue\.|kernel\.(msg|sem|shm))/;

/**
 * Why the first process of a container cannot be started, as far as it is known what is in its image: the user is the daemon's to find, the
 * rest is refused inside (runc libcontainer/standard_init_linux.go, in its order).
 */
export function startFailure(image: ImageSpec, spec: Pick<ContainerSpec, "sysctls" | "networks" | "networkMode"> & { readonly sharesIpc: boolean }, start: Start): ContainerSpec["startFailure"] {
  const stranger = userRefusal(image.contents, start.user);
  if (stranger !== undefined) return { words: stranger, inside: false };
  const shared = spec.sharesIpc ? Object.keys(spec.sysctls ?? {}).find((name) => OF_IPC.test(name)) : undefined;
  if (shared !== undefined) return { words: `sysctl ${JSON.stringify(shared)} is not allowed in the hosts ipc namespace`, inside: true };
  const interfaces = spec.networkMode === "none" ? 0 : Math.max(spec.networks.length, 1);
  const isOwn = spec.networkMode === undefined || spec.networkMode === "none" || !/^(host|container:)/.test(spec.networkMode);
  const settings = isOwn ? Object.entries(spec.sysctls ?? {}) : [];
  const [setting] = settings.flatMap(([name, value]) => settingRefusal(name, value, interfaces, start.isCurrent) ?? []);
  if (setting !== undefined) return { words: `unable to start container process: error during container init: ${setting}`, inside: true };
  const missing = programRefusal(image.contents, start);
  return missing === undefined ? undefined : { words: `unable to start container process: ${start.isCurrent ? "error during container init: " : ""}${missing}`, inside: true };
}

/** Why `docker exec` starts nothing, in the words that it prints. */
export function execFailure(contents: ImageContents | undefined, start: Start, made: string | undefined): string | undefined {
  const stranger = userRefusal(contents, start.user);
  if (stranger !== undefined) return stranger;
  const failed = (words: string) => `OCI runtime exec failed: exec failed: ${words}${start.isCurrent ? "" : ": unknown"}`;
  const { workdir } = start;
  if (workdir !== "" && !workdir.startsWith("/")) return failed("Cwd must be an absolute path");
  if (workdir !== "" && contents !== undefined && !contents.folders.includes(workdir) && workdir !== made) {
    return failed(`unable to start container process: chdir to cwd (${JSON.stringify(workdir)}) set in config.json failed: no such file or directory`);
  }
  const missing = programRefusal(contents, start);
  return missing === undefined ? undefined : failed(`unable to start container process: ${missing}`);
}

/** Numbers need no entry (opencontainers/runc libcontainer/user: GetExecUser). */
function userRefusal(contents: ImageContents | undefined, user: string): string | undefined {
  const [name = "", group = ""] = user.split(":");
  const isUnknown = (text: string, known: readonly string[] | undefined) => text !== "" && !/^\d+$/.test(text) && known !== undefined && !known.includes(text);
  if (isUnknown(name, contents?.users)) return `unable to find user ${name}: no matching entries in passwd file`;
  return isUnknown(group, contents?.groups) ? `unable to find group ${group}: no matching entries in group file` : undefined;
}

/** Go os/exec: LookPath. */
function programRefusal(contents: ImageContents | undefined, { argv: [program = ""], workdir, environment, isCurrent }: Start): string | undefined {
  if (contents === undefined || program === "") return undefined;
  const fail = (words: string) => `exec: ${JSON.stringify(program)}: ${words}`;
  if (!program.includes("/")) {
    const path = environment.find((entry) => entry.startsWith("PATH=")) ?? DEFAULT_PATH;
    return path.slice("PATH=".length).split(":").some((folder) => contents.programs.includes(`${folder}/${program}`)) ? undefined : fail("executable file not found in $PATH");
  }
  const full = absolute(program, workdir);
  if (contents.programs.includes(full)) return undefined;
  return fail(contents.folders.includes(full) ? `${isCurrent ? "is a directory: " : ""}permission denied` : `stat ${program}: no such file or directory`);
}

function absolute(path: string, workdir: string): string {
  const words: string[] = [];
  for (const word of (path.startsWith("/") ? path : `${workdir}/${path}`).split("/")) {
    if (word === "..") words.pop();
    else if (word !== "" && word !== ".") words.push(word);
  }
  return `/${words.join("/")}`;
}
