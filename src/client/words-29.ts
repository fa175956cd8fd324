/**
 * What the `docker` command of Docker 29 says otherwise than that of 20.10, whose words the commands are written in: what is not there
 * it lets the daemon say, and it names the usage and `--help` in other ways (docker/cli cli/required.go). The daemon's own sentences that
 * have changed are here as well, where nothing but the command shows them.
 */

type Rewrite = readonly [pattern: RegExp, words: string];

/** What `docker inspect --type` takes. */
const INSPECTED = ["config", "container", "image", "network", "node", "plugin", "secret", "service", "task", "volume"];

const REWRITES: readonly Rewrite[] = [
  [/^Error: No such container: (.*)$/gm, "Error response from daemon: No such container: $1"],
  [/^Error: No such network: (.*)$/gm, "Error response from daemon: network $1 not found"],
  [/^(?:Status: )?Error: No such (node|service|secret|config): (.*?)(?:, Code: 1)?$/gm, "Error response from daemon: $1 $2 not found"],
  [/^([^\s:]+: )Error: No such service: (.*)$/gm, "$1Error response from daemon: service $2 not found"],
  [/^Status: Error: no such service: (.*), Code: 1$/gm, "no such service: $1"],
  [/^Status: (template parsing error: .*), Code: 1$/gm, "$1"],
  [/^(service \S+: )Unknown mode: /gm, "$1unknown mode: "],
  [/^Error: No such object: (.*)$/gm, "error: no such object: $1"],
  [/^Error: failed to start containers: (.*)$/gm, "failed to start containers: $1"],
  // How many arguments a command takes.
  [/^"(docker [^"]*)" requires exactly (\d.*)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' requires $2\n\n$3\n\nRun '$1 --help' for more information"],
  [/^"(docker [^"]*)" (requires at least \d+ arguments?)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' $2\n\n$3\n\nSee '$1 --help' for more information"],
  [/^"(docker [^"]*)" (requires|accepts) (.*)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' $2 $3\n\n$4\n\nRun '$1 --help' for more information"],
  // What the client says of its own.
  [/^Error response from daemon: (.*)\nError: failed to rename container named .*$/gm, "failed to rename container: Error response from daemon: $1"],
  [/^"(.*)" is not a valid value for --type$/gm, `unknown type: "$1": must be one of ${INSPECTED.map((type) => `"${type}"`).join(", ")}`],
  [/^strconv\.ParseUint: parsing "(.*)": (.*)$/gm, "invalid port '$1': $2"],
  [/(invalid range format for --expose: )([^-,]*)[^,]*, error: strconv\.ParseUint: parsing "\2": (.*)$/gm, "$1invalid start port '$2': $3"],
  [/(invalid range format for --expose: )[^,]*, error: strconv\.ParseUint: parsing "(.*)": (.*)$/gm, "$1invalid end port '$2': $3"],
  [/Conflicting options: --restart and --rm/g, "conflicting options: cannot specify both --restart and --rm"],
  [/^Status: (Error response from daemon: [^\n]*), Code: 1$/gm, "$1"],
  // What it says of services, stacks and swarms.
  [/^Error: swarm is not locked$/gm, "error: swarm is not locked"],
  [/^Error: This node is not part of a swarm$/gm, "error: this node is not part of a swarm"],
  [/^Unknown mode: /gm, "unknown mode: "],
  [/^Invalid scale specifier /gm, "invalid scale specifier "],
  [/^Invalid option (.*) for flag --resolve-image$/gm, "invalid option $1 for flag --resolve-image"],
  [/^Please specify a Compose file /gm, "specify a Compose file "],
  [/^Compose file contains unsupported options:$/gm, "compose file contains unsupported options:"],
  [/(: replicas can only be used with )replicated mode$/gm, "$1replicated or replicated-job mode"],
  // What the daemon says: its sentences begin with small letters.
  [/(Error response from daemon: |: )Container ([0-9a-f]{64}) is (not running|already paused)$/gm, "$1container $2 is $3"],
  [/^(Error response from daemon: )Cannot kill container: /gm, "$1cannot kill container: "],
  [/^(Error response from daemon: )Invalid filter 'status=(.*)'$/gm, `$1invalid filter 'status=$2': invalid value for state ($2): must be one of created, running, paused, restarting, removing, exited, dead`],
  [/^(Error response from daemon: )Invalid filter /gm, "$1invalid filter "],
  [/^(Error response from daemon: )Cannot create a multi-host network from a worker node\. .*$/gm, '$1This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'],
  [/^(Error response from daemon: )no such container (.*)$/gm, "$1No such container: $2"],
  [/(Error response from daemon: )invalid restart policy '(.*)'$/gm, "$1invalid restart policy: unknown policy '$2'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"],
  [/(Error response from daemon: )maximum retry count cannot be used with restart policy '.*'$/gm, "$1invalid restart policy: maximum retry count can only be used with 'on-failure'"],
  [/(Error response from daemon: )maximum retry count cannot be negative$/gm, "$1invalid restart policy: maximum retry count cannot be negative"],
  // Commands and flags that there are not.
  [/^docker: '(.*)' is not a docker command\.\nSee 'docker --help'$/gm, "docker: unknown command: docker $1\n\nRun 'docker --help' for more information"],
];

/** What Docker 29 prints on stderr where 20.10 prints this. */
export function inWordsOf29(stderr: string): string {
  return REWRITES.reduce((text, [pattern, words]) => text.replace(pattern, words), stderr);
}

/** An unknown or wrong flag, with the usage of its command. */
export function flagRefusalOf29(message: string, path: string, usage: string): string {
  return `${message}\n\nUsage:  docker ${path} ${usage}`.trimEnd() + `\n\nRun 'docker ${path} --help' for more information`;
}
