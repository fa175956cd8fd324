/** A recording against what the simulation showed at the same steps. */
import { Checks } from "../checks";
import { generationOf, isRecord, voidCommandOf, type CaptureStep, type CommandResult, type Json, type Recording, type RowsStep, type Step, type WaitTasksStep } from "../recording";
import { withoutChance } from "./certificates";
import { compareFrames } from "./frames";
import { compareObservation } from "./observation";
import { compareRow } from "./rows";

/** What was seen at a step, or why nothing was. */
export type Played = { readonly step: Step } | { readonly failed: string };

export function compareRecording(recording: Recording, played: readonly Played[]): Checks {
  const checks = new Checks(recording.unstable ?? [], { announces: generationOf(recording) === "29" });
  const voidCommand = voidCommandOf(recording);
  for (const [index, recorded] of recording.steps.entries()) {
    const path = `steps[${index}]`;
    const step = recording.usable || isSimulated(recording.notes) ? recorded : withoutPackets(checks, path, recorded, recording.notes);
    if (step === undefined) continue;
    if (index === voidCommand) checks.skip(path, "a note says that its answer is not usable");
    else compareStep(checks, path, step, played[index] ?? { failed: "the replay ended before this step" });
  }
  return checks;
}

/** What the machine lacked, the simulated one lacks as well (test/support/recorded-world.ts). */
function isSimulated(notes: readonly string[]): boolean {
  return notes.length > 0 && notes.every((note) => note.startsWith("The kernel had no ipvs:"));
}

/** Where the machine lacked something, names, addresses and what is inspected are right, but not what got through. */
function withoutPackets(checks: Checks, path: string, step: Step, notes: readonly string[]): Step | undefined {
  const why = `the recording says: ${notes.join(" ")}`;
  const isTraffic = step.op === "capture" || (step.op === "docker" && step.argv[1] === "exec");
  if (isTraffic) checks.skip(path, why);
  if (isTraffic || !("rows" in step)) return isTraffic ? undefined : step;
  // Rows keep their numbers.
  const rows = step.rows.map((row) => (row.proto === "dns" ? row : { from: row.from, proto: row.proto, to: row.to }));
  if (step.rows.some(({ proto }) => proto !== "dns")) checks.skip(`${path}.rows`, why);
  return { ...step, rows };
}

function compareStep(checks: Checks, path: string, expected: Step, played: Played): void {
  const got = "step" in played ? played.step : undefined;
  const failed = "failed" in played ? played.failed : `played as ${got?.op}`;
  switch (expected.op) {
    case "docker":
    case "host":
      compareCommand(checks, path, expected, got !== undefined && "exit" in got ? got : failed);
      break;
    case "observe":
      compareObservation(checks, path, expected, got?.op === "observe" ? got : failed);
      break;
    case "matrix":
    case "probe":
      compareRows(checks, path, expected, got !== undefined && "rows" in got ? got : failed);
      break;
    case "capture":
      compareCapture(checks, path, expected, got?.op === "capture" ? got : failed);
      break;
    case "wait-tasks":
      compareTasks(checks, path, expected, got?.op === "wait-tasks" ? got : failed);
      break;
    case "serve":
    case "sleep":
    case "restart-daemon":
      // Nothing is answered: only that it could be done.
      if (got === undefined) checks.count(path, false, `${(expected as Step).op} done`, failed);
      break;
    default:
      compareUnknown(checks, path, expected as unknown as Json, "failed" in played ? failed : "nothing: this kind of step is not known");
      break;
  }
}

function compareCommand(checks: Checks, path: string, expected: CommandResult, got: CommandResult | string): void {
  const parts = { exit: expected.exit, stdout: settled(expected.stdout), stderr: withoutNumbers(expected.stderr) };
  if (typeof got === "string") {
    const { exit, stdout, stderr } = parts;
    checks.fail(path, { exit, ...(stdout !== "" && { stdout }), ...(stderr !== "" && { stderr }) }, got);
    return;
  }
  checks.compare(`${path}.exit`, parts.exit, got.exit);
  // That nothing is printed is a check only where something is.
  if (parts.stdout !== "" || got.stdout !== "") checks.compare(`${path}.stdout`, parts.stdout, settled(got.stdout));
  if (parts.stderr !== "" || got.stderr !== "") checks.compare(`${path}.stderr`, parts.stderr, withoutNumbers(got.stderr));
}

/** The kernel counts the interfaces of all that runs on its machine. */
function withoutNumbers(text: string): string {
  return text.replace(/(?<=\bIfindex: )\d+/g, "<n>");
}

/** How long ago something was. */
const AGO = /(Less than a second|About an? (?:minute|hour)|\d+ (?:second|minute|hour)s?)( ago)?/gi;
/** Counts of the managers' log. */
const LOG_INDEX = /(?<="Index": ?)\d+/g;
/** What unlocks managers, which is drawn. */
const UNLOCK_KEY = /SWMKEY-1-[A-Za-z0-9+/]{43}/g;
/** As the client prints it where it formats times itself. */
const TIME = /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? \+0000 utc/g;

/** Without measured times, which are those of one moment and machine; a table with them has columns of any width. */
function settled(text: string): string {
  const ages = withoutChance(text).replace(AGO, "<ago>").replace(LOG_INDEX, "<n>").replace(UNLOCK_KEY, "<unlock-key>").replace(TIME, "<moment>");
  return (ages === text ? text : ages.replace(/ {2,}/g, "  "))
    .replace(/min\/avg\/max = [<>\d./t]+ ms/g, "min/avg/max = <t> ms")
    .replace(/(?<![<>\d./t])\d+\.\d+ ms/g, "<t> ms");
}

function compareRows(checks: Checks, path: string, { rows }: RowsStep, got: RowsStep | string): void {
  for (const [index, row] of rows.entries()) {
    const ours = typeof got === "string" ? got : (got.rows[index] ?? "no row");
    compareRow(checks, `${path}.rows[${index}]`, row, ours);
  }
}

function compareTasks(checks: Checks, path: string, { running, tasks }: WaitTasksStep, got: WaitTasksStep | string): void {
  if (typeof got === "string") checks.fail(path, { running, tasks }, got);
  else checks.compare(path, { running, tasks }, { running: got.running, tasks: ordered(tasks, got.tasks) });
}

/** Tasks of global services stand in the order of the IDs of their nodes, which are random. */
function ordered(expected: readonly string[], got: readonly string[]): string[] {
  const place = (line: string) => (expected.includes(line) ? expected.indexOf(line) : expected.length);
  return [...got].sort((a, b) => place(a) - place(b));
}

function compareCapture(checks: Checks, path: string, expected: CaptureStep, got: CaptureStep | string): void {
  for (const [index, step] of expected.during.entries()) {
    const ours = typeof got === "string" ? { failed: got } : { step: got.during[index] as Step };
    compareStep(checks, `${path}.during[${index}]`, step, ours);
  }
  for (const [index, { tap, frames }] of expected.taps.entries()) {
    const ours = typeof got === "string" ? got : got.taps.find((candidate) => candidate.tap === tap)?.frames;
    compareFrames(checks, `${path}.taps[${index}]`, frames, ours ?? `nothing is captured at ${tap}`);
  }
}

/** Everything in it counts, so that nothing is left out unseen. */
function compareUnknown(checks: Checks, path: string, expected: Json, reason: string): void {
  checks.fail(path, isRecord(expected) ? Object.fromEntries(Object.entries(expected).filter(([key]) => !/^(op|host|label|argv)$/.test(key))) : expected, reason);
}
