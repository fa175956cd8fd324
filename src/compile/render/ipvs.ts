import { Forwarding, Scheduler } from "../../../assembly/abi/ipvs";
import type { DatapathProgram } from "../../engine/program";
import { formatIpv4 } from "../../net/ip";

const SCHEDULERS: Readonly<Record<Scheduler, string>> = { [Scheduler.RoundRobin]: "rr" };
const METHODS: Readonly<Record<Forwarding, string>> = { [Forwarding.Masquerade]: "-m", [Forwarding.DirectRoute]: "-g" };

/** What `ipvsadm --save -n` prints. */
export function renderServices({ virtualServices = [], realServers = [] }: DatapathProgram, namespace: number): string[] {
  return virtualServices
    .filter((service) => service.namespace === namespace)
    .flatMap(({ fwmark, scheduler, first, count }) => [
      `-A -f ${fwmark} -s ${SCHEDULERS[scheduler]}`,
      ...realServers.slice(first, first + count).map(({ address, weight, forwarding }) => `-a -f ${fwmark} -r ${formatIpv4(address)}:0 ${METHODS[forwarding]} -w ${weight}`),
    ]);
}
