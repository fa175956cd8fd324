/** One line that a container's first process has printed. */
export interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

/** What was printed, by line. Differs from Docker: who prints to both is taken to have printed to stdout first. */
export function linesOf(printed: { readonly stdout: string; readonly stderr: string }): LogLine[] {
  return (["stdout", "stderr"] as const).flatMap((stream) => printed[stream].split("\n").slice(0, -1).map((line) => ({ stream, line })));
}
