import { Answer, textMap, type AnswerField, type AnswerValue } from "../../model/inspect/answer";
import type { HealthSpec, MountSpec, ProcessSpec } from "../../model/swarm/process-spec";
import { formatDuration } from "../duration";

const optional = (json: string, value: AnswerValue): AnswerField => ({ json, value, omitEmpty: true });

export function mountAnswer({ type, source, target, isReadOnly, consistency = "", bind, volume, tmpfs }: MountSpec): Answer {
  return new Answer([
    optional("Type", type),
    optional("Source", source),
    optional("Target", target),
    optional("ReadOnly", isReadOnly),
    optional("Consistency", consistency),
    ...(bind ? [{ json: "BindOptions", value: new Answer([optional("Propagation", bind.propagation ?? ""), optional("NonRecursive", bind.nonRecursive ?? false)]) }] : []),
    ...(volume ? [{ json: "VolumeOptions", value: volumeOptions(volume) }] : []),
    ...(tmpfs ? [{ json: "TmpfsOptions", value: new Answer([optional("SizeBytes", tmpfs.sizeBytes ?? 0), optional("Mode", tmpfs.mode ?? 0)]) }] : []),
  ]);
}

function volumeOptions({ noCopy = false, labels = {}, driver = "", options = {} }: NonNullable<MountSpec["volume"]>): Answer {
  const config = new Answer([optional("Name", driver), optional("Options", textMap(options))]);
  return new Answer([optional("NoCopy", noCopy), optional("Labels", textMap(labels)), { json: "DriverConfig", value: config }]);
}

export function healthFields(health: HealthSpec | undefined): AnswerField[] {
  if (!health) return [];
  const { test = [], interval = 0, timeout = 0, startPeriod = 0, retries = 0 } = health;
  const value = new Answer([optional("Test", test), optional("Interval", interval), optional("Timeout", timeout), optional("StartPeriod", startPeriod), optional("Retries", retries)]);
  return [{ json: "Healthcheck", value }];
}

export function logDriverFields({ logDriver }: ProcessSpec): AnswerField[] {
  if (!logDriver) return [];
  return [{ json: "LogDriver", value: new Answer([optional("Name", logDriver.name), optional("Options", textMap(logDriver.options))]) }];
}

export function ulimitAnswers({ ulimits = [] }: ProcessSpec): Answer[] {
  return ulimits.map(({ name, soft, hard }) => new Answer([optional("Name", name), optional("Hard", hard), optional("Soft", soft)]));
}

export function mountLines({ ulimits = [], mounts = [] }: ProcessSpec): string[] {
  return [
    ...(ulimits.length === 0 ? [] : ["Ulimits:", ...ulimits.map(({ name, soft, hard }) => ` ${name}: ${soft}:${hard}`)]),
    ...(mounts.length === 0 ? [] : ["Mounts:"]),
    ...mounts.map(({ target, source, isReadOnly, type }) => ` Target:\t${target}\n  Source:\t${source}\n  ReadOnly:\t${isReadOnly}\n  Type:\t\t${type}`),
  ];
}

export function logDriverLines({ logDriver }: ProcessSpec): string[] {
  if (!logDriver) return [];
  const options = Object.entries(logDriver.options).sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = options.map(([key, value]) => `  ${key}${value === "" ? "" : `:       ${value}`}`);
  return ["Log Driver:", ` Name:\t\t${logDriver.name}`, ...(lines.length === 0 ? [] : [" LogOpts:", ...lines]), ""];
}

export function healthLines({ health }: ProcessSpec): string[] {
  if (!health) return [];
  const { test = [], interval = 0, timeout = 0, startPeriod = 0, retries = 0 } = health;
  const tests = test.map((text) => `\t Test = ${text}`).join("\n");
  const times = [`  Interval = ${formatDuration(interval)}`, `  Retries = ${retries}`, `  StartPeriod =\t${formatDuration(startPeriod)}`, `  Timeout =\t${formatDuration(timeout)}`];
  return [" Healthcheck:", ...times, ...(test.length === 0 ? [] : ["  Tests:", `${tests} `])];
}
