/**
 * `, did you mean "backend"?` for the candidate that is a slip away from `name`, or nothing.
 *
 * @example suggest("bakc", ["front", "back"]) // `, did you mean "back"?`
 */
export function suggest(name: string, candidates: Iterable<string>): string {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= tolerance(name, candidate) && (!best || distance < best.distance)) best = { candidate, distance };
  }
  return best ? `, did you mean ${JSON.stringify(best.candidate)}?` : "";
}

/** Two slips in a word of ordinary length, one in a short one. */
function tolerance(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  return length <= 3 ? 1 : length <= 7 ? 2 : 3;
}

/** Optimal string alignment: insertions, deletions, replacements and swaps of neighbours count one each. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(substitution, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
