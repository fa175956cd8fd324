/** What the command's exit codes mean. */
export const EXIT = {
  /** It ran, and every traffic arrived somehow. */
  ok: 0,
  /** It ran, and something failed: see `findProblems`. Also when the engine itself failed. */
  failed: 1,
  /** The file, an option or a path is wrong; nothing was simulated. */
  badInput: 2,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
} as const;
