import type { Ids } from "./ids";

/** Two words, as moby's namesgenerator makes them of an adjective and a surname. */
export function nameNobodyHas(ids: Ids, isTaken: (name: string) => boolean): string {
  for (;;) {
    const drawn = Number.parseInt(ids.id("name").slice(0, 8), 16);
    const name = `${ADJECTIVES[drawn % ADJECTIVES.length]}_${SURNAMES[Math.floor(drawn / 256) % SURNAMES.length]}`;
    if (!isTaken(name)) return name;
  }
}

/** Words of ours: the daemon has longer lists. */
const ADJECTIVES = ["brave", "clever", "eager", "gifted", "happy", "jolly", "keen", "lucid", "nifty", "quirky", "serene", "vibrant"];
const SURNAMES = ["bohr", "curie", "dijkstra", "euler", "goodall", "hopper", "lovelace", "noether", "ritchie", "shannon", "turing", "wozniak"];

