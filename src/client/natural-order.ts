/**
 * Order of names in which numbers count as numbers: `n2` before `n10` (fvbommel/sortorder, which the docker client sorts its lists with).
 */
export function compareNaturally(a: string, b: string): number {
  const [left, right] = [piecesOf(a), piecesOf(b)];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = comparePieces(left[index] ?? "", right[index] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function piecesOf(text: string): string[] {
  return text.match(/\d+|[^\d]/gu) ?? [];
}

function comparePieces(a: string, b: string): number {
  const [isNumber, isOtherNumber] = [/^\d/.test(a), /^\d/.test(b)];
  if (isNumber && isOtherNumber) {
    const difference = BigInt(a) - BigInt(b);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
    return a.length - b.length;
  }
  return (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);
}
