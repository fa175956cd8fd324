import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with files in it, where the command is run as somebody would at a prompt. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), "dockwire-cli-"));

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  run(...args: string[]): Promise<Outcome> {
    return this.start(args).outcome;
  }

  /** The running command, to be interrupted. */
  start(args: readonly string[], { cwd = this.folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {}) {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(COMPOSE_|FORCE_COLOR$|NO_COLOR$)/.test(name)));
    const child = spawn(process.execPath, [CLI, ...args], { cwd, env: { ...clean, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk));
    const outcome = new Promise<Outcome>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
    return { child, outcome };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
