/**
 * How the choices that are chance came out in recordings, so that they need not be searched for each time (`course` in the JSON of
 * `npm run conformance -- --json FILE`). Whatever stands here, only what the recording shows counts.
 */
export const KNOWN_COURSES: Readonly<Record<string, readonly number[]>> = {
  "bridge-multi-service": [1, 1, 0],
  "cli-connect-29": [3, 0, 1, 0],
  "daemon-default-opts": [1],
  "daemon-restart-29": [1, 2, 0, 1, 0],
  "ports-connect-disconnect": [1],
  "ports-range-life": [1],
  "cli-port-words": [2, 2, 3],
  "daemon-pools-run-out": [2, 2, 0, 0, 1],
  "daemon-restart-running": [0, 0, 1],
  "daemon-restart-order": [1, 5, 2, 0, 1, 1],
  "service-chance": [1, 2, 0, 1, 1, 0, 0, 1, 1, 0],
  "service-dnsrr": [0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 0],
  "service-dnsrr-host-port": [0, 0, 1],
  "service-ports-mixed": [0, 1],
  "service-update-networks": [0, 0, 1, 0, 0, 1],
  "service-lists": [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  "swarm-drained-nodes": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  "swarm-lost-node": [0, 0, 1, 0, 0, 0],
  "swarm-manager-force-leave": [1, 1, 1, 1, 0, 0],
};
