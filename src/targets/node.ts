import { haveAllAtHand } from "../api/at-hand";

export * from "../index";
export { compareEngines, createEngine, docker, encryptionCost, fromSpec, swarm } from "./bound";

haveAllAtHand();
