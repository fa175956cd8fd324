import type { Cidr } from "../../net/cidr";
import type { UserCommand } from "./command";
import { MatchReader } from "./parse-match";
import { TargetReader } from "./parse-target";
import { readCidrs } from "./parse-values";
import { protocolName, protocolNumber } from "./protocol";
import { type Family, type Negatable, type Policy, type Rule, type TableName, TABLES } from "./rule";
import { refuseRule, type Word, WordReader } from "./words";

/** What a line is read with. */
export interface CommandContext {
  readonly family: Family;
  readonly table: TableName;
  /** The line, for explanations. */
  readonly text: string;
}

type Verb = "append" | "insert" | "delete" | "replace" | "check" | "new-chain" | "delete-chain" | "flush" | "policy";

const VERBS: Readonly<Record<string, Verb>> = {
  "-A": "append",
  "--append": "append",
  "-I": "insert",
  "--insert": "insert",
  "-D": "delete",
  "--delete": "delete",
  "-R": "replace",
  "--replace": "replace",
  "-C": "check",
  "--check": "check",
  "-N": "new-chain",
  "--new-chain": "new-chain",
  "-X": "delete-chain",
  "--delete-chain": "delete-chain",
  "-F": "flush",
  "--flush": "flush",
  "-P": "policy",
  "--policy": "policy",
};

const SHORT: Readonly<Record<string, string>> = {
  "--source": "-s",
  "--src": "-s",
  "--destination": "-d",
  "--dst": "-d",
  "--in-interface": "-i",
  "--out-interface": "-o",
  "--protocol": "-p",
  "--proto": "-p",
  "--match": "-m",
  "--jump": "-j",
  "--goto": "-g",
};

/** Linux uapi if.h: IFNAMSIZ without the terminating zero. */
const DEVICE_NAME_MAX = 15;

export function readTable(word: Word): TableName {
  const table = TABLES.find((name) => name === word.text);
  return table ?? refuseRule("INVALID_INPUT", `expected one of the tables ${TABLES.join(", ")}, found ${JSON.stringify(word.text)}`, word.position);
}

export function readPolicy(word: Word): Policy {
  if (word.text === "ACCEPT" || word.text === "DROP") return word.text;
  return refuseRule("INVALID_INPUT", `expected the policy ACCEPT or DROP, found ${JSON.stringify(word.text)}`, word.position);
}

/** Reads one call of iptables. Lists of addresses make several rules, as there. */
export function readCommand(line: readonly Word[], context: CommandContext): readonly UserCommand[] {
  return new CommandReader(line, context).read();
}

class CommandReader {
  readonly #reader: WordReader;
  readonly #family: Family;
  readonly #table: TableName;
  readonly #text: string;
  readonly #first: Word;
  readonly #matches: MatchReader;
  #verb: { readonly name: Verb; readonly word: Word } | undefined;
  #chain = "";
  #number: number | undefined;
  #policy: Policy | undefined;
  #target: TargetReader | undefined;
  #isGoto = false;
  #source: Negatable<readonly Cidr[]> | undefined;
  #destination: Negatable<readonly Cidr[]> | undefined;
  #inInterface: Negatable<string> | undefined;
  #outInterface: Negatable<string> | undefined;
  #protocol: Negatable<string> | undefined;

  constructor(line: readonly Word[], { family, table, text }: CommandContext) {
    const { words, tool, tableWord } = prepare(line);
    this.#first = line[0]!;
    this.#family = tool ?? family;
    this.#table = tableWord ? readTable(tableWord) : table;
    this.#text = text;
    this.#reader = new WordReader(words);
    this.#matches = new MatchReader(this.#family);
  }

  read(): readonly UserCommand[] {
    while (!this.#reader.done) {
      const first = this.#reader.take()!;
      const not = first.text === "!";
      const option = not ? this.#reader.take() : first;
      if (!option) refuseRule("INVALID_INPUT", `"!": expected a condition, found the end of the rule`, first.position);
      this.#option(option!, not);
    }
    return this.#finish();
  }

  #option(option: Word, not: boolean): void {
    const name = SHORT[option.text] ?? option.text;
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (verb) {
      if (not) this.#fail(option, `${option.text}: cannot be turned round with "!"`);
      this.#command(verb, option);
    } else if (!this.#header(name, option, not)) this.#extension(option, not);
  }

  #command(name: Verb, word: Word): void {
    if (this.#verb) this.#fail(word, `${word.text}: only one command at a time, found ${this.#verb.word.text} before`);
    this.#verb = { name, word };
    if (name === "flush" || name === "delete-chain") {
      if (this.#reader.hasValue()) this.#chain = this.#reader.take()!.text;
      return;
    }
    this.#chain = this.#reader.value(word, "a chain").text;
    if (name === "policy") this.#policy = readPolicy(this.#reader.value(word, "a policy"));
    if ((name === "insert" || name === "delete" || name === "replace") && this.#reader.hasValue()) {
      const number = this.#reader.take()!;
      if (!/^[1-9]\d*$/.test(number.text)) this.#fail(number, `expected the number of a rule, found ${JSON.stringify(number.text)}`);
      this.#number = Number(number.text);
    }
  }

  #header(name: string, option: Word, not: boolean): boolean {
    const value = (expected: string) => this.#reader.value(option, expected);
    switch (name) {
      case "-s":
        this.#source = this.#once(option, this.#source, { value: readCidrs(value("an address"), this.#family), not });
        break;
      case "-d":
        this.#destination = this.#once(option, this.#destination, { value: readCidrs(value("an address"), this.#family), not });
        break;
      case "-i":
        this.#inInterface = this.#once(option, this.#inInterface, { value: this.#device(value("a device")), not });
        break;
      case "-o":
        this.#outInterface = this.#once(option, this.#outInterface, { value: this.#device(value("a device")), not });
        break;
      case "-p":
        this.#protocol = this.#once(option, this.#protocol, { value: this.#protocolOf(value("a protocol")), not });
        break;
      case "-m":
        this.#matches.load(value("a match"));
        break;
      case "-j":
      case "-g":
        if (this.#target) this.#fail(option, `${option.text}: a rule has one target`);
        this.#target = new TargetReader(value("a target"), { family: this.#family, table: this.#table, chain: this.#chain });
        this.#isGoto = name === "-g";
        break;
      case "-c":
      case "--set-counters":
        value("a number of packets");
        value("a number of bytes");
        break;
      default:
        return false;
    }
    return true;
  }

  #extension(option: Word, not: boolean): void {
    const protocol = this.#protocol && !this.#protocol.not ? this.#protocol.value : undefined;
    if (this.#target?.option(this.#reader, option, not) || this.#matches.option(this.#reader, option, not, protocol)) return;
    const owner = MatchReader.ownerOf(option.text);
    const hint = owner ? `: it belongs to -m ${owner}${owner === "tcp" || owner === "udp" ? " (or another protocol with -p)" : ""}, which the rule does not have` : "";
    this.#fail(option, option.text.startsWith("-") ? `unknown option "${option.text}"${hint}` : `expected an option, found ${JSON.stringify(option.text)}`);
  }

  #finish(): readonly UserCommand[] {
    const verb = this.#verb ?? this.#fail(this.#first, "expected a command such as -A CHAIN or -I CHAIN");
    const place = { family: this.#family, table: this.#table, chain: this.#chain, position: this.#first.position };
    switch (verb.name) {
      case "policy":
        return [{ ...place, command: "policy", policy: this.#policy! }];
      case "flush":
        return [{ ...place, command: this.#chain === "" ? "flush-table" : "flush" }];
      case "delete-chain":
        return [{ ...place, command: this.#chain === "" ? "delete-chains" : "delete-chain" }];
      case "new-chain":
        return [{ ...place, command: "new-chain" }];
      case "replace":
        if (this.#number === undefined) this.#fail(verb.word, `${verb.word.text}: expected the number of a rule`);
        return this.#rules().map((rule) => ({ ...place, command: "replace", number: this.#number!, rule }));
      case "insert":
        return this.#rules().map((rule) => ({ ...place, command: "insert", number: this.#number ?? 1, rule }));
      case "delete":
        if (this.#number !== undefined) return [{ ...place, command: "delete-number", number: this.#number }];
        return this.#rules().map((rule) => ({ ...place, command: "delete", rule }));
      case "append":
      case "check":
        return this.#rules().map((rule) => ({ ...place, command: verb.name as "append" | "check", rule }));
    }
  }

  #rules(): readonly Rule[] {
    this.#checkDevices();
    const target = this.#target?.finish() ?? { target: "CONTINUE" };
    const rest = {
      ...(this.#inInterface && { inInterface: this.#inInterface }),
      ...(this.#outInterface && { outInterface: this.#outInterface }),
      ...(this.#protocol && this.#protocol.value !== "all" && { protocol: this.#protocol }),
      matches: this.#matches.finish(this.#protocol),
      target: this.#isGoto && target.target === "JUMP" ? { target: "GOTO" as const, chain: target.chain } : target,
      cause: { kind: "user" as const, text: this.#text, position: this.#first.position },
    };
    const each = (list: Negatable<readonly Cidr[]> | undefined) => list?.value.map((value) => ({ value, not: list.not })) ?? [undefined];
    if ((this.#source?.not && this.#source.value.length > 1) || (this.#destination?.not && this.#destination.value.length > 1)) {
      this.#fail(this.#first, `"!" cannot turn a list of addresses round`);
    }
    return each(this.#source).flatMap((source) =>
      each(this.#destination).map((destination) => ({ ...(source && { source }), ...(destination && { destination }), ...rest })),
    );
  }

  /** What the kernel's hooks know: an outgoing packet has no device that it came by. */
  #checkDevices(): void {
    if (this.#inInterface && (this.#chain === "OUTPUT" || this.#chain === "POSTROUTING")) this.#fail(this.#first, `Can't use -i with ${this.#chain}`);
    if (this.#outInterface && (this.#chain === "INPUT" || this.#chain === "PREROUTING")) this.#fail(this.#first, `Can't use -o with ${this.#chain}`);
  }

  #device({ text, position }: Word): string {
    if (text.length <= DEVICE_NAME_MAX && text !== "") return text;
    return refuseRule("INVALID_INPUT", `expected the name of a device, of at most ${DEVICE_NAME_MAX} characters, found ${JSON.stringify(text)}`, position);
  }

  #protocolOf(word: Word): string {
    const number = protocolNumber(word.text);
    if (number === undefined) refuseRule("INVALID_INPUT", `unknown protocol ${JSON.stringify(word.text)}`, word.position);
    return number === 0 ? "all" : protocolName(number!);
  }

  #once<T>(option: Word, before: T | undefined, value: T): T {
    if (before !== undefined) this.#fail(option, `${option.text}: given twice`);
    return value;
  }

  #fail(word: Word, sentence: string): never {
    return refuseRule("INVALID_INPUT", sentence, word.position);
  }
}

interface Prepared {
  readonly words: readonly Word[];
  readonly tool: Family | undefined;
  readonly tableWord: Word | undefined;
}

/** Takes off what is no rule: `sudo iptables`, `-t TABLE`, `--wait`; parts `--option=value`. */
function prepare(line: readonly Word[]): Prepared {
  const words: Word[] = [];
  let [tool, tableWord]: [Family | undefined, Word | undefined] = [undefined, undefined];
  for (let index = 0; index < line.length; index++) {
    const word = line[index]!;
    const { text } = word;
    const [, six] = /^(?:.*\/)?ip(6?)tables(?:-nft|-legacy)?$/.exec(text) ?? [];
    if (words.length === 0 && tool === undefined && (text === "sudo" || six !== undefined)) {
      if (six !== undefined) tool = six === "6" ? 6 : 4;
    } else if (text === "-t" || text === "--table") {
      tableWord = line[++index] ?? refuseRule("INVALID_INPUT", `${text}: expected a table, found the end of the rule`, word.position);
    } else if (text === "-w" || text === "--wait") {
      if (/^\d+$/.test(line[index + 1]?.text ?? "")) index++;
    } else if (/^--[\w-]+=/.test(text)) {
      const at = text.indexOf("=");
      const { file, line: row, column } = word.position;
      if (text.startsWith("--table=")) tableWord = { text: text.slice(at + 1), position: word.position };
      else if (!text.startsWith("--wait=")) {
        words.push({ text: text.slice(0, at), position: word.position }, { text: text.slice(at + 1), position: { file, line: row, column: column + at + 1 } });
      }
    } else words.push(word);
  }
  return { words, tool, tableWord };
}
