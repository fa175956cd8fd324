/** What daemons say where there is no swarm, or no manager (moby daemon/cluster/errors.go). */
export const OUTSIDE_WORDS = {
  noManager: 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  noSwarm: "This node is not part of a swarm",
  networkFromWorker: "Cannot create a multi-host network from a worker node. Please create the network from a manager node.",
} as const;
