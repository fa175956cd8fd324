import { Answer } from "../../model/inspect/answer";
import type { Call } from "../command";
import { Failure } from "../outcome";
import type { RootCertificate } from "./root-certificate";

/** Makes the certificate of a root. */
export type RootMaker = (root: string) => RootCertificate;

/** Few commands show certificates, and what makes them is large. */
export const loadRoots = async (): Promise<RootMaker> => (await import("./root-certificate")).rootCertificate;

/** That of the swarm that a manager is in. */
export function rootOf({ swarm }: Call["daemon"], make: RootMaker): RootCertificate {
  const root = swarm.info()?.cluster?.root;
  if (root === undefined) throw new Failure("No CA information available");
  return make(root);
}

/** moby api/types/swarm/common.go: TLSInfo. */
export function tlsInfo({ pem, subject, publicKey }: RootCertificate): Answer {
  return Answer.of({ TrustRoot: pem, CertIssuerSubject: subject, CertIssuerPublicKey: publicKey });
}
