import type { StoredFile } from "../../model/swarm/file-store";
import { Answer, textMap } from "../../model/inspect/answer";
import { CREATED } from "../../model/inspect/network";
import { atLeast, exactly, isOf29, NONE, type Command } from "../command";
import { humanDuration } from "../duration";
import { printList } from "../list";
import { compareNaturally } from "../natural-order";
import { Failure } from "../outcome";
import { ask, forEachName, notFoundOr } from "../refusals";
import { ListRow } from "../template/row";
import { filtersOf, hasLabel, readFilter, readLabel } from "../values";
import { descriptionOf } from "./groups";
import { refuseOthers } from "./other-flags";
import { printObjects } from "./print-objects";
import { checkFilters, checkManager } from "./refused";

type Kind = "secret" | "config";

/** docker/cli cli/command/secret, config. */
function commandsOf(kind: Kind): Command[] {
  return [createCommand(kind), inspectCommand(kind), listCommand(kind), removeCommand(kind)];
}

function createCommand(kind: Kind): Command {
  const path = `${kind} create`;
  return {
    path,
    usage: kind === "secret" ? "[OPTIONS] SECRET [file|-]" : "[OPTIONS] CONFIG file|-",
    short: descriptionOf(path),
    count: kind === "secret" ? { least: 1, most: 2 } : exactly(2),
    flags: [
      { name: "label", short: "l", kind: "list", read: readLabel },
      { name: "template-driver", kind: "text", isUnsupported: true },
      ...(kind === "secret" ? [{ name: "driver", short: "d", kind: "text" } as const] : []),
    ],
    run(call) {
      const { daemon, flags, args, stdin, output } = call;
      const [name = "", file = ""] = args;
      refuseOthers(call);
      if (flags.text("driver") !== "") {
        if (file !== "") throw new Failure("when using secret driver secret data must be empty");
        checkManager(call);
        // No simulated host has plugins.
        throw new Failure(`Error response from daemon: rpc error: code = Unknown desc = plugin ${JSON.stringify(flags.text("driver"))} not found`);
      }
      const data = isOf29(daemon) ? readFile(kind, file, stdin) : readFileOf2010(kind, file, stdin);
      output.line(ask(() => daemon.swarm.files(kind).create({ name, labels: flags.map("label"), data })).id);
    },
  };
}

/** Simulated hosts have no files. */
function readFile(kind: Kind, file: string, stdin: string): string {
  if (file === "-" && stdin !== "") return stdin;
  const missing = file === "" ? `${kind} file is required` : file === "-" ? "error reading from STDIN: data is empty" : `error reading from ${file}: open ${file}: no such file or directory`;
  throw new Failure(kind === "secret" ? missing : `error reading content from ${JSON.stringify(file)}: ${missing}`);
}

/** Leaves what is empty to the daemon. */
function readFileOf2010(kind: Kind, file: string, stdin: string): string {
  if (file === "-") return stdin;
  if (file === "") return "";
  const missing = `open ${file}: no such file or directory`;
  throw new Failure(kind === "secret" ? `Error reading content from ${JSON.stringify(file)}: ${missing}` : missing);
}

function listCommand(kind: Kind): Command {
  const path = `${kind} ls`;
  return {
    path,
    usage: "[OPTIONS]",
    short: descriptionOf(path),
    count: NONE,
    flags: [{ name: "filter", short: "f", kind: "list", read: readFilter }, { name: "format", kind: "text" }, { name: "quiet", short: "q", kind: "switch" }],
    run({ daemon, flags, output }) {
      const files = ask(() => daemon.swarm.files(kind)).list();
      const { now } = daemon.swarm;
      const filters = filtersOf(flags.all("filter"));
      checkFilters(filters, ["id", "name", "names", "label"]);
      const any = (name: string, matches: (wanted: string) => boolean) => filters.get(name)?.some(matches) ?? true;
      const passing = files.filter(({ id, name, labels }) => any("id", (wanted) => id.startsWith(wanted)) && any("name", (wanted) => name.startsWith(wanted)) && any("label", (wanted) => hasLabel(labels, wanted)));
      const rows = [...passing].sort((a, b) => compareNaturally(a.name, b.name)).map(({ id, name, labels, createdAt }) => {
        const age = `${humanDuration(now - createdAt)} ago`;
        const texts = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
        return new ListRow({ ID: id, Name: name, ...(kind === "secret" && { Driver: "" }), CreatedAt: age, UpdatedAt: age, Labels: texts.join(",") }, labels);
      });
      const driver = kind === "secret" ? "{{.Driver}}\t" : "";
      const table = `{{.ID}}\t{{.Name}}\t${driver}{{.CreatedAt}}\t{{.UpdatedAt}}`;
      const headings = { ID: "ID", Name: "NAME", Driver: "DRIVER", CreatedAt: "CREATED", UpdatedAt: "UPDATED", Labels: "LABELS" };
      printList({ type: `*${kind}.${kind}Context`, table, raw: table, quiet: "{{.ID}}", headings, rows, isOf29: isOf29(daemon) }, flags.text("format"), flags.on("quiet"), output);
    },
  };
}

function inspectCommand(kind: Kind): Command {
  const path = `${kind} inspect`;
  return {
    path,
    usage: `[OPTIONS] ${kind.toUpperCase()} [${kind.toUpperCase()}...]`,
    short: descriptionOf(path),
    count: atLeast(1),
    flags: [{ name: "format", short: "f", kind: "text" }, { name: "pretty", kind: "switch" }],
    run({ daemon, flags, args, output }) {
      const look = (name: string) => {
        const file = daemon.swarm.files(kind).get(name);
        return { answer: inspectFile(kind, file), pretty: prettyOf(kind, file) };
      };
      printObjects({ names: args, look, say: (name, error) => notFoundOr(kind, name, error), format: flags.text("format"), pretty: flags.on("pretty") }, output);
    },
  };
}

export function inspectFile(kind: Kind, { id, version, name, labels, data }: StoredFile): Answer {
  const content = kind === "config" ? [{ json: "Data", value: base64(data) }] : [];
  return new Answer([
    { json: "ID", value: id },
    { json: "Version", value: Answer.of({ Index: version }) },
    { json: "CreatedAt", value: CREATED },
    { json: "UpdatedAt", value: CREATED },
    { json: "Spec", value: new Answer([{ json: "Name", value: name }, { json: "Labels", value: textMap(labels) }, ...content]) },
  ]);
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function prettyOf(kind: Kind, { id, name, labels, data }: StoredFile): string {
  const created = CREATED.replace("T", " ").replace("Z", " +0000 utc");
  const names = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const gap = kind === "secret" ? "              " : "\t\t\t";
  const line = (label: string) => (kind === "secret" ? `${label.padEnd(19)}` : `${label.padEnd(23)}\t`);
  return [
    `ID:${gap}${id}`,
    `Name:${gap}${name}`,
    ...(names.length > 0 ? ["Labels:", ...names.map(([key, value]) => ` - ${key}${value === "" ? "" : `=${value}`}`)] : []),
    ...(kind === "secret" ? [`${"Driver:".padEnd(19)}`] : []),
    `${line("Created at:")}${created}`,
    `${line("Updated at:")}${created}`,
    ...(kind === "config" ? ["Data:", data] : []),
  ].join("\n");
}

function removeCommand(kind: Kind): Command {
  const path = `${kind} rm`;
  return {
    path,
    usage: `${kind.toUpperCase()} [${kind.toUpperCase()}...]`,
    short: descriptionOf(path),
    count: atLeast(1),
    flags: [],
    run(call) {
      const { daemon, args, output } = call;
      checkManager(call);
      forEachName(args, (name) => output.line(name), (name) => daemon.swarm.files(kind).remove(name), (name, error) => notFoundOr(kind, name, error));
    },
  };
}

export const FILE_VERBS: readonly Command[] = [...commandsOf("secret"), ...commandsOf("config")];

