export { compose, type ComposeOptions } from "./compose";
export { loadCompose, type LoadOptions } from "./load";
export { plain, type ComposeNode, type Entry, type ListNode, type MappingNode, type Place, type Scalar, type ScalarNode } from "./node";
export { formatNotice, type Notice, type NoticeKind } from "./notice";
export { endpointAliases } from "./project";
export type {
  ComposeContainer,
  ComposeNetwork,
  ComposeProject,
  ComposeService,
  ContainerLink,
  Dependency,
  Deploy,
  ResourceAmounts,
  UpdateRules,
  EnvFileReference,
  ExtraHost,
  Ipam,
  IpamBlock,
  NetworkAttachment,
  NetworkMode,
  PortProtocol,
  PortRange,
  PublishedPort,
  ServiceLink,
} from "./project";
export type { ComposeInput, ReadFile } from "./source";
export { stackReader } from "./stack-file";
export { toTopology, type ComposeTopology, type TopologyOptions } from "./to-topology";
export type { DockwireSection, LinkProperties, LinkRule, TrafficKind, TrafficRate, TrafficRule } from "./x-dockwire";
export { type HostRule, MOST_NODES, type NodesSection, type UnderlayRule } from "./x-dockwire-nodes";
export { wellKnownPort } from "./well-known-ports";
export type { SourceText } from "./yaml";
