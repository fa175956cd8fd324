export { DockerClient, type DockerClientOptions } from "./client";
export type { CommandOutcome } from "./outcome";
export type { ExecOptions, Programs } from "./programs";
export { splitWords } from "./words";
export type { StackFile, StackReader } from "./stack-file";
