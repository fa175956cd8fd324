/** What a command of the docker client left behind. Both texts end with a line break, as on a terminal, unless they are empty. */
export interface CommandOutcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Ends a command: a line on stderr, if there is one to say, and an exit code. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exit: number;

  constructor(message: string, exit = 1) {
    super(message);
    this.exit = exit;
  }
}

/** What a command prints while it runs. */
export class Output {
  stdout = "";
  stderr = "";

  /** A line on stdout. */
  line(text: string): void {
    this.stdout += `${text}\n`;
  }

  /** A line on stderr. */
  warn(text: string): void {
    this.stderr += `${text}\n`;
  }
}
