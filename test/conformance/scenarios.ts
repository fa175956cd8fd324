/** Plays and compares whole folders: recordings of an engine, or rule dumps. */
import { readdirSync } from "node:fs";
import { compareRecording } from "./compare/compare";
import { play, reasonOf } from "./play/play";
import type { WorldOf } from "./play/world";
import { recordingsIn, type Recording } from "./recording";
import { resultOf, type ScenarioResult } from "./report";
import { compareRuleDumps, isRuleDumpFolder } from "./rule-dumps";

export interface Selection {
  /** A part of the scenario's name. */
  readonly only?: string;
}

/** The results of all scenarios in a folder, one after the other. */
export async function* playFolder(folder: string, worldOf: WorldOf, { only = "" }: Selection): AsyncGenerator<ScenarioResult> {
  if (readdirSync(folder).length === 0) throw new Error(`${folder}: expected recordings or rule dumps, found an empty folder`);
  for (const recording of recordingsIn(folder)) if (recording.scenario.includes(only)) yield await playScenario(recording, worldOf);
  if (isRuleDumpFolder(folder)) yield* ruleDumps(folder, only);
}

/** Rule dumps: one result per file. What is no dump is named. */
function* ruleDumps(folder: string, only: string): Generator<ScenarioResult> {
  const { results, skipped } = compareRuleDumps(folder);
  for (const result of results) if (result.name.includes(only)) yield { ...result, area: "rules", skipped: [] };
  if (skipped.length > 0) yield { name: folder, area: "rules", passed: 0, total: 0, skipped, differences: [] };
}

/** Whatever goes wrong in one scenario stays there: what could not be seen counts as different. */
export async function playScenario(recording: Recording, worldOf: WorldOf): Promise<ScenarioResult> {
  const { scenario, area } = recording;
  try {
    const world = await worldOf(recording);
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
