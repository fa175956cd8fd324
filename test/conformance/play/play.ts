/** Does in the simulation what a recording says was done, and writes down what is seen there, in the recording's form. */
import type { Played } from "../compare/compare";
import { Names } from "../names";
import { isRecord, voidCommandOf, type CaptureStep, type DockerStep, type Json, type Recording, type Row, type RowsStep, type Step } from "../recording";
import type { World } from "./world";

/** What was seen, with the placeholders that are known when all is over. A step that cannot be played says why, and the next one is tried. */
export async function play(recording: Recording, world: World): Promise<Played[]> {
  const names = new Names(wordsOf(recording));
  const seen: Played[] = [];
  world.learnIds(names);
  const voidCommand = voidCommandOf(recording);
  for (const [index, step] of recording.steps.entries()) {
    if (index === voidCommand) {
      seen.push({ failed: "not played: its recorded answer is void" });
      continue;
    }
    try {
      seen.push({ step: await playStep(step, world, names) });
    } catch (error) {
      seen.push({ failed: reasonOf(error) });
    }
  }
  return names.replaceIn(seen as unknown as Json) as unknown as Played[];
}

export function reasonOf(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const place = name === "SimulationError" ? "" : ` (${/\n\s+at (.*)/.exec(stack ?? "")?.[1] ?? "nowhere"})`;
  return `${name}: ${message}${place}`;
}

/** What its commands say. */
function wordsOf({ steps }: Recording): string[] {
  return steps.flatMap((step): readonly Step[] => (step.op === "capture" ? step.during : [step])).flatMap((step) => (step.op === "docker" || step.op === "host" ? step.argv : []));
}

async function playStep(step: Step, world: World, names: Names): Promise<Step> {
  switch (step.op) {
    case "docker":
      return playDocker(step, world, names);
    case "host":
      return { ...step, ...(await world.command(step.host, step.argv.map((text) => names.resolve(text)))) };
    case "serve":
      await world.serve(step.host, step.listen);
      return step;
    case "observe":
      world.learnIds(names);
      return { op: "observe", label: step.label, ...(await observe(world, names)) };
    case "matrix":
    case "probe":
      return playRows(step, world, names, true);
    case "capture":
      return playCapture(step, world, names);
    case "restart-daemon":
      await world.restartDaemon(step.host);
      return step;
    case "wait-tasks":
      return { ...step, ...(await world.tasks(step.host, step.service, step.wanted)) };
    case "sleep":
      await world.sleep(step.secs);
      return step;
    default:
      throw new Error(`steps of the kind ${JSON.stringify((step as Step).op)} are not known`);
  }
}

async function playDocker(step: DockerStep, world: World, names: Names): Promise<DockerStep> {
  const argv = step.argv.map((text) => (text === "<swarm-token>" ? tokenOf(step, names) : names.resolve(text)));
  const drawn = drawnName(step);
  if (drawn !== undefined) world.nextName(step.host, drawn);
  const result = await world.docker(step.host, argv, names.resolve(step.stdin ?? ""));
  names.learnToken(result.stdout);
  if (argv[1] !== "exec" && argv[1] !== "logs") world.learnIds(names);
  return { ...step, ...result };
}

/** The token that was printed last; the recordings hide which one a command had, also where it was one that could not be, or one of before. */
function tokenOf({ stderr }: DockerStep, names: Names): string {
  if (stderr.endsWith("A valid join token is necessary to join this cluster")) return names.formerToken;
  return stderr.endsWith("invalid join token") ? "SWMTKN-1-0-0" : names.token;
}

/** The name that the engine drew for a container, where the recording shows it. */
function drawnName({ argv, host, stdout }: DockerStep): string | undefined {
  if ((argv[1] !== "run" && argv[1] !== "create") || argv.some((word) => /^--name(=|$)/.test(word))) return undefined;
  const [, owner, name] = /^<ctr:(\w+)\/([a-z]+_[a-z]+\d?)>$/.exec(stdout) ?? [];
  return owner === host ? name : undefined;
}

async function playRows(step: RowsStep, world: World, names: Names, twice: boolean): Promise<RowsStep> {
  const asked = step.rows.map((row) => ({ ...questionOf(row), to: names.resolve(row.to) }));
  return { op: step.op, label: step.label, rows: await world.probe(asked, twice) };
}

function questionOf({ from, proto, to, port, qtype, size }: Row): Row {
  return { from, proto, to, ...(port !== undefined && { port }), ...(qtype !== undefined && { qtype }), ...(size !== undefined && { size }) };
}

async function playCapture(step: CaptureStep, world: World, names: Names): Promise<CaptureStep> {
  const during: (DockerStep | RowsStep)[] = [];
  const taps = await world.capture(
    step.taps.map(({ tap }) => tap),
    step.bpf,
    async () => {
      for (const inner of step.during) {
        // What happens during a capture happens once.
        if (inner.op === "docker") during.push(await playDocker(inner, world, names));
        else during.push(await playRows(inner, world, names, false));
      }
    },
  );
  return { op: "capture", label: step.label, bpf: step.bpf, during, taps };
}

async function observe(world: World, names: Names): Promise<{ readonly hosts: Json; readonly containers: Json }> {
  const seen = await world.observe(names);
  learnEndpoints(seen, names);
  return seen;
}

/** Endpoints of containers by name, then those that the engine has for itself. */
function learnEndpoints({ hosts, containers }: { readonly hosts: Json; readonly containers: Json }, names: Names): void {
  const owners = new Map<string, string>();
  for (const [name, container] of sorted(containers)) {
    owners.set(String(container.id), TASK.test(name) ? (names.placeholderOf(String(container.id))?.replace(/^ctr:\w+\//, "") ?? name) : name);
    const settings = isRecord(container.NetworkSettings) ? container.NetworkSettings : {};
    for (const [network, endpoint] of sorted(settings.Networks ?? {})) if (endpoint.EndpointID) names.learnId(String(endpoint.EndpointID), `ep:${network}/${name}`);
  }
  for (const [name, host] of sorted(hosts)) {
    for (const network of Array.isArray(host.networks) ? (host.networks as Json[]).filter(isRecord) : []) {
      for (const [id, endpoint] of sorted(network.Containers ?? {})) {
        if (!endpoint.EndpointID) continue;
        const place = `${name}/${String(network.Name)}/${owners.get(id) ?? id}`;
        names.learnId(String(endpoint.EndpointID), `ep:${place}`);
        names.learnEndpointMac(place, String(endpoint.MacAddress), String(endpoint.IPv4Address).split("/")[0]!);
      }
    }
  }
}

/** Containers of services are called without the ID of their task. */
const TASK = /^[^.]+\.(\d+|[0-9a-z]{25})\.[0-9a-z]{25}$/;

function sorted(value: Json): [string, { readonly [key: string]: Json | undefined }][] {
  if (!isRecord(value)) return [];
  return Object.entries(value)
    .flatMap(([key, inner]): [string, { readonly [key: string]: Json | undefined }][] => (isRecord(inner) ? [[key, inner]] : []))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
