/** A shell that runs commands one after the other, joined by `;`, `&&` or `||`. */
import { splitWords } from "../client";
import { printed, type Program, type ProgramResult, UnknownProgram } from "./process";

/** `sh -c SCRIPT` for what `run` can run; without a script it finds no input and ends. */
export function shellOf(run: Program): Program {
  return async (process, argv) => {
    const script = withoutAmpersands(argv[1] === "-c" ? (argv[2] ?? "") : "");
    if (/(^|[^&])&([^&]|$)/.test(script)) throw new UnknownProgram(`expected commands joined by ;, &&, || or |, found ${JSON.stringify(script)}`);
    let result = printed([]);
    for (const [, joint, text] of `;${script}`.matchAll(/(;|&&|\|\|)((?:[^;&|]|\|(?!\|))*)/g)) {
      const isSkipped = (joint === "&&" && result.exit !== 0) || (joint === "||" && result.exit === 0);
      const [first = "", ...filters] = pipeline(text ?? "");
      const words = splitWords(first);
      if (isSkipped || words.length === 0) continue;
      if (words[0] === "exit") return { ...result, exit: Number(words[1] ?? result.exit) };
      const { command, redirect } = redirected(words);
      const { exit, stdout, stderr } = filters.reduce((before, filter) => filtered(before, splitWords(filter)), redirect(await run(process, command)));
      result = { exit, stdout: result.stdout + stdout, stderr: result.stderr + stderr };
    }
    return result;
  };
}

/** `2>&1` and `&>` hold no joint: they become `2>1` and `0>`. */
function withoutAmpersands(script: string): string {
  return script.replace(/(\d?)>&(\d)/g, (_, from: string, to: string) => `${from === "" ? "1" : from}>${to}`).replace(/&>/g, " 0>");
}

/** The command without its redirections, which take effect one after the other; what goes into a file is seen no more. */
function redirected(words: readonly string[]): { readonly command: readonly string[]; redirect(result: ProgramResult): ProgramResult } {
  const command: string[] = [];
  let [out, err] = ["stdout", "stderr"];
  for (let at = 0; at < words.length; at++) {
    const [whole, number = "", file = ""] = /^(\d?)>>?(.*)$/.exec(words[at]!) ?? [];
    if (whole === undefined) {
      command.push(words[at]!);
      continue;
    }
    const target = file === "" ? (words[++at] ?? "") : file;
    const goal = target === "1" ? out : target === "2" ? err : "a file";
    if (number !== "2") out = goal;
    if (number === "2" || number === "0") err = goal;
  }
  const seen = (goal: string) => (result: ProgramResult) => (out === goal ? result.stdout : "") + (err === goal ? result.stderr : "");
  return { command, redirect: (result) => ({ exit: result.exit, stdout: seen("stdout")(result), stderr: seen("stderr")(result) }) };
}

/** Commands joined by `|`, which a quotation may hold as well. */
function pipeline(text: string): string[] {
  return text.match(/(?:[^|"']|"[^"]*"|'[^']*')+/g) ?? [];
}

/** What reads what another one has printed: grep, head, tail, wc -l, cat. */
function filtered({ stdout, stderr }: ProgramResult, [name = "", ...words]: readonly string[]): ProgramResult {
  const lines = stdout.split("\n").slice(0, -1);
  const has = (letter: string) => words.some((word) => /^-[a-zA-Z]+$/.test(word) && word.includes(letter));
  const [pattern = ""] = words.filter((word) => !word.startsWith("-"));
  const count = Number(words.join(" ").match(/\d+/)?.[0] ?? "10");
  switch (name) {
    case "grep": {
      const wanted = new RegExp(pattern, has("i") ? "i" : "");
      const found = lines.filter((line) => wanted.test(line) !== has("v"));
      const shown = has("q") ? [] : has("c") ? [String(found.length)] : found;
      return { ...printed(shown, found.length > 0 ? 0 : 1), stderr };
    }
    case "head":
      return { ...printed(lines.slice(0, count)), stderr };
    case "tail":
      return { ...printed(lines.slice(-count)), stderr };
    case "wc":
      return { ...printed([String(lines.length)]), stderr };
    case "cat":
      return { ...printed(lines), stderr };
    default:
      throw new UnknownProgram(`expected grep, head, tail, wc or cat behind |, found ${JSON.stringify(name)}`);
  }
}
