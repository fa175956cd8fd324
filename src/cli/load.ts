import { type Command, Option } from "commander";
import { loadCompose, MOST_NODES, type ComposeProject } from "../compose";
import { SimulationError } from "../errors";
import type { DockerTopology, Lab, StartOptions } from "../targets/node";
import { readFile, readProjectFiles } from "./files";

/** How a project is found and read. */
export interface ProjectFlags {
  readonly profile: readonly string[];
  readonly envFile: readonly string[];
  readonly projectName?: string;
}

/** Collects an option that may be given several times. */
export function several(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Gives a command the options that `load` follows. */
export function projectOptions(command: Command): Command {
  return command
    .addOption(new Option("--profile <name>", "enable a profile; may be given several times").argParser(several).default([], "none"))
    .addOption(new Option("-e, --env-file <file>", "read variables from this file instead of .env; may be given several times").argParser(several).default([], "none"))
    .addOption(new Option("-p, --project-name <name>", "name of the project (default: name: in the file, or the folder)"));
}

/** `--nodes`: what `docker stack deploy` makes of the file on a swarm. */
export function nodesOption(): Option {
  return new Option("--nodes <number>", "deploy it as a stack on a swarm of so many machines, host1 its manager (default: x-dockwire.nodes, or one machine without a swarm)");
}

export function readNodes(text: string | undefined): { readonly nodes?: number } {
  if (text === undefined) return {};
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= MOST_NODES) return { nodes: count };
  throw new SimulationError("INVALID_INPUT", `--nodes: expected a whole number from 1 to ${MOST_NODES}, found ${JSON.stringify(text)}`);
}

/** @throws SimulationError with file, line and column for what is wrong. */
export function load(files: readonly string[], flags: ProjectFlags & { readonly nodes?: string }): ComposeProject {
  const { first, overrides, folderName } = readProjectFiles(files);
  return loadCompose(first, {
    overrides,
    readFile,
    env: process.env,
    defaultProjectName: folderName,
    isStack: flags.nodes !== undefined,
    ...(flags.projectName !== undefined && { projectName: flags.projectName }),
    ...(flags.profile.length > 0 && { profiles: flags.profile }),
    ...(flags.envFile.length > 0 && { envFiles: flags.envFile.map(readEnvFile) }),
  });
}

/**
 * Starts a project.
 *
 * @throws SimulationError with what helps, where a file that was written for a swarm is run on one machine.
 */
export async function startProject(project: ComposeProject, topology: DockerTopology, options: StartOptions): Promise<Lab> {
  try {
    return await topology.start(options);
  } catch (error) {
    const hasReplicas = topology.spec.swarm === undefined && project.services.some(({ containers, ports }) => containers.length > 1 && ports.some(({ published }) => published !== undefined));
    if (!(error instanceof SimulationError) || !hasReplicas || !/port is already allocated|address already in use/.test(error.message)) throw error;
    throw new SimulationError(error.code, `${error.message}; replicas on one machine cannot share a port: --nodes deploys the file as a stack, whose routing mesh lets them`);
  }
}

function readEnvFile(file: string): { file: string; text: string } {
  const text = readFile(file);
  if (text === undefined) throw new SimulationError("NOT_FOUND", `--env-file: expected a file, found nothing at ${JSON.stringify(file)}`);
  return { file, text };
}
