import { haveAllAtHand } from "../api/at-hand";

export * from "../index";
export { compareEngines, createEngine, docker, encryptionCost, fromSpec, swarm } from "./bound";

// In this file and no other: package.json names it as the one with side effects, and bundlers leave those of others out.
haveAllAtHand();
