import type { CommandGroup } from "../command";

export const SWARM_GROUPS: readonly CommandGroup[] = [
  {
    path: "swarm",
    short: "Manage Swarm",
    commands: [
      ["ca", "Display and rotate the root CA"],
      ["init", "Initialize a swarm"],
      ["join", "Join a swarm as a node and/or manager"],
      ["join-token", "Manage join tokens"],
      ["leave", "Leave the swarm"],
      ["unlock", "Unlock swarm"],
      ["unlock-key", "Manage the unlock key"],
      ["update", "Update the swarm"],
    ],
  },
  {
    path: "service",
    short: "Manage services",
    commands: [
      ["create", "Create a new service"],
      ["inspect", "Display detailed information on one or more services"],
      ["logs", "Fetch the logs of a service or task"],
      ["ls", "List services"],
      ["ps", "List the tasks of one or more services"],
      ["rm", "Remove one or more services"],
      ["rollback", "Revert changes to a service's configuration"],
      ["scale", "Scale one or multiple replicated services"],
      ["update", "Update a service"],
    ],
  },
  {
    path: "node",
    short: "Manage Swarm nodes",
    commands: [
      ["demote", "Demote one or more nodes from manager in the swarm"],
      ["inspect", "Display detailed information on one or more nodes"],
      ["ls", "List nodes in the swarm"],
      ["promote", "Promote one or more nodes to manager in the swarm"],
      ["ps", "List tasks running on one or more nodes, defaults to current node"],
      ["rm", "Remove one or more nodes from the swarm"],
      ["update", "Update a node"],
    ],
  },
  {
    path: "stack",
    short: "Manage Docker stacks",
    options: ["    --orchestrator string   Orchestrator to use (swarm|kubernetes|all)"],
    of29: { short: "Manage Swarm stacks", options: [], moreCommands: [["config", "Outputs the final config file, after doing merges and interpolations"]] },
    commands: [
      ["deploy", "Deploy a new stack or update an existing stack"],
      ["ls", "List stacks"],
      ["ps", "List the tasks in the stack"],
      ["rm", "Remove one or more stacks"],
      ["services", "List the services in the stack"],
    ],
  },
  {
    path: "secret",
    short: "Manage Docker secrets",
    of29: { short: "Manage Swarm secrets" },
    commands: [
      ["create", "Create a secret from a file or STDIN as content"],
      ["inspect", "Display detailed information on one or more secrets"],
      ["ls", "List secrets"],
      ["rm", "Remove one or more secrets"],
    ],
  },
  {
    path: "config",
    short: "Manage Docker configs",
    of29: { short: "Manage Swarm configs" },
    commands: [
      ["create", "Create a config from a file or STDIN"],
      ["inspect", "Display detailed information on one or more configs"],
      ["ls", "List configs"],
      ["rm", "Remove one or more configs"],
    ],
  },
];

/** The description of a command in its group. */
export function descriptionOf(path: string): string {
  const [group = "", name = ""] = path.split(" ");
  return SWARM_GROUPS.find((candidate) => candidate.path === group)?.commands.find(([command]) => command === name)?.[1] ?? "";
}
