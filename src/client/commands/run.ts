import { SimulationError } from "../../errors";
import type { ImageSpec } from "../../model/spec";
import { BUSYBOX } from "../busybox";
import { atLeast, type Call, type Command } from "../command";
import { Failure } from "../outcome";
import { responseOf } from "../refusals";
import { readContainer } from "./container-options";
import { refusalOfOthers } from "./other-options";
import { CREATE_FLAGS, RUN_FLAGS } from "./run-flags";
import { settle, startOf } from "./processes";

export const RUN: Command = {
  path: "run",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  short: "Run a command in a new container",
  count: atLeast(1),
  flags: RUN_FLAGS,
  stopsAtArgument: true,
  async run(call) {
    const detached = call.flags.on("detach");
    if (detached && call.flags.has("attach")) throw new Failure("Conflicting options: -a and -d");
    const id = create(call, (text) => new Failure(described(call, text, "run"), 125));
    // A container in the background is named even if it does not start.
    if (detached) call.output.line(id);
    try {
      call.daemon.startContainer(id);
    } catch (error) {
      const text = responseOf(error);
      // The daemon removes by itself what was to be removed after its end, but not what never came to it.
      if (call.flags.on("rm") && call.daemon.state().containers.some((container) => container.id === id)) call.daemon.removeContainer(id, { force: true });
      throw new Failure(described(call, text, undefined), exitCodeOf(text));
    }
    const outcome = await startOf(call, id);
    if (outcome) await settle(call, id, outcome);
    if (detached) return;
    if (!outcome) throw unending(call.args[0] ?? "");
    call.output.stdout += outcome.stdout;
    call.output.stderr += outcome.stderr;
    if (outcome.exit !== 0) throw new Failure("", outcome.exit);
  },
};

export const CREATE: Command = {
  path: "create",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  short: "Create a new container",
  count: atLeast(1),
  flags: CREATE_FLAGS,
  stopsAtArgument: true,
  run(call) {
    const asDaemon = (text: string) => (text.startsWith(FROM_DAEMON) ? new Failure(text) : new Failure(described(call, text, "create"), 125));
    call.output.line(create(call, asDaemon));
  },
};

const FROM_DAEMON = "Error response from daemon: ";

/** Makes the container and returns its ID. */
function create(call: Call, refuse: (text: string) => Failure): string {
  const { daemon, output, args, flags } = call;
  const reference = args[0] ?? "";
  const known = imageOf(call.images, reference);
  let spec: ReturnType<typeof readContainer>;
  try {
    spec = readContainer(call, known ?? { name: reference, expose: [], env: [], labels: {}, command: [] }, flags.text("name"));
  } catch (error) {
    throw error instanceof Failure ? refuse(error.message) : error;
  }
  if (!known) throw missing(call, reference, refuse);
  if (spec.workdir !== undefined && !spec.workdir.startsWith("/")) throw refuse(`${FROM_DAEMON}the working directory '${spec.workdir}' is invalid, it needs to be an absolute path`);
  const refusal = refusalOfOthers(daemon, flags);
  if (refusal !== undefined) throw refuse(`${FROM_DAEMON}${refusal}`);
  const ofInterface = daemon.state().generation === "29" ? Object.keys(spec.sysctls ?? {}).find((name) => /^net\.(ipv[46]|mpls)\.(conf|neigh)\.eth\d+\./.test(name)) : undefined;
  if (ofInterface !== undefined) throw refuse(`${FROM_DAEMON}interface specific sysctl setting ${JSON.stringify(ofInterface)} must be supplied using driver option 'com.docker.network.endpoint.sysctls'`);
  const local = (spec.dns ?? []).find((address) => /^(127\.|::1$)/.test(address));
  if (local !== undefined && daemon.state().generation !== "29") output.warn(`WARNING: Localhost DNS setting (--dns=${local}) may fail in containers.`);
  try {
    const name = spec.name === "" ? daemon.makeName() : spec.name.replace(/^\//, "");
    const { id, warnings } = daemon.createContainer({ ...spec, name, host: daemon.state().hosts[0]?.name ?? "" });
    for (const warning of warnings) output.warn(`WARNING: ${warning}`);
    return id;
  } catch (error) {
    throw refuse(responseOf(error));
  }
}

/** An image by `name` or `name:latest`. */
export function imageOf(images: readonly ImageSpec[] | "any", reference: string): ImageSpec | undefined {
  if (images === "any") return { name: reference, expose: [], env: [], labels: {}, command: [], ...(/^(library\/)?busybox(:|@|$)/.test(reference) && { contents: BUSYBOX }) };
  return images.find(({ name }) => name === reference || `${name}:latest` === reference);
}

/** The client asks a registry, which no simulated host can reach. */
function missing({ daemon, flags, output }: Call, reference: string, refuse: (text: string) => Failure): Failure {
  const tagged = reference.includes(":") ? reference : `${reference}:latest`;
  if (flags.text("pull") === "never") return refuse(`${FROM_DAEMON}No such image: ${tagged}`);
  output.warn(`Unable to find image '${tagged}' locally`);
  const server = daemon.state().hosts[0]?.world.resolvConf.nameservers[0] ?? "127.0.0.1";
  return refuse(`${FROM_DAEMON}Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on ${server}:53: no such host`);
}

/** A refusal as `docker run` prints it (docker/cli cli/command/container/run.go: reportError; withHelp of Docker 29). */
function described({ daemon }: Call, text: string, help: string | undefined): string {
  if (daemon.state().generation === "29") return `docker: ${text}\n\nRun 'docker ${help ?? "run"} --help' for more information`;
  const sentence = `docker: ${text.replace(/\.$/, "")}.`;
  return help === undefined ? sentence : `${sentence}\nSee 'docker ${help} --help'.`;
}

/** docker/cli cli/command/container/run.go: runStartContainerErr. */
function exitCodeOf(text: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/.test(text)) return 127;
  return text.includes("permission denied") ? 126 : 125;
}

function unending(image: string): SimulationError {
  return new SimulationError("UNSUPPORTED", `docker run ${image}: expected --detach, as the container's process does not end; the terminal is not simulated`);
}
