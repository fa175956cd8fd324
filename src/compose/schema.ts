import { any, choice, either, listOf, mappingOf, record, scalar, setOf, type Shape } from "./shape";

// The whole Compose specification (compose-go schema/compose-spec.json), so that a misspelt key is found wherever it stands.
// Where that schema lists "string" beside another type, interpolation may have left a text; the readers turn it into the type.

const text = scalar("string");
const flag = scalar("boolean", "string");
const integer = scalar("integer", "string");
const number = scalar("number", "string");
const nothing = scalar("null");
const texts = listOf(text);
const textOrTexts = either(text, texts);
/** Keys of services, networks, volumes, secrets and configs. */
const NAME = /^[a-zA-Z0-9._-]+$/;
/** Compose removes repeated keys itself, so that a list here may repeat; see `services.ts`. */
const keyValues = either(mappingOf(scalar("string", "number", "boolean", "null")), texts);
const options = mappingOf(scalar("string", "number"));
const command = either(nothing, text, texts);
const extraHosts = either(mappingOf(textOrTexts), setOf(text));
const ulimits = mappingOf(either(integer, record({ hard: integer, soft: integer }, ["soft", "hard"])));

const mounts = listOf(either(text, record({ source: text, target: text, uid: text, gid: text, mode: number })));

const hook = record({ command, user: text, privileged: flag, working_dir: text, environment: keyValues }, ["command"]);
const startHook = record({
  command, image: text, user: text, privileged: flag, working_dir: text, environment: keyValues, per_replica: flag,
});

const build = either(
  text,
  record({
    context: text, dockerfile: text, dockerfile_inline: text, entitlements: texts, args: keyValues, ssh: keyValues, labels: keyValues,
    cache_from: texts, cache_to: texts, no_cache: flag, no_cache_filter: textOrTexts, additional_contexts: keyValues, network: text,
    provenance: flag, sbom: flag, pull: flag, target: text, shm_size: integer, extra_hosts: extraHosts, isolation: text,
    privileged: flag, secrets: mounts, tags: texts, ulimits, platforms: texts,
  }),
);

const deviceRequest = { capabilities: setOf(text), count: integer, device_ids: setOf(text), driver: text, options: keyValues };

const update = record({
  parallelism: integer, delay: text, failure_action: text, monitor: text, max_failure_ratio: number, order: choice("start-first", "stop-first"),
});

const genericResources = listOf(record({ discrete_resource_spec: record({ kind: text, value: number }) }));

const deploy = either(
  nothing,
  record({
    mode: text,
    endpoint_mode: text,
    replicas: integer,
    labels: keyValues,
    rollback_config: update,
    update_config: update,
    resources: record({
      limits: record({ cpus: number, memory: text, pids: integer }),
      reservations: record({
        cpus: number, memory: text, generic_resources: genericResources, devices: listOf(record(deviceRequest, ["capabilities"])),
      }),
    }),
    restart_policy: record({ condition: text, delay: text, max_attempts: integer, window: text }),
    placement: record({ constraints: texts, preferences: listOf(record({ spread: text })), max_replicas_per_node: integer }),
  }),
);

const develop = either(
  nothing,
  record({
    watch: listOf(
      record(
        {
          ignore: textOrTexts, include: textOrTexts, path: text, target: text, exec: hook, initial_sync: scalar("boolean"),
          action: choice("rebuild", "sync", "restart", "sync+restart", "sync+exec"),
        },
        ["path", "action"],
      ),
    ),
  }),
);

const blkioLimits = listOf(record({ path: text, rate: integer }));

const blkio = record({
  device_read_bps: blkioLimits, device_read_iops: blkioLimits, device_write_bps: blkioLimits, device_write_iops: blkioLimits,
  weight: integer, weight_device: listOf(record({ path: text, weight: integer })),
});

const volumeMount = record(
  {
    type: choice("bind", "volume", "tmpfs", "cluster", "npipe", "image"),
    source: text,
    target: text,
    read_only: flag,
    consistency: text,
    bind: record({
      propagation: text, create_host_path: flag, recursive: choice("enabled", "disabled", "writable", "readonly"), selinux: choice("z", "Z"),
    }),
    volume: record({ labels: keyValues, nocopy: flag, subpath: text }),
    tmpfs: record({ size: integer, mode: number }),
    image: record({ subpath: text }),
  },
  ["type"],
);

const dependency = record(
  { restart: flag, required: flag, condition: choice("service_started", "service_healthy", "service_completed_successfully") },
  ["condition"],
);

const attachment = record({
  aliases: texts, interface_name: text, ipv4_address: text, ipv6_address: text, link_local_ips: texts, mac_address: text,
  driver_opts: options, priority: number, gw_priority: number,
});

const port = record({
  name: text, mode: text, host_ip: text, target: integer, published: integer, protocol: text, app_protocol: text,
});

/** `extends:` of a service, also checked on its own before the rest of the service is complete. */
export const extendsShape: Shape = either(text, record({ service: text, file: text }, ["service"]));

/** `include:` at the top level. */
export const includeShape: Shape = listOf(either(text, record({ path: textOrTexts, env_file: textOrTexts, project_directory: text })));

const service = record({
  annotations: keyValues,
  attach: flag,
  blkio_config: blkio,
  build,
  cap_add: texts,
  cap_drop: texts,
  cgroup: choice("host", "private"),
  cgroup_parent: text,
  command,
  configs: mounts,
  container_name: text,
  cpu_count: integer,
  cpu_percent: integer,
  cpu_period: number,
  cpu_quota: number,
  cpu_rt_period: number,
  cpu_rt_runtime: number,
  cpu_shares: number,
  cpus: number,
  cpuset: text,
  credential_spec: record({ config: text, file: text, registry: text }),
  depends_on: either(setOf(text), mappingOf(dependency, NAME)),
  deploy,
  develop,
  device_cgroup_rules: setOf(text),
  devices: listOf(either(text, record({ source: text, target: text, permissions: text }, ["source"]))),
  dns: textOrTexts,
  dns_opt: texts,
  dns_search: textOrTexts,
  domainname: text,
  entrypoint: command,
  env_file: either(text, listOf(either(text, record({ path: text, format: text, required: flag }, ["path"])))),
  environment: keyValues,
  expose: listOf(scalar("string", "number")),
  extends: extendsShape,
  external_links: setOf(text),
  extra_hosts: extraHosts,
  gpus: either(choice("all"), listOf(mappingOf(any))),
  group_add: setOf(scalar("string", "number")),
  healthcheck: record({
    disable: flag, interval: text, retries: number, test: textOrTexts, timeout: text, start_period: text, start_interval: text,
  }),
  hostname: text,
  image: text,
  init: flag,
  ipc: text,
  isolation: text,
  label_file: textOrTexts,
  labels: keyValues,
  links: texts,
  logging: record({ driver: text, options: mappingOf(scalar("string", "number", "null")) }),
  mac_address: text,
  mem_limit: number,
  mem_reservation: integer,
  mem_swappiness: integer,
  memswap_limit: number,
  models: either(setOf(text), mappingOf(either(nothing, record({ endpoint_var: text, model_var: text })), NAME)),
  network_mode: text,
  networks: either(setOf(text), mappingOf(either(nothing, attachment), NAME)),
  oom_kill_disable: flag,
  oom_score_adj: integer,
  pid: scalar("string", "null"),
  pids_limit: number,
  platform: text,
  ports: listOf(either(scalar("string", "number"), port)),
  post_start: listOf(hook),
  pre_start: listOf(startHook),
  pre_stop: listOf(hook),
  privileged: flag,
  profiles: texts,
  provider: record({ type: text, options: mappingOf(either(scalar("string", "number", "boolean"), listOf(any))) }, ["type"]),
  pull_policy: text,
  pull_refresh_after: text,
  read_only: flag,
  restart: text,
  runtime: text,
  scale: integer,
  secrets: mounts,
  security_opt: setOf(text),
  shm_size: number,
  stdin_open: flag,
  stop_grace_period: text,
  stop_signal: text,
  storage_opt: mappingOf(any),
  sysctls: keyValues,
  tmpfs: textOrTexts,
  tty: flag,
  ulimits,
  use_api_socket: scalar("boolean"),
  user: text,
  userns_mode: text,
  uts: text,
  volumes: listOf(either(text, volumeMount)),
  volumes_from: setOf(text),
  working_dir: text,
});

const external = either(flag, record({ name: text }));
const externalFile = either(flag, mappingOf(any));

const network = either(
  nothing,
  record({
    name: text,
    driver: text,
    driver_opts: options,
    ipam: record({
      driver: text,
      config: listOf(record({ subnet: text, ip_range: text, gateway: text, aux_addresses: mappingOf(text) })),
      options: mappingOf(text),
    }),
    external,
    internal: flag,
    enable_ipv4: flag,
    enable_ipv6: flag,
    attachable: flag,
    labels: keyValues,
  }),
);

const volume = either(nothing, record({ name: text, driver: text, driver_opts: options, external, labels: keyValues }));

const secret = record({
  name: text, environment: text, file: text, external: externalFile, labels: keyValues, driver: text, driver_opts: options,
  template_driver: text,
});

const config = record({
  name: text, content: text, environment: text, file: text, external: externalFile, labels: keyValues, template_driver: text,
});

const model = record({ name: text, model: text, context_size: scalar("integer"), runtime_flags: texts }, ["model"]);

/** A Compose file after merging. */
export const composeShape: Shape = record({
  version: text,
  name: text,
  include: includeShape,
  services: mappingOf(service, NAME),
  networks: mappingOf(network),
  volumes: mappingOf(volume, NAME),
  secrets: mappingOf(secret, NAME),
  configs: mappingOf(config, NAME),
  models: mappingOf(model),
});
