/** `dockwire/report`: what a run was, as data, text and Markdown. */
export { type CipherCost, type EncryptionCost, type EncryptionHost, type EncryptionRun, type EncryptionTraffic, renderEncryptionCost } from "./encryption-cost";
export { buildReport, renderJson, type ReportInput } from "./json";
export { renderMarkdown } from "./markdown";
export type * from "./report";
export { renderText } from "./text";
