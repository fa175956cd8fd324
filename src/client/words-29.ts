/**
 * What the `docker` command of Docker 29 says otherwise than that of 20.10, whose words the commands are written in: what is not there
 * it lets the daemon say, and it names the usage and `--help` in other ways (docker/cli cli/required.go).
 */

type Rewrite = readonly [pattern: RegExp, words: string];

const REWRITES: readonly Rewrite[] = [
  [/^Error: No such container: (.*)$/gm, "Error response from daemon: No such container: $1"],
  [/^Error: No such network: (.*)$/gm, "Error response from daemon: network $1 not found"],
  [/^Error: No such object: (.*)$/gm, "error: no such object: $1"],
  [/^Error: failed to start containers: (.*)$/gm, "failed to start containers: $1"],
  // How many arguments a command takes.
  [/^"(docker [^"]*)" requires exactly (\d.*)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' requires $2\n\n$3\n\nRun '$1 --help' for more information"],
  [/^"(docker [^"]*)" (requires at least \d+ arguments?)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' $2\n\n$3\n\nSee '$1 --help' for more information"],
  [/^"(docker [^"]*)" (requires|accepts) (.*)\.\nSee .*\n\n(Usage: .*)\n\n.*$/gm, "docker: '$1' $2 $3\n\n$4\n\nRun '$1 --help' for more information"],
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
