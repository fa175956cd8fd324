/** The machines of every scenario: hosts with an engine, `gw`, `lan`, `inet`, and what the images hold. */
import { BUSYBOX } from "../../../src/client/busybox";
import type { ImageContents, ImageSpec } from "../../../src/model/spec";

/** The name server, on `inet`. */
export const NAME_SERVER = "198.51.100.53";

/** What `www.example.test` and the others are. TTL 60. */
export const ZONE: Readonly<Record<string, readonly string[]>> = {
  "www.example.test": ["198.51.100.10"],
  "app.corp.example.test": ["198.51.100.10"],
  "db.corp.example.test": ["198.51.100.20"],
  "many.example.test": Array.from({ length: 40 }, (_, i) => `198.51.100.${101 + i}`),
};

/** Machines without an engine, and their servers. */
export const PLAIN_MACHINES: Readonly<Record<string, { readonly addresses: readonly string[]; readonly listen: readonly string[] }>> = {
  lan: { addresses: ["192.0.2.50"], listen: ["tcp:80", "udp:9000"] },
  inet: { addresses: ["198.51.100.10", "198.51.100.20", NAME_SERVER], listen: ["tcp:80", "udp:9000"] },
};

const SERVER = ["netprobe", "serve", "tcp:80", "udp:9000"];

/** What is in them: BusyBox, the server, and two lines of accounts. */
const CONTENTS: ImageContents = { programs: [...BUSYBOX.programs, "/bin/netprobe"], folders: BUSYBOX.folders, users: ["root"], groups: ["root"] };

/** The images of the recordings. */
export const IMAGES: readonly ImageSpec[] = [
  { name: "busybox", expose: [], env: ["PATH=/bin"], labels: {}, contents: CONTENTS, command: ["sh"] },
  { name: "web", expose: [{ from: 80, to: 80, protocol: "tcp" }], env: ["PATH=/bin"], labels: {}, contents: CONTENTS, command: SERVER, exitOnTerm: 0 },
];
