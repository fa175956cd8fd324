import { wellKnownPort, type ComposeProject, type ComposeService } from "../compose";
import { suggest } from "../compose/suggest";
import { SimulationError } from "../errors";
import type { Lab } from "../targets/node";
import type { Question } from "./reach-answer";

/** The machine that runs the project. */
const HOST = "host1";
const OUTSIDE = ["lan", "internet"];

/** Everybody asks every port that a service exposes, publishes or is known for, and every published port of the host. */
export function allQuestions(project: ComposeProject): Question[] {
  const services = project.services.filter(({ containers }) => containers.length > 0);
  const senders = allSenders(project);
  const targets = [...services.flatMap((service) => portsOf(service).map((port) => `${service.name}:${port}`)), ...services.flatMap(publishedTargets)];
  return [...new Set(targets)].flatMap((to) => senders.filter((from) => from !== to.split(":")[0]).map((from) => ({ from, to })));
}

/** The services, and the machines around them. */
export function allSenders({ services }: ComposeProject): string[] {
  const names = services.filter(({ containers }) => containers.length > 0).map(({ name }) => name);
  return [...names, ...[HOST, ...OUTSIDE].filter((name) => !names.includes(name))];
}

/** @throws SimulationError `NOT_FOUND` for a sender that is not there, before anything is simulated. */
export function checkSender(project: ComposeProject, from: string): void {
  const containers = project.services.flatMap((service) => service.containers.map(({ name }) => name));
  const known = [...allSenders(project), ...containers];
  // Machines of a swarm and tasks are known when they are there.
  if (known.includes(from) || /^(host\d*|gw)$/.test(from) || /[._]/.test(from)) return;
  throw new SimulationError("NOT_FOUND", `--from: expected a service, a container, ${HOST}, ${OUTSIDE.join(" or ")}, found ${JSON.stringify(from)}${suggest(from, known)}`);
}

function portsOf(service: ComposeService): string[] {
  const exposed = service.expose.filter(({ from, to }) => from === to).map(({ from, protocol }) => ({ port: from, protocol }));
  const published = service.ports.map(({ target, protocol }) => ({ port: target, protocol }));
  const known = [...exposed, ...published].filter(({ protocol }) => protocol !== "sctp");
  const usual = known.length === 0 ? wellKnownPort(service.image ?? service.name) : undefined;
  const all = usual === undefined ? known : [{ port: usual, protocol: "tcp" }];
  return [...new Set(all.map(({ port, protocol }) => (protocol === "tcp" ? `${port}` : `${port}/${protocol}`)))];
}

function publishedTargets({ ports }: ComposeService): string[] {
  return ports.flatMap(({ published, protocol }) => {
    if (published === undefined || published.from !== published.to || protocol === "sctp") return [];
    return [`${HOST}:${published.from}${protocol === "tcp" ? "" : `/${protocol}`}`];
  });
}

/** The first container of a service stands for it; in a swarm the first of its tasks, by its number or its node. */
export function resolveSender(project: ComposeProject, from: string, lab: Lab): string {
  const service = project.services.find(({ name }) => name === from);
  const full = `${project.name}_${from}`;
  const task = service && lab.describe().containers.find(({ name }) => name.startsWith(`${full}.`));
  if (task) {
    const [place = ""] = task.name.slice(full.length + 1).split(".");
    return `${full}.${/^\d+$/.test(place) ? place : task.host}`;
  }
  return service?.containers[0]?.name ?? (from === "host" ? HOST : from);
}

export function resolveTarget(project: ComposeProject, to: string): string {
  const isHost = /^host(:|$)/.test(to) && !project.services.some(({ name }) => name === "host");
  return isHost ? to.replace(/^host/, HOST) : to;
}
