import type { StackFile, StackReader } from "../api/stack-reader";
import { SimulationError } from "../errors";
import { Field } from "./field";
import { loadCompose } from "./load";
import { Notices } from "./notice";
import type { ComposeProject } from "./project";
import { ignoredKeys, stackNetworks, stackServices } from "./stack";
import { parseYaml, type SourceText } from "./yaml";

/** docker/cli cli/compose/types: ForbiddenProperties. */
const FORBIDDEN: Readonly<Record<string, string>> = {
  cpu_quota: "Set resource limits using deploy.resources",
  cpu_shares: "Set resource limits using deploy.resources",
  cpuset: "Set resource limits using deploy.resources",
  extends: "Support for `extends` is not implemented yet.",
  mem_limit: "Set resource limits using deploy.resources",
  memswap_limit: "Set resource limits using deploy.resources",
  volume_driver: "Instead of setting the volume driver on the service, define a volume using the top-level `volumes` option and specify the driver there.",
  volumes_from: "To share a volume between services, define it using the top-level `volumes` option and reference it from each service that shares it using the service-level `volumes` option.",
};

/**
 * Reads Compose files for `docker stack deploy`; hand it to a lab's `docker`.
 *
 * @example await lab.docker("stack deploy -c - shop", { stdin: await readFile("stack.yaml", "utf8"), stacks: stackReader });
 */
export const stackReader: StackReader = (text, stack, generation) => {
  const [node] = inClientsWords(() => parseYaml({ file: "-", text }));
  const root = node && new Field(node, []);
  if (root) checkForm(root, generation === "29");
  return inClientsWords((): StackFile => {
    const { project, undefinedNetwork } = loadStack(text, stack);
    if (generation === "29") checkImages(project);
    const networks = stackNetworks(project, new Notices());
    const files = (service: string, kind: "secret" | "config") => (root ? filesOf(root, service, kind, stack) : []);
    return {
      networks: networks.map((network) => ({ ...network, external: project.networks.some(({ name, external }) => external && name === network.name) })),
      serviceNames: project.services.map(({ name }) => `${stack}_${name}`),
      services: () => {
        inClientsWords(() => {
          if (undefinedNetwork) throw undefinedNetwork;
        });
        return inClientsWords(() => stackServices(project, new Notices())).map((service) => {
          const own = service.name.slice(stack.length + 1);
          const [secrets, configs] = [files(own, "secret"), files(own, "config")];
          return { ...service, ...(secrets.length > 0 && { secrets }), ...(configs.length > 0 && { configs }) };
        });
      },
      ...ignoredKeys(project),
    };
  });
};

/** docker/cli cli/command/stack/loader.go, of Docker 29; before, the managers refuse the service. */
function checkImages({ services }: ComposeProject): void {
  const without = services.find(({ image }) => image === undefined);
  if (without) throw new SimulationError("INVALID_INPUT", `invalid image reference for service ${without.name}: no image specified`);
}

/** Networks that the file does not define are made as well, before a service finds that they are not defined. */
function loadStack(text: string, stack: string): { readonly project: ComposeProject; readonly undefinedNetwork: SimulationError | undefined } {
  const overrides: SourceText[] = [];
  let undefinedNetwork: SimulationError | undefined;
  for (;;) {
    try {
      return { project: loadCompose({ file: "-", text }, { overrides, projectName: stack, isStack: true }), undefinedNetwork };
    } catch (error) {
      const network = error instanceof SimulationError ? UNDEFINED_NETWORK.exec(error.message)?.[2] : undefined;
      if (network === undefined) throw error;
      undefinedNetwork ??= error as SimulationError;
      overrides.push({ file: "-", text: `networks: {${JSON.stringify(network)}: {}}` });
    }
  }
}

const UNDEFINED_NETWORK = /service "([^"]*)" refers to undefined network "([^"]*)"/;

/** The client's words for what the reader of Compose files says otherwise. */
function inClientsWords<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SimulationError)) throw error;
    const [, path = "(root)", key] = /^(?:-:\d+:\d+: )?(?:([^:]*): )?additional property "([^"]*)" is not allowed/.exec(error.message) ?? [];
    if (key !== undefined) throw new SimulationError(error.code, `${path} Additional property ${key} is not allowed`);
    const [, service, network] = UNDEFINED_NETWORK.exec(error.message) ?? [];
    if (network !== undefined) throw new SimulationError(error.code, `service ${service}: undefined network ${JSON.stringify(network)}`);
    const message = error.message.replace(/^-:\d+:\d+: /, "");
    const [, section] = /^(services|networks|volumes|secrets|configs): expected a mapping/.exec(message) ?? [];
    if (section !== undefined) throw new SimulationError(error.code, `${section} must be a mapping`);
    const [, owner, index] = /^(services\.[^:]*\.ports)\[(\d+)\]: expected "\[ip:\]/.exec(message) ?? [];
    if (index !== undefined) throw new SimulationError(error.code, `${owner}.${index} Does not match format 'ports'`);
    throw new SimulationError(error.code, message);
  }
}

/** docker/cli cli/compose/schema/data: the last version of the format that Docker 29 knows is 3.13. */
const NEWEST_MINOR = 13;

/** The version of a file that does not say it: docker/cli cli/compose/schema/schema.go. */
function checkForm(root: Field, isOf29: boolean): void {
  const version = root.get("version")?.text() ?? (isOf29 ? "3" : "1.0");
  const [, minor] = /^3(?:\.(\d+))?$/.exec(version) ?? [];
  if (!version.startsWith("3") || (version !== "3" && minor === undefined) || (isOf29 && Number(minor ?? 0) > NEWEST_MINOR)) throw new SimulationError("INVALID_INPUT", `unsupported Compose file version: ${version}`);
  const services = root.get("services")?.children() ?? [];
  const forbidden = Object.keys(FORBIDDEN).filter((key) => services.some((service) => service.child(key) !== undefined));
  if (forbidden.length > 0) throw new SimulationError("INVALID_INPUT", `Compose file contains unsupported options:\n\n${forbidden.map((key) => `${key}: ${FORBIDDEN[key]}`).join("\n\n")}`);
  const scaled = services.find((service) => service.child("scale") !== undefined);
  if (scaled) throw new SimulationError("INVALID_INPUT", `services.${scaled.name} Additional property scale is not allowed`);
}

/** For all: 0444. */
const READABLE = 0o444;

function filesOf(root: Field, service: string, kind: "secret" | "config", stack: string): NonNullable<ReturnType<StackFile["services"]>[number]["secrets"]> {
  const items = root.get("services")?.get(service)?.get(`${kind}s`)?.items() ?? [];
  return items.map((item) => {
    const isMapping = item.node.kind === "mapping";
    const source = isMapping ? (item.get("source")?.text() ?? "") : item.text();
    const declared = root.get(`${kind}s`)?.child(source);
    if (!declared) throw new SimulationError("NOT_FOUND", `service ${service}: undefined ${kind} ${JSON.stringify(source)}`);
    const external = declared.get("external");
    const isExternal = external !== undefined && (external.node.kind === "mapping" || external.flag());
    const name = declared.get("name")?.text() ?? (external?.node.kind === "mapping" ? external.get("name")?.text() : undefined) ?? (isExternal ? source : `${stack}_${source}`);
    const of = (key: string, otherwise: string) => (isMapping ? (item.get(key)?.text() ?? otherwise) : otherwise);
    return { id: "", name, target: of("target", source), uid: of("uid", "0"), gid: of("gid", "0"), mode: isMapping ? (item.get("mode")?.integer(0) ?? READABLE) : READABLE };
  });
}
