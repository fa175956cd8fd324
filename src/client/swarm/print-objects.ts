import type { Answer } from "../../model/inspect/answer";
import { printInspected, type GoTypes } from "../inspector";
import { Failure, type Output } from "../outcome";

/** What a swarm has, as an `inspect` of it shows it. */
export interface SwarmObject {
  readonly answer: Answer;
  /** With `--pretty`. */
  readonly pretty: string;
}

export interface ObjectPrint {
  readonly names: readonly string[];
  readonly look: (name: string) => SwarmObject;
  /** Why there is none. */
  readonly say: (name: string, error: unknown) => string;
  readonly format: string;
  readonly pretty: boolean;
  /** Of the client of Docker 20.10, which does not keep the JSON of these objects; that of Docker 29 does. */
  readonly types?: GoTypes | undefined;
}

/**
 * Prints objects of a swarm; the client wraps what went wrong in words of its own (docker/cli cli.StatusError).
 *
 * @throws Failure with every refusal.
 */
export function printObjects({ names, look, say, format, pretty, types }: ObjectPrint, output: Output): void {
  if (pretty && format !== "") throw new Failure("--format is incompatible with human friendly format");
  try {
    if (pretty) printPretty(names, look, say, output);
    else printInspected(names, (name) => attempt(look, say, name, ({ answer }) => ({ answer })), format, output, false, types);
  } catch (error) {
    if (!(error instanceof Failure) || error.exit !== 1) throw error;
    throw new Failure(`Status: ${error.message}, Code: 1`);
  }
}

function printPretty(names: readonly string[], look: ObjectPrint["look"], say: ObjectPrint["say"], output: Output): void {
  const seen = names.map((name) => attempt(look, say, name, ({ pretty }) => ({ text: pretty })));
  for (const object of seen) if ("text" in object) output.line(object.text);
  const refusals = seen.flatMap((object) => ("refusal" in object ? [object.refusal] : []));
  if (refusals.length > 0) throw new Failure(refusals.join("\n"));
}

function attempt<T>(look: ObjectPrint["look"], say: ObjectPrint["say"], name: string, use: (object: SwarmObject) => T): T | { readonly refusal: string } {
  try {
    return use(look(name));
  } catch (error) {
    return { refusal: say(name, error) };
  }
}
