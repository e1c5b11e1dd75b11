// Phrasings of requests: patterns with alternatives `[a|b]` and slots `{x}`. Knows no family.
import { defined } from '../base/assert.ts';

/** Wordings of one family, those of training and those kept out of it, as patterns. */
export interface Phrasings {
  readonly train: readonly string[];
  readonly heldOut: readonly string[];
}

/** Every wording of a pattern: `[a|b]` is a choice, an empty choice is allowed. */
export function expand(pattern: string): string[] {
  const match = /\[([^\]]*)\]/.exec(pattern);
  if (match === null) return [pattern];
  const before = pattern.slice(0, match.index);
  const after = pattern.slice(match.index + match[0].length);
  return defined(match[1], 'choices')
    .split('|')
    .flatMap((choice) => expand(`${before}${choice}${after}`));
}

/**
 * The wording with its slots filled. Values are never searched for slots.
 * @throws {Error} when a slot has no value: a family's own mistake.
 */
export function fill(wording: string, slots: Readonly<Record<string, string>>): string {
  return wording.replace(/\{(\w+)\}/g, (_, name: string) => defined(slots[name], `slot ${name}`));
}

/** The wording without its slots. */
export function withoutSlots(wording: string): string {
  return wording.replace(/\{\w+\}/g, '');
}
