import { nameLayer } from "../compile/name-servers";
import { readDaemonFile } from "../model/daemon-file";
import { generation20 } from "../model/generation-20.10";
import { knowGeneration } from "../model/generations";
import { parseIptables } from "../model/firewall/parse";
import { runPing } from "./ping";
import { havePings } from "./ping-loader";
import { haveAtHand } from "./spec";

/** Where nothing has to be fetched, what reads rules and daemon.json of hosts, and every generation of Docker, is there from the start: all descriptions without a swarm can be compiled at once. */
export function haveAllAtHand(): void {
  knowGeneration(generation20);
  havePings(runPing);
  haveAtHand({ parseRules: parseIptables, readDaemon: readDaemonFile, names: nameLayer });
}
