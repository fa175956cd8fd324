import { SimulationError } from "../../errors";
import type { ClusterService } from "../../model/swarm/objects";
import { updatePolicyOf } from "../../model/swarm/service-spec";
import { isUpToDate } from "../../model/swarm/up-to-date";
import type { Call } from "../command";

/** docker/cli cli/command/service/progress: maxProgressBars. */
const MOST_BARS = 20;
const SECOND = 1e9;
/** How long the client is let wait. */
const PATIENCE_NS = 600e9;

/**
 * Waits until a service has what it asks for, and prints how far it is (docker/cli cli/command/service/progress). The clock of the
 * swarms moves on meanwhile.
 *
 * Differs from Docker: a line is printed when something has changed, not every 200 ms.
 */
export function showProgress({ command, daemon, flags, output }: Call, service: ClusterService): void {
  if (flags.on("detach") || flags.on("quiet")) {
    if (flags.on("quiet") && !flags.on("detach")) waitFor(daemon, service, command.path);
    return;
  }
  if (service.updateStatus?.state.startsWith("rollback") === true) output.line(`rollback: ${service.updateStatus.message}`);
  const wanted = wantedOf(daemon, service);
  output.line(overall(service, 0, wanted));
  if (wanted > 0 && wanted <= MOST_BARS) for (let bar = 1; bar <= wanted; bar++) output.line(`${bar}/${wanted}:  `);
  let shown = overall(service, 0, wanted);
  const end = daemon.swarm.now + PATIENCE_NS;
  while (!hasConverged(daemon, service)) {
    if (daemon.swarm.now >= end) throw endless(command.path);
    daemon.swarm.wait(SECOND);
    const line = overall(service, upToDate(daemon, service), wantedOf(daemon, service));
    if (line !== shown) output.line(line);
    shown = line;
  }
  const line = overall(service, upToDate(daemon, service), wantedOf(daemon, service));
  if (line !== shown) output.line(line);
  if (service.spec.job) {
    output.line("job complete");
    return;
  }
  for (let left = monitorOf(service); left > 0; left--) {
    output.line(`verify: Waiting ${left} seconds to verify that tasks are stable...`);
    daemon.swarm.wait(SECOND);
  }
  output.line("verify: Service converged");
  if (service.updateStatus?.state === "rollback_completed") output.line(`rollback: ${service.updateStatus.message}`);
}

function endless(path: string): SimulationError {
  return new SimulationError("UNSUPPORTED", `docker ${path}: the tasks do not get stable, and the client would wait on; with --detach it does not wait`);
}

function waitFor(daemon: Call["daemon"], service: ClusterService, path: string): void {
  daemon.swarm.wait(PATIENCE_NS, () => hasConverged(daemon, service));
  if (!hasConverged(daemon, service)) throw endless(path);
  daemon.swarm.wait(monitorOf(service) * SECOND);
}

function monitorOf({ spec }: ClusterService): number {
  return Math.ceil(updatePolicyOf(spec.update).monitor / SECOND);
}

function overall(service: ClusterService, running: number, wanted: number): string {
  if (service.spec.job) return `active tasks: ${running} out of ${wanted} tasks`;
  const isRollback = service.updateStatus?.state.startsWith("rollback") === true;
  return `overall progress: ${isRollback ? "rolling back update: " : ""}${running} out of ${wanted} tasks`;
}

function wantedOf(daemon: Call["daemon"], service: ClusterService): number {
  return service.spec.replicas ?? daemon.swarm.tasksOf(service).filter(({ isLive }) => isLive).length;
}

function upToDate(daemon: Call["daemon"], service: ClusterService): number {
  return daemon.swarm.tasksOf(service).filter((task) => task.isLive && task.isRunning && isUpToDate(task, service)).length;
}

function hasConverged(daemon: Call["daemon"], service: ClusterService): boolean {
  const tasks = daemon.swarm.tasksOf(service);
  const { replicas, job } = service.spec;
  if (job) return tasks.every(({ isLive }) => !isLive) && (replicas === undefined || tasks.filter(({ state }) => state === "complete").length >= replicas);
  const running = tasks.filter(({ isLive, isRunning }) => isLive && isRunning).length;
  const isReplacing = tasks.some(({ wanted, hasEnded }) => wanted === "shutdown" && !hasEnded);
  const isWaiting = tasks.some(({ isLive, isRunning }) => isLive && !isRunning);
  const status = service.updateStatus?.state;
  return !isReplacing && !isWaiting && (replicas === undefined || running === replicas) && (status === undefined || isSettled(daemon, service));
}

/** Every task is of the new kind, or the update has come to its end. */
function isSettled(daemon: Call["daemon"], service: ClusterService): boolean {
  const status = service.updateStatus?.state;
  if (status !== "updating" && status !== "rollback_started") return true;
  return daemon.swarm.tasksOf(service).every((task) => !task.isLive || isUpToDate(task, service));
}
