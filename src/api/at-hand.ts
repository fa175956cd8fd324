import { readDaemonFile } from "../model/daemon-file";
import { parseIptables } from "../model/firewall/parse";
import { haveAtHand } from "./spec";

/** Where nothing has to be fetched, what reads rules and daemon.json of hosts is there from the start: descriptions with them can be compiled at once. */
export function haveReadersAtHand(): void {
  haveAtHand({ parseRules: parseIptables, readDaemon: readDaemonFile });
}
