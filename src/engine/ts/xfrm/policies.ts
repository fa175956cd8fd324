import { NONE } from "../../../../assembly/abi/version";
import { type DatapathProgram, NO_XFRM, type PolicyRecord } from "../../program";
import type { Namespace } from "../tables/namespace";
import { Sa } from "./sa";

/** What goes out to be encrypted. */
export class Policy {
  private readonly source: number;
  private readonly destination: number;
  private readonly mark: number;

  constructor(
    private readonly record: PolicyRecord,
    readonly sa: Sa | null,
  ) {
    this.source = record.source | 0;
    this.destination = record.destination | 0;
    this.mark = record.mark | 0;
  }

  covers(source: number, destination: number, mark: number, protocol: number, port: number): boolean {
    const { record } = this;
    if (this.destination !== destination || this.source !== source || this.mark !== mark) return false;
    return (record.protocol === 0 || record.protocol === protocol) && (record.port === 0 || record.port === port);
  }
}

/** IPsec of a namespace. */
export class Xfrm {
  readonly policies: Policy[] = [];
  /** By destination, then by SPI. */
  private readonly sas = new Map<number, Map<number, Sa>>();

  get knowsEsp(): boolean {
    return this.sas.size > 0;
  }

  find(destination: number, spi: number): Sa | null {
    return this.sas.get(destination)?.get(spi) ?? null;
  }

  add(sa: Sa): void {
    const there = this.sas.get(sa.destination) ?? new Map<number, Sa>();
    this.sas.set(sa.destination, there.set(sa.spi, sa));
  }
}

/** Gives the namespaces their policies and associations; those that there were go on counting. */
export function loadXfrm(namespaces: readonly Namespace[], { xfrm = NO_XFRM }: DatapathProgram): void {
  const before = namespaces.map((namespace) => namespace.xfrm);
  for (const namespace of namespaces) namespace.xfrm = null;
  const keys = xfrm.keys.map(({ bytes }) => Uint8Array.from(bytes));
  const xfrmOf = (index: number) => {
    const namespace = namespaces[index];
    namespace.xfrm ??= new Xfrm();
    return namespace.xfrm;
  };
  const sas = xfrm.sas.map((record) => {
    const sa = new Sa(record, keys[record.key]);
    const known = before[record.namespace]?.find(sa.destination, sa.spi) ?? null;
    if (known !== null && sa.isSuccessorOf(known)) sa.succeed(known);
    xfrmOf(record.namespace).add(sa);
    return sa;
  });
  for (const record of xfrm.policies) xfrmOf(record.namespace).policies.push(new Policy(record, record.sa === NONE ? null : sas[record.sa]));
}
