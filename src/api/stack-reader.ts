/** The client is loaded when a lab is first asked for a docker command; its types are not. */
export type { StackFile, StackReader } from "../client/stack-file";
