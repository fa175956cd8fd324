/** How a report marks its words. The report knows no escape codes: the command line hands in functions that add them. */
export interface Style {
  readonly title: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly name: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
}

const same = (text: string) => text;

/** No marks at all: for files, pipes and `NO_COLOR`. */
export const plainStyle: Style = { title: same, dim: same, name: same, good: same, warning: same, bad: same };
