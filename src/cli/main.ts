import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { SimulationError } from "../errors";
import { EXIT } from "./exit";
import { reachCommand } from "./reach";
import { runCommand } from "./run";
import { isColorful, styleFor } from "./terminal";

/**
 * The `dockwire` command.
 *
 * @param args what follows the command's name
 * @returns the exit code
 */
export async function main(args: readonly string[]): Promise<number> {
  let code: number = EXIT.ok;
  const program = new Command("dockwire")
    .description("Simulates Docker networking packet by packet, in virtual time, deterministically.")
    .version(readVersion(), "-V, --version", "print the version")
    .addCommand(runCommand((exitCode) => (code = exitCode)))
    .addCommand(reachCommand((exitCode) => (code = exitCode)))
    .addHelpText("after", `\n${EXAMPLES}`);
  for (const command of [program, ...program.commands]) configure(command);
  process.stdout.on("error", endOfReader);
  try {
    await program.parseAsync(args, { from: "user" });
    return code;
  } catch (error) {
    return report(error);
  }
}

/** The command is built into `dist/`, beside which the manifest lies. */
function readVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}

const EXAMPLES = `Examples:
  $ dockwire run                          the Compose file of this folder, with its override
  $ dockwire run shop/compose.yaml        another one
  $ dockwire run --for 30s --pcap out.pcapng
  $ dockwire reach --from web --to db:5432
  $ dockwire reach --from lan --to host1:8080 --why
  $ dockwire run --help                   all options`;

function configure(command: Command): void {
  const { title, name } = styleFor(process.stdout);
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      // Commander says "error: " before its sentence; all our messages are the bare sentence.
      outputError: (text, write) => write(withHint(text.replace(/^error: /, ""), command)),
      getOutHasColors: () => isColorful(process.stdout),
      getErrHasColors: () => isColorful(process.stderr),
    })
    .configureHelp({ styleTitle: title, styleCommandText: name, styleOptionTerm: name, styleSubcommandTerm: name });
}

/** Who meant something else finds what there is. */
function withHint(text: string, command: Command): string {
  const name = command.parent === null ? command.name() : `${command.parent.name()} ${command.name()}`;
  return /^unknown (command|option)/.test(text) && !text.includes("Did you mean") ? text.replace(/\n$/, `, see ${name} --help\n`) : text;
}

/** One message for what the caller can mend; a stack only for what is ours to mend. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.badInput;
  if (!(error instanceof SimulationError)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error.code === "ABORTED") return EXIT.interrupted;
  return error.code === "ENGINE_FAILED" || error.code === "WORKER_EXITED" || error.code === "CLOSED" ? EXIT.failed : EXIT.badInput;
}

/** A reader such as `head` may leave before the report ends. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
}
