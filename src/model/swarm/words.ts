import { refuse, type RefusalStatus } from "../refusal";
import { OUTSIDE_WORDS } from "./outside-words";

/** What managers refuse, by the names of gRPC's codes, and the HTTP status that the daemon makes of each (moby api/server/httputils/errors.go). */
const STATUS = { InvalidArgument: 400, NotFound: 404, AlreadyExists: 409, PermissionDenied: 403, FailedPrecondition: 400, Unavailable: 500, Unknown: 500, Unimplemented: 501 } as const;

export type RpcCode = keyof typeof STATUS;

/** An answer of the managers, as the daemon passes it on. */
export function rpcText(code: RpcCode, text: string): string {
  return `rpc error: code = ${code} desc = ${text}`;
}

export function refuseRpc(code: RpcCode, subject: string, text: string): never {
  return refuse(STATUS[code] satisfies RefusalStatus, subject, rpcText(code, text));
}

/** moby daemon/cluster/errors.go. */
export const SWARM_WORDS = {
  ...OUTSIDE_WORDS,
  worker:
    "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.",
  isMember: 'This node is already part of a swarm. Use "docker swarm leave" to leave this swarm and join another one.',
  badAdvertiseAddress: "advertise address must be a non-zero IP address or network interface (with optional port number)",
  noToken: "A valid join token is necessary to join this cluster",
  noLeader: "The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.",
  leaderLost: "raft: failed to process the request: node lost leader status",
  leaveManager: "You are attempting to leave the swarm on a node that is participating as a manager. ",
  forceNewCluster:
    "The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this message.",
  badDataPathAddress: "data path address must be a non-zero IP address or network interface (without a port number)",
  locked: 'Swarm is encrypted and needs to be unlocked before it can be used. Please use "docker swarm unlock" to unlock it.',
  leaveLocked: "Swarm is encrypted and locked. Please unlock it first or use `--force` to ignore this message.",
  joinTimeout:
    'Timeout was reached before node joined. The attempt to join the swarm will continue in the background. Use the "docker info" command to see the current swarm status of your node.',
  lastManager:
    "You are attempting to leave the swarm on a node that is participating as a manager. Removing the last manager erases all current state of the swarm. Use `--force` to ignore this message.",
  attachTimeout: "attaching to network failed, make sure your network options are correct and check manager logs: context deadline exceeded",
} as const;
