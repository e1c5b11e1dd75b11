// Where the page stands. Knows no content.

/** A `ref` that brings a new block into sight where it begins below the fold or above it, as on a phone. */
export function scrollInto(block: HTMLElement | null): void {
  if (block === null) return;
  const { top } = block.getBoundingClientRect();
  if (top > 0 && top < innerHeight * 0.7) return;
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  block.scrollIntoView({ behavior: calm ? 'auto' : 'smooth', block: 'start' });
}
