import { NONE, type Command } from "../command";
import { splitPair, type FlagSpec } from "../flags";
import { GoError, parseCsv } from "../go";
import { Failure } from "../outcome";
import { ask } from "../refusals";
import { readDuration } from "../values";
import { descriptionOf } from "./groups";
import { refuseOthers } from "./other-flags";
import { checkManager } from "./refused";
import { loadRoots, rootOf } from "./tls-info";

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

/** What the client prints before it has asked how far a rotation is, where there is no terminal for bars (docker/cli cli/command/swarm/progress/root_rotation.go). */
const UNKNOWN_YET = ["desired root digest: ", "  rotated TLS certificates: ", "  rotated CA certificates:  "];
/** It asks every 200 ms, once more when the rotation is over. */
const PERIOD_NS = 200e6;

/**
 * `docker swarm ca`.
 *
 * Differs from Docker: a rotation is over at once, as all nodes get new certificates, also those that are gone.
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
  async run(call) {
    const { daemon, flags, output } = call;
    checkManager(call);
    const early = flags.on("rotate") ? undefined : OF_NEW_ROOT.find((name) => flags.has(name));
    if (early !== undefined) throw new Failure(`\`--${early}\` flag requires the \`--rotate\` flag to update the CA`);
    refuseOthers(call);
    if (flags.on("rotate")) {
      ask(() => daemon.swarm.rotateRoot());
      if (!flags.on("detach")) daemon.swarm.wait(PERIOD_NS);
      if (flags.on("detach") || flags.on("quiet")) return;
    }
    const { pem, sum } = rootOf(daemon, await loadRoots());
    if (flags.on("rotate")) output.line([...UNKNOWN_YET, `desired root digest: sha256:${sum}`].join("\n"));
    output.line(pem.trim());
  },
};
