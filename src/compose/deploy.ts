import { parseDuration, parseSize } from "../net/units";
import type { Field } from "./field";
import type { Deploy, ResourceAmounts, UpdateRules } from "./project";
import { readRecord, readTexts } from "./values";

/** Reads `deploy`, whose shape has been checked. */
export function readDeploy(field: Field | undefined): Deploy {
  const placement = field?.get("placement");
  const restart = field?.get("restart_policy");
  const resources = field?.get("resources");
  return {
    mode: field?.get("mode")?.text() ?? "replicated",
    replicas: field?.get("replicas")?.integer(0),
    endpointMode: field?.get("endpoint_mode")?.choice(["vip", "dnsrr"]) ?? "vip",
    labels: readRecord(field?.get("labels")),
    placement: {
      constraints: readTexts(placement?.get("constraints")),
      spread: (placement?.get("preferences")?.items() ?? []).flatMap((item) => item.get("spread")?.text() ?? []),
      maxReplicasPerNode: placement?.get("max_replicas_per_node")?.integer(0),
    },
    updateConfig: readUpdate(field?.get("update_config")),
    rollbackConfig: readUpdate(field?.get("rollback_config")),
    restartPolicy: restart && {
      condition: restart.get("condition")?.choice(["none", "on-failure", "any"]),
      delayNs: duration(restart.get("delay")),
      maxAttempts: restart.get("max_attempts")?.integer(0),
      windowNs: duration(restart.get("window")),
    },
    limits: readAmounts(resources?.get("limits")),
    reservations: readAmounts(resources?.get("reservations")),
  };
}

function readUpdate(field: Field | undefined): UpdateRules | undefined {
  return (
    field && {
      parallelism: field.get("parallelism")?.integer(0),
      delayNs: duration(field.get("delay")),
      monitorNs: duration(field.get("monitor")),
      failureAction: field.get("failure_action")?.choice(["pause", "continue", "rollback"]),
      maxFailureRatio: field.get("max_failure_ratio")?.number(),
      order: field.get("order")?.choice(["start-first", "stop-first"]),
    }
  );
}

function readAmounts(field: Field | undefined): ResourceAmounts | undefined {
  const memory = field?.get("memory");
  return field && { cpus: field.get("cpus")?.number(), memoryBytes: memory && bytesOf(memory), pids: field.get("pids")?.integer(0) };
}

/** `64M` is 64 MiB here (docker/go-units: RAMInBytes). */
function bytesOf(field: Field): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?) *([kmgt]?)(?:i?b)?$/i.exec(field.text()) ?? [];
  if (number === "") return parseSize(field.text(), field.path, field.details);
  return Math.floor(Number(number) * 1024 ** " kmgt".indexOf(unit === "" ? " " : unit.toLowerCase()));
}

function duration(field: Field | undefined): number | undefined {
  return field && parseDuration(field.text(), field.path, field.details);
}
