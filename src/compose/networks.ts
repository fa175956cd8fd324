import { cidrContains, cidrContainsCidr, parseCidr, type Cidr } from "../net/cidr";
import { parseIp } from "../net/ip";
import type { Field } from "./field";
import type { ComposeNetwork, Ipam, IpamBlock } from "./project";
import { readRecord } from "./values";

/** The network that Compose adds when a service joins `default` and the file does not describe it. */
export function implicitDefault(project: string): ComposeNetwork {
  return {
    key: "default",
    name: `${project}_default`,
    place: { path: "networks.default" },
    implicit: true,
    used: true,
    driver: undefined,
    driverOptions: {},
    external: false,
    internal: false,
    attachable: false,
    enableIpv4: undefined,
    enableIpv6: undefined,
    ipam: { driver: undefined, options: {}, config: [] },
    labels: {},
  };
}

/**
 * Reads one network whose shape has been checked.
 *
 * @throws SimulationError `INVALID_INPUT` for a block that is not a CIDR, and for a range, gateway or address outside its subnet.
 */
export function readNetwork(field: Field, project: string, used: boolean): ComposeNetwork {
  const external = field.get("external");
  // `external: {name: …}` is the form of old files.
  const externalName = external?.node.kind === "mapping" ? external.filled("name")?.text() : undefined;
  const isExternal = external ? external.node.kind === "mapping" || external.flag() : false;
  return {
    key: field.name,
    name: field.filled("name")?.text() ?? externalName ?? (isExternal ? field.name : `${project}_${field.name}`),
    place: field.keyPlace,
    implicit: false,
    used,
    driver: field.filled("driver")?.text(),
    driverOptions: readRecord(field.get("driver_opts")),
    external: isExternal,
    internal: field.get("internal")?.flag() ?? false,
    attachable: field.get("attachable")?.flag() ?? false,
    enableIpv4: field.get("enable_ipv4")?.flag(),
    enableIpv6: field.get("enable_ipv6")?.flag(),
    ipam: readIpam(field.get("ipam")),
    labels: readRecord(field.get("labels")),
  };
}

function readIpam(field: Field | undefined): Ipam {
  return {
    driver: field?.filled("driver")?.text(),
    options: readRecord(field?.get("options")),
    config: (field?.get("config")?.items() ?? []).map(readBlock),
  };
}

function readBlock(field: Field): IpamBlock {
  const [subnetField, rangeField, gatewayField] = [field.filled("subnet"), field.filled("ip_range"), field.filled("gateway")];
  const subnet = subnetField && cidrOf(subnetField);
  const range = rangeField && cidrOf(rangeField);
  if (rangeField && subnet && range && !cidrContainsCidr(subnet, range)) {
    rangeField.expected(`a block inside the subnet ${JSON.stringify(subnetField.text())}`);
  }
  for (const address of [...(gatewayField ? [gatewayField] : []), ...(field.get("aux_addresses")?.children() ?? [])]) {
    const ip = parseIp(address.text(), address.path, address.details);
    if (subnet && !cidrContains(subnet, ip)) address.expected(`an address inside the subnet ${JSON.stringify(subnetField.text())}`);
  }
  return {
    place: field.place,
    subnet: subnetField?.text(),
    ipRange: rangeField?.text(),
    gateway: gatewayField?.text(),
    auxAddresses: readRecord(field.get("aux_addresses")),
  };
}

function cidrOf(field: Field): Cidr {
  return parseCidr(field.text(), field.path, field.details);
}
