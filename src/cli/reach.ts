import { Argument, Command, Option } from "commander";
import { toTopology, type ComposeProject } from "../compose";
import { SimulationError } from "../errors";
import { table } from "../report/table";
import type { Lab } from "../targets/node";
import { fromSpec } from "../targets/bound";
import { EXIT } from "./exit";
import { load, nodesOption, projectOptions, readNodes, several, startProject, type ProjectFlags } from "./load";
import { answerOf, type Question, type ReachAnswer } from "./reach-answer";
import { allQuestions, allSenders, checkSender, resolveSender, resolveTarget } from "./reach-questions";
import { pageOf, styleFor } from "./terminal";

interface ReachFlags extends ProjectFlags {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly matrix?: boolean;
  readonly docker?: "29" | "20.10";
  readonly engine?: "wasm" | "ts";
  readonly timeout: string;
  readonly family?: "4" | "6";
  readonly json?: boolean;
  readonly why?: boolean;
  readonly nodes?: string;
}

/** `dockwire reach`: asks whether something is reached, and by what that is decided. */
export function reachCommand(done: (exitCode: number) => void): Command {
  const command = new Command("reach")
    .description("Tell whether a service, the LAN or the internet reaches a port of another one, and why.")
    .addArgument(new Argument("[file...]", "Compose files, as for dockwire run"))
    .addOption(new Option("--from <name>", "who asks: a service, a container, host1, lan (beside the host) or internet; may be given several times").argParser(several).default([], "none"))
    .addOption(new Option("--to <target>", "who is asked: db:5432, db:53/udp, host1:8080, 127.0.0.1:8080, or db (ping); may be given several times").argParser(several).default([], "none"))
    .addOption(new Option("--matrix", "ask every port that a service exposes or publishes, from everywhere"))
    .addOption(new Option("--docker <generation>", "Docker Engine to follow (default: x-dockwire.docker, or 29)").choices(["29", "20.10"]))
    .addOption(new Option("--engine <engine>", "packet engine: wasm, or ts where WebAssembly is forbidden").choices(["wasm", "ts"]))
    .addOption(nodesOption())
    .addOption(new Option("--timeout <duration>", "how long, in virtual time, to wait for an answer").default("5s"))
    .addOption(new Option("--family <family>", "ask a name's addresses of IPv4 or IPv6 alone; unless given, both where it has both").choices(["4", "6"]))
    .addOption(new Option("--why", "print every packet's way, hop by hop"))
    .addOption(new Option("--json", "print the answers as JSON (docs/report.md describes it)"));
  return projectOptions(command)
    .addHelpText("after", `\n${EXAMPLES}`)
    .action(async (files: readonly string[], flags: ReachFlags) => done(await reach(files, flags)));
}

const EXAMPLES = `The containers are started, a packet is sent, and what became of it is told:
something answers at every port of a container, so what is asked is whether the
network lets it. Of the host's ports only published ones answer.

Exit codes: 0    everything that was asked is reachable (with --matrix: asked)
            1    something is not
            2    bad input: one line on stderr, file:line:column: what is wrong

Examples:
  $ dockwire reach --from web --to db:5432
  $ dockwire reach compose.yaml --from lan --to host1:8080 --docker 20.10
  $ dockwire reach --from web --to db:5432 --from lan --to host1:8080 --why
  $ dockwire reach --from internet --to host1:8080 --to host1:5432
  $ dockwire reach --matrix
  $ dockwire reach --matrix --json | jq '.answers[] | select(.reachable) | [.from, .to]'`;

async function reach(files: readonly string[], flags: ReachFlags): Promise<number> {
  const project = load(files, flags);
  const { spec } = toTopology(project, { ...(flags.docker !== undefined && { generation: flags.docker }), ...readNodes(flags.nodes) });
  const questions = flags.matrix === true ? allQuestions(project) : paired(flags);
  for (const { from } of questions) checkSender(project, from);
  const quiet = fromSpec({ ...spec, traffic: [] });
  await using lab = await startProject(project, spec.swarm ? quiet : quiet.underlay({}), {
    engine: flags.engine ?? project.dockwire?.engine ?? "wasm",
    inThread: true,
  });
  const answers: ReachAnswer[] = [];
  for (const question of questions) answers.push(await ask(lab, project, question, flags));
  print(project, spec.generation, answers, flags);
  return flags.matrix === true || answers.every(({ reachable }) => reachable) ? EXIT.ok : EXIT.failed;
}

async function ask(lab: Lab, project: ComposeProject, question: Question, { timeout, family }: ReachFlags): Promise<ReachAnswer> {
  const options = { timeout: timeout as `${number}s`, ...(family !== undefined && { family: family === "6" ? 6 : 4 } as const) };
  try {
    return answerOf(project, question, await lab.reach(resolveSender(project, question.from, lab), resolveTarget(project, question.to), options));
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    // What the lab calls from, to and timeout are options here.
    throw new SimulationError(error.code, error.message.replace(/^traffic reach .*?: (?=from: )/, "").replace(/^(?=(from|to|timeout): )/, "--"));
  }
}

/** The first sender asks the first target, and so on; one of either is that of all. */
function paired({ from, to }: ReachFlags): Question[] {
  if (from.length === 0 || to.length === 0) {
    throw new SimulationError("INVALID_INPUT", `reach: expected --from and --to, or --matrix, found ${from.length + to.length === 0 ? "neither" : "one of them"}`);
  }
  if (from.length !== to.length && from.length !== 1 && to.length !== 1) {
    throw new SimulationError("INVALID_INPUT", `reach: expected as many --from as --to, or one of either, found ${from.length} and ${to.length}`);
  }
  const count = Math.max(from.length, to.length);
  return Array.from({ length: count }, (_, index) => ({ from: from[index] ?? from[0]!, to: to[index] ?? to[0]! }));
}

function print(project: ComposeProject, docker: string, answers: readonly ReachAnswer[], { json, why, matrix }: ReachFlags): void {
  if (json === true) {
    const report = { format: 1, project: { name: project.name, files: project.files, docker }, answers };
    process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    return;
  }
  const lines = matrix === true ? matrixLines(allSenders(project), answers) : answers.map(answerLine);
  process.stdout.write(`${lines.flatMap((line, index) => [line, ...(why === true && matrix !== true ? (answers[index]?.packets ?? []) : [])]).join("\n")}\n`);
}

function answerLine({ reachable, from, to, details, file, line }: ReachAnswer): string {
  const style = styleFor(process.stdout);
  const verdict = reachable ? style.good("ALLOWED") : style.bad("BLOCKED");
  const where = file === null ? "" : `  [${file}:${line}]`;
  return `${verdict}  ${style.name(from)} → ${style.name(to)}: ${details.join("; ")}${where}`;
}

/** A row per target, a column per sender. */
function matrixLines(senders: readonly string[], answers: readonly ReachAnswer[]): string[] {
  const targets = [...new Set(answers.map(({ to }) => to))];
  const cell = (from: string, to: string) => {
    const answer = answers.find((each) => each.from === from && each.to === to);
    if (answer === undefined) return "";
    return answer.reachable ? ({ text: "yes", mark: "good" } as const) : ({ text: answer.result, mark: "dim" } as const);
  };
  const rows = targets.map((to) => [to, ...senders.map((from) => cell(from, to))]);
  return table([{ title: "asked" }, ...senders.map((title) => ({ title }))], rows, { style: styleFor(process.stdout), ...pageOf(process.stdout), indent: 0 });
}
