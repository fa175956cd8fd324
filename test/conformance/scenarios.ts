/** Plays and compares whole folders: recordings of an engine, or rule dumps. */
import { readdirSync } from "node:fs";
import { compareRecording } from "./compare/compare";
import { fittest, type Course } from "./course";
import { KNOWN_COURSES } from "./known-courses";
import { play, reasonOf } from "./play/play";
import type { WorldOf } from "./play/world";
import { recordingsIn, type Recording } from "./recording";
import { resultOf, type ScenarioResult } from "./report";
import { compareMobyFiles, isMobyFileFolder } from "./moby-files";
import { compareRuleDumps, isRuleDumpFolder } from "./rule-dumps";

export interface Selection {
  /** A part of the scenario's name. */
  readonly only?: string;
}

/** The results of all scenarios in a folder, one after the other. */
export async function* playFolder(folder: string, worldOf: WorldOf, { only = "" }: Selection): AsyncGenerator<ScenarioResult> {
  if (readdirSync(folder).length === 0) throw new Error(`${folder}: expected recordings or rule dumps, found an empty folder`);
  for (const recording of recordingsIn(folder)) if (recording.scenario.includes(only)) yield await playScenario(recording, worldOf);
  if (isRuleDumpFolder(folder)) yield* files(folder, "rules", compareRuleDumps(folder), only);
  if (isMobyFileFolder(folder)) yield* files(folder, "files", compareMobyFiles(folder), only);
}

/** One result per file. What is of another kind is named. */
function* files(folder: string, area: string, { results, skipped }: ReturnType<typeof compareMobyFiles>, only: string): Generator<ScenarioResult> {
  for (const result of results) if (result.name.includes(only)) yield { ...result, area, skipped: [] };
  if (skipped.length > 0) yield { name: folder, area, passed: 0, total: 0, skipped, differences: [] };
}

/** What chance can lead to is tried where the recording shows something else. */
export function playScenario(recording: Recording, worldOf: WorldOf): Promise<ScenarioResult> {
  return fittest((course) => playOnce(recording, worldOf, course), KNOWN_COURSES[recording.scenario]);
}

/** Whatever goes wrong in one scenario stays there: what could not be seen counts as different. */
async function playOnce(recording: Recording, worldOf: WorldOf, course: Course): Promise<ScenarioResult> {
  const { scenario, area } = recording;
  try {
    const world = await worldOf(recording, course);
    try {
      return resultOf(scenario, area, compareRecording(recording, await play(recording, world)));
    } finally {
      await world.dispose();
    }
  } catch (error) {
    const failed = `the scenario could not be played: ${reasonOf(error)}`;
    return resultOf(scenario, area, compareRecording(recording, recording.steps.map(() => ({ failed }))));
  }
}
