// The built-in toolspaces as a person chooses among them. Knows no server.

export type ToolspaceName = 'core' | 'full';

/** Splits of tasks that no training run takes. */
export type HeldSplit = 'test' | 'unseen';

/** A toolspace named by a file or a task; `core` for another name. */
export function toolspaceNamed(name: string | undefined): ToolspaceName {
  return name === 'full' ? 'full' : 'core';
}

/** What is said of a toolspace wherever it can be chosen. */
export const TOOLSPACE_HINTS: Readonly<Record<ToolspaceName, string>> = {
  core: '4 servers with 26 tools',
  full: '46 servers with 382 tools',
};

const TWISTS: readonly { suffix: string; text: string }[] = [
  { suffix: ':refused', text: 'one part no tool can do' },
  { suffix: ':unsaid', text: 'one part must be asked for' },
];

/** What is odd about a task's request, from the families of its parts; most have nothing. */
export function twistsOf(families: readonly string[]): string[] {
  return TWISTS.filter(({ suffix }) => families.some((name) => name.endsWith(suffix))).map(
    ({ text }) => text,
  );
}
