import { SimulationError } from "../../errors";
import { commandOf } from "../../model/inspect/container";
import type { ContainerState } from "../../model/state";
import { atLeast, type Command } from "../command";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { alignColumns } from "../table";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly argv: readonly string[];
}

/** The columns that are known, by their names in `ps -o`, with the heading of each. */
const COLUMNS: Readonly<Record<string, readonly [heading: string, value: (process: Process) => string]>> = {
  pid: ["PID", ({ pid }) => String(pid)],
  ppid: ["PPID", ({ parent }) => String(parent)],
  user: ["USER", () => "root"],
  uid: ["UID", () => "0"],
  uname: ["USER", () => "root"],
  group: ["GROUP", () => "root"],
  comm: ["COMMAND", ({ argv }) => (argv[0] ?? "").replace(/^.*\//, "").slice(0, COMM_MAX)],
  cmd: ["CMD", commandLine],
  args: ["COMMAND", commandLine],
  command: ["COMMAND", commandLine],
  stat: ["STAT", () => "Ss"],
  state: ["S", () => "S"],
  s: ["S", () => "S"],
  tty: ["TT", () => "?"],
  tt: ["TT", () => "?"],
  time: ["TIME", () => "00:00:00"],
  etime: ["ELAPSED", () => "00:00"],
  stime: ["STIME", () => "00:00"],
  start: ["STARTED", () => "00:00:00"],
  "%cpu": ["%CPU", () => "0.0"],
  pcpu: ["%CPU", () => "0.0"],
  "%mem": ["%MEM", () => "0.0"],
  pmem: ["%MEM", () => "0.0"],
  ni: ["NI", () => "0"],
  pri: ["PRI", () => "19"],
};
/** Linux include/linux/sched.h: TASK_COMM_LEN, with the zero at the end. */
const COMM_MAX = 15;

type Column = readonly [heading: string, value: (process: Process) => string];

/** `ps -ef`, which the daemon asks for unless told otherwise, and `ps aux`. */
const FULL: readonly Column[] = [
  ["UID", () => "root"], COLUMNS.pid!, COLUMNS.ppid!, ["C", () => "0"], COLUMNS.stime!, ["TTY", () => "?"], COLUMNS.time!, COLUMNS.cmd!,
];
const BSD: readonly Column[] = [
  COLUMNS.user!, COLUMNS.pid!, COLUMNS["%cpu"]!, COLUMNS["%mem"]!, ["VSZ", () => "0"], ["RSS", () => "0"], ["TTY", () => "?"], COLUMNS.stat!, ["START", () => "00:00"], ["TIME", () => "0:00"], COLUMNS.args!,
];

export const TOP: Command = {
  path: "top",
  usage: "CONTAINER [ps OPTIONS]",
  short: "Display the running processes of a container",
  count: atLeast(1),
  flags: [],
  stopsAtArgument: true,
  run({ daemon, args, output }) {
    const [name = "", ...options] = args;
    const container = ask(() => daemon.findContainer(name));
    if (container.status === "restarting") throw new Failure(`Error response from daemon: Container ${name} is restarting, wait until the container is running`);
    if (!container.running) throw new Failure(`Error response from daemon: Container ${container.id} is not running`);
    const columns = columnsOf(options);
    // Differs from Docker: of processes that `docker exec --detach` started nothing is known.
    const rows = [processOf(container)].map((process) => columns.map(([, value]) => value(process)));
    const lines = [columns.map(([heading]) => heading), ...rows].map((cells) => cells.join("\t"));
    for (const line of alignColumns(lines, PS_WIDTH)) output.line(line);
  },
};

/** docker/cli cli/command/container/top.go. */
const PS_WIDTH = 20;

function columnsOf(options: readonly string[]): readonly Column[] {
  const text = options.join(" ").trim();
  if (text === "" || text === "-ef" || text === "-e -f") return FULL;
  if (text === "aux" || text === "-aux") return BSD;
  const [, list] = /^-?e?o\s*(\S+)$/.exec(text) ?? [];
  if (list === undefined) throw new SimulationError("UNSUPPORTED", `docker top: expected -ef, aux or -o with a list of columns, found ${JSON.stringify(text)}`);
  const columns = list.split(",").map((word): Column => {
    const [column = "", heading] = word.split("=");
    const known = COLUMNS[column.toLowerCase()];
    if (!known) throw new SimulationError("UNSUPPORTED", `docker top -o: expected some of ${Object.keys(COLUMNS).join(", ")}, found ${JSON.stringify(column)}`);
    return heading === undefined ? known : [heading, known[1]];
  });
  if (!columns.some(([heading]) => heading === "PID")) throw new Failure("Error response from daemon: Couldn't find PID field in ps output");
  return columns;
}

/** Differs from Docker: numbers of processes are made of the order in which containers were started. */
function processOf(container: ContainerState): Process {
  const pid = 1000 + 100 * container.startOrder;
  const argv = commandOf(container.spec);
  return { pid, parent: pid - 20, argv: argv.length > 0 ? argv : [container.spec.image?.name ?? container.name] };
}

function commandLine({ argv }: Process): string {
  return argv.join(" ");
}
