// One number of a run against its steps, as an SVG that needs no script and no style sheet.
// Must not know what the number means.
import { type Html, html } from './html.ts';

/** A step and its number. */
export interface CurvePoint {
  readonly step: number;
  readonly value: number;
}

const WIDTH = 420;
const HEIGHT = 180;
const PAD = { left: 56, right: 14, top: 12, bottom: 26 };
const TICKS = 4;

/**
 * The curve of points in rising order of their steps.
 * @param range the value axis; by default what the points span.
 */
export function curve(
  label: string,
  points: readonly CurvePoint[],
  range?: readonly [number, number],
): Html {
  const values = points.map(({ value }) => value);
  const [low, high] = range ?? spanOf(values);
  const end = points.at(-1);
  const [first, last] = [points[0]?.step ?? 0, end?.step ?? 0];
  const x = (step: number): number =>
    PAD.left + ((step - first) / Math.max(1, last - first)) * (WIDTH - PAD.left - PAD.right);
  const y = (value: number): number =>
    PAD.top + ((high - value) / (high - low)) * (HEIGHT - PAD.top - PAD.bottom);
  const line = points.map(({ step, value }) => `${fixed(x(step))},${fixed(y(value))}`).join(' ');
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => low + (i * (high - low)) / TICKS);
  const rules = ticks.map(
    (tick) =>
      html`<line x1="${PAD.left}" x2="${WIDTH - PAD.right}" y1="${fixed(y(tick))}" y2="${fixed(y(tick))}" stroke="currentColor" stroke-opacity="0.15"/><text x="${PAD.left - 8}" y="${fixed(y(tick) + 4)}" text-anchor="end">${shortNumber(tick)}</text>`,
  );
  const dot =
    end === undefined
      ? []
      : [
          html`<circle cx="${fixed(x(end.step))}" cy="${fixed(y(end.value))}" r="3" fill="currentColor"/>`,
        ];
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label} by step, from ${shortNumber(values[0] ?? 0)} to ${shortNumber(values.at(-1) ?? 0)}" font-size="11" fill="currentColor">${rules}<text x="${PAD.left}" y="${HEIGHT - 8}">${first}</text><text x="${WIDTH - PAD.right}" y="${HEIGHT - 8}" text-anchor="end">${last}</text><polyline fill="none" stroke="currentColor" stroke-width="1.8" points="${line}"/>${dot}</svg>`;
}

function spanOf(values: readonly number[]): [number, number] {
  const low = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return high > low ? [low, high] : [low - 1, high + 1];
}

function fixed(value: number): string {
  return value.toFixed(1);
}

/** A number in at most five significant digits. */
export function shortNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
