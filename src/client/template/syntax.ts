/** A parsed template: text, and actions between `{{` and `}}`. */
export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipe: Pipe }
  | { readonly kind: "if" | "with" | "range"; readonly pipe: Pipe; readonly body: readonly TemplateNode[]; readonly otherwise: readonly TemplateNode[] };

/** `$key, $value := a | b`. */
export interface Pipe {
  readonly variables: readonly string[];
  /** `=` instead of `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly Command[];
  readonly text: string;
  readonly position: number;
}

/** A function or a value with its arguments. */
export interface Command {
  readonly operands: readonly Operand[];
  readonly text: string;
  readonly position: number;
}

export type Operand = { readonly text: string; readonly position: number } & Operator;

export type Operator =
  | { readonly kind: "dot" | "nil" }
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "constant"; readonly value: string | number | boolean }
  /** `(pipe).Field`. */
  | { readonly kind: "pipe"; readonly pipe: Pipe; readonly path: readonly string[] };

/** A template that cannot be read or filled in, in the words of Go's text/template. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}
