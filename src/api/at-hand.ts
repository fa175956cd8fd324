import { parseIptables } from "../model/firewall/parse";
import { haveAtHand } from "./spec";

/** Where nothing has to be fetched, what reads rules of hosts' users is there from the start: descriptions with rules can be compiled at once. */
export function haveRulesAtHand(): void {
  haveAtHand({ parseRules: parseIptables });
}
