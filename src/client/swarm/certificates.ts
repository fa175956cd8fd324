import { SimulationError } from "../../errors";
import { NONE, type Command } from "../command";
import { splitPair, type FlagSpec } from "../flags";
import { GoError, parseCsv } from "../go";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { readDuration } from "../values";
import { descriptionOf } from "./groups";
import { refuseOthers } from "./other-flags";
import { checkManager } from "./refused";

/** docker/cli cli/command/swarm/opts.go: parseExternalCA. */
function readExternalCa(text: string): string {
  const fields = parseCsv(text).map((field) => {
    if (!field.includes("=")) throw new GoError(`invalid field '${field}' must be a key=value pair`);
    const [key, value] = splitPair(field);
    const name = key.toLowerCase();
    if (name === "protocol" && value.toLowerCase() !== "cfssl") throw new GoError(`unrecognized external CA protocol ${value}`);
    if (name === "cacert") throw new GoError(`unable to read CA cert for external CA: open ${value}: no such file or directory`);
    return name;
  });
  if (!fields.includes("protocol")) throw new GoError("the external-ca option needs a protocol= parameter");
  if (!fields.includes("url")) throw new GoError("the external-ca option needs a url= parameter");
  return text;
}

export const EXTERNAL_CA: FlagSpec = { name: "external-ca", kind: "list", read: readExternalCa, about: ["external-ca", "Specifications of one or more certificate signing endpoints"], isUnsupported: true };

/** Simulated hosts have no files. */
function readPem(text: string): string {
  throw new GoError(`open ${text}: no such file or directory`);
}

/** What is set of a new root, in the order in which the client looks (docker/cli cli/command/swarm/ca.go). */
const OF_NEW_ROOT = ["ca-cert", "ca-key", "cert-expiry", "external-ca"];

/**
 * `docker swarm ca`.
 *
 * Differs from Docker: there are no certificates to show; a rotation is over at once.
 */
export const CERTIFICATES: Command = {
  path: "swarm ca",
  usage: "[OPTIONS]",
  short: descriptionOf("swarm ca"),
  count: NONE,
  flags: [
    { name: "ca-cert", kind: "text", read: readPem },
    { name: "ca-key", kind: "text", read: readPem },
    { name: "cert-expiry", kind: "text", read: readDuration },
    { name: "detach", short: "d", kind: "switch" },
    EXTERNAL_CA,
    { name: "quiet", short: "q", kind: "switch" },
    { name: "rotate", kind: "switch" },
  ],
  run(call) {
    const { daemon, flags } = call;
    checkManager(call);
    const early = flags.on("rotate") ? undefined : OF_NEW_ROOT.find((name) => flags.has(name));
    if (early !== undefined) throw new Failure(`\`--${early}\` flag requires the \`--rotate\` flag to update the CA`);
    refuseOthers(call);
    const showsRoot = !flags.on("rotate") || !(flags.on("detach") || flags.on("quiet"));
    if (showsRoot) throw new SimulationError("UNSUPPORTED", "docker swarm ca: the certificate of the root is not simulated: it can be rotated with --rotate --quiet, not shown");
    ask(() => daemon.swarm.rotateRoot());
  },
};
