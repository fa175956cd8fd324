import { SimulationError } from "../../errors";
import { environmentOf, replaced, settingsOfEnvironment } from "../../model/inspect/environment";
import { exitOfRefusal } from "../../model/first-process";
import { execFailure } from "../first-process";
import { atLeast, isOf29, type Command } from "../command";
import { Failure, type CommandOutcome } from "../outcome";
import { ask, find } from "../refusals";
import { readEnvironment } from "../values";

/** docker/cli cli/command/container/exec.go: what could not be started; the reason comes by the stream of the process. */
const EXIT_REFUSED = 126;

const REFUSED = "OCI runtime exec failed";

/** Docker 29 says less of what could not be started, and has a status for each reason (moby daemon/errors.go: setExitCodeFromError). */
function inWordsOf29(outcome: CommandOutcome): CommandOutcome {
  if (outcome.exit !== EXIT_REFUSED || !outcome.stdout.startsWith(REFUSED)) return outcome;
  return { ...outcome, exit: exitOfRefusal(outcome.stdout), stdout: outcome.stdout.replace(/: unknown(?=\n$)/, "") };
}

export const EXEC: Command = {
  path: "exec",
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  short: "Run a command in a running container",
  count: atLeast(2),
  flags: [
    { name: "detach", short: "d", kind: "switch" },
    { name: "detach-keys", kind: "text" },
    { name: "env", short: "e", kind: "list", read: readEnvironment },
    { name: "env-file", kind: "list" },
    { name: "interactive", short: "i", kind: "switch" },
    { name: "privileged", kind: "switch" },
    { name: "tty", short: "t", kind: "switch" },
    { name: "user", short: "u", kind: "text" },
    { name: "workdir", short: "w", kind: "text" },
  ],
  stopsAtArgument: true,
  async run({ daemon, programs, flags, args, output }) {
    const [name = "", ...argv] = args;
    const container = find("container", name, () => daemon.findContainer(name));
    ask(() => daemon.checkExec(name));
    if (!programs) throw new SimulationError("UNSUPPORTED", `docker exec ${name}: expected a lab that runs programs, found none`);
    const detached = flags.on("detach");
    const tty = flags.on("tty");
    const environment = environmentOf({
      name: container.name,
      hostname: container.hostname,
      tty,
      variables: replaced(settingsOfEnvironment(container.spec), flags.all("env")),
      links: daemon.state().generation === "29" ? [] : container.linked,
    });
    const workdir = flags.text("workdir");
    const isCurrent = isOf29(daemon);
    const start = { argv, user: flags.text("user"), workdir: workdir === "" ? (container.spec.workdir ?? "") : workdir, environment, isCurrent };
    const refusal = execFailure(container.spec.image?.contents, start, container.spec.workdir);
    const ran = refusal === undefined ? await programs.exec(container, argv, { environment, detached, tty, workdir: start.workdir }) : { exit: EXIT_REFUSED, stdout: `${refusal}\n`, stderr: "" };
    const outcome = isCurrent ? inWordsOf29(ran) : ran;
    if (isCurrent && refusal?.startsWith("unable to find") === true) throw new Failure(`Error response from daemon: ${refusal}`);
    if (detached) {
      // What starts nothing is an answer of the daemon then.
      if (refusal !== undefined || outcome.stdout.startsWith(REFUSED)) throw new Failure(`Error response from daemon: ${outcome.stdout.trim()}`);
      return;
    }
    output.stdout += outcome.stdout;
    output.stderr += outcome.stderr;
    if (outcome.exit !== 0) throw new Failure("", outcome.exit);
  },
};
