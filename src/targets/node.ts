export * from "../index";
export { compareEngines, createEngine, docker, fromSpec } from "./bound";
