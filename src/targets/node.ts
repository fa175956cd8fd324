export * from "../index";
export { compareEngines, createEngine, docker, fromSpec, swarm } from "./bound";
