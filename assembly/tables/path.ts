/**
 * Ways through the chains of a hook: which rules matched, and what came of it. Packets of one connection take the same way again
 * and again; it is written down once, each packet counts one, and the rules' own counters are settled when somebody asks. Key: the
 * rules and the outcome. Capacity: PATHS; when they or their rules fill the table, all are forgotten.
 */
import { countRule } from "./ruleset";

/** Rules of the way in progress. */
const MATCHED_MAX: u32 = 64;
const MATCHED = memory.data(64 * 4, 16);
let matched: u32 = 0;
/** More rules matched than a path has room for. */
let isLong: bool = false;

@unmanaged
export class Path {
  hits: f64;
  hash: u32;
  /** 0: it accepts. */
  drops: u32;
  /** What the packet's mark is at its end. */
  mark: u32;
  /** Where its rules are, u32 addresses. */
  first: u32;
  count: u32;
}

const PATH_BYTES: usize = 32;
const PATHS: u32 = 4096;
const PLACES: u32 = 8192;
const RULES: u32 = 65536;
const PATH_TABLE = memory.data(4096 * 32, 16);
/** Path number + 1 by hash. */
const INDEX = memory.data(8192 * 4, 16);
const RULE_LIST = memory.data(65536 * 4, 16);

let paths: u32 = 0;
let ruleEnd: u32 = 0;
/** Verdicts of another generation point nowhere. */
export let pathGeneration: u32 = 1;

export function startPath(): void {
  matched = 0;
  isLong = false;
}

@inline export function notePath(rule: usize): void {
  if (matched == MATCHED_MAX) {
    isLong = true;
    return;
  }
  store<u32>(MATCHED + (<usize>matched << 2), <u32>rule);
  matched++;
}

@inline function pathAt(index: u32): Path {
  return changetype<Path>(PATH_TABLE + <usize>index * PATH_BYTES);
}

/** The path of the rules noted since `startPath`, or null: it is too long. */
export function internPath(drops: bool, mark: u32): Path {
  if (offsetof<Path>() > PATH_BYTES) ERROR("Path outgrew its stride");
  if (isLong) return changetype<Path>(0);
  let hash: u32 = (<u32>drops + 1) ^ (mark * 0x9e3779b1);
  for (let index: usize = 0; index < matched; index++) hash = rotl<u32>((hash ^ load<u32>(MATCHED + (index << 2))) * 0x9e3779b1, 15);
  let place = hash & (PLACES - 1);
  while (true) {
    const index = load<u32>(INDEX + (<usize>place << 2));
    if (index == 0) break;
    if (isSame(pathAt(index - 1), hash, drops, mark)) return pathAt(index - 1);
    place = (place + 1) & (PLACES - 1);
  }
  if (paths == PATHS || ruleEnd + matched > RULES) {
    settlePaths();
    forgetPaths();
    place = hash & (PLACES - 1);
  }
  const path = pathAt(paths++);
  store<u32>(INDEX + (<usize>place << 2), paths);
  path.hits = 0;
  path.hash = hash;
  path.drops = <u32>drops;
  path.mark = mark;
  path.first = <u32>RULE_LIST + (ruleEnd << 2);
  path.count = matched;
  memory.copy(<usize>path.first, MATCHED, <usize>matched << 2);
  ruleEnd += matched;
  return path;
}

function isSame(path: Path, hash: u32, drops: bool, mark: u32): bool {
  if (path.hash != hash || path.drops != <u32>drops || path.mark != mark || path.count != matched) return false;
  for (let index: usize = 0; index < matched; index++) {
    if (load<u32>(MATCHED + (index << 2)) != load<u32>(<usize>path.first + (index << 2))) return false;
  }
  return true;
}

/** Adds what paths have counted to the counters of their rules. */
export function settlePaths(): void {
  for (let index: u32 = 0; index < paths; index++) {
    const path = pathAt(index);
    if (path.hits == 0) continue;
    for (let rule: usize = 0; rule < path.count; rule++) countRule(<usize>load<u32>(<usize>path.first + (rule << 2)), path.hits);
    path.hits = 0;
  }
}

export function forgetPaths(): void {
  pathGeneration++;
  paths = 0;
  ruleEnd = 0;
  memory.fill(INDEX, 0, PLACES * 4);
}
