// Success and reward against the step. The numbers stand in a table as well, so the drawing is hidden from readers.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Metrics } from '../../trajectory/experiment.ts';

const HEIGHT = 260;
const FONT = '12px system-ui, sans-serif';

interface Colours {
  text: string;
  line: string;
  success: string;
  reward: string;
}

export function Chart({ metrics, steps }: { metrics: readonly Metrics[]; steps: number }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(metrics);
  shown.current = metrics;
  useEffect(() => {
    const box = host.current;
    if (box === null) return;
    const draw = (): void => {
      plot.current?.destroy();
      plot.current = new uPlot(optionsFor(box, steps), rowsOf(shown.current), box);
    };
    draw();
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', draw);
    const size = new ResizeObserver(() => {
      plot.current?.setSize({ width: box.clientWidth, height: HEIGHT });
    });
    size.observe(box);
    return () => {
      dark.removeEventListener('change', draw);
      size.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [steps]);
  useEffect(() => {
    plot.current?.setData(rowsOf(metrics));
  }, [metrics]);
  return (
    <figure class="chart">
      <figcaption class="chart-legend">
        <span class="key key-success">success</span>
        <span class="key key-reward">reward</span>
        <span class="quiet">by training step</span>
      </figcaption>
      <div ref={host} class="chart-host" aria-hidden="true" />
    </figure>
  );
}

function rowsOf(metrics: readonly Metrics[]): uPlot.AlignedData {
  return [
    metrics.map(({ step }) => step + 1),
    metrics.map(({ success }) => success),
    metrics.map(({ reward }) => reward),
  ];
}

function coloursOf(box: HTMLElement): Colours {
  const style = getComputedStyle(box);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: read('--muted'),
    line: read('--line'),
    success: read('--chart-success'),
    reward: read('--chart-reward'),
  };
}

function optionsFor(box: HTMLElement, steps: number): uPlot.Options {
  const { text, line, success, reward } = coloursOf(box);
  const axis = {
    stroke: text,
    font: FONT,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  const series = (label: string, stroke: string): uPlot.Series => ({
    label,
    stroke,
    width: 2,
    points: { show: true, size: 5, fill: stroke },
    spanGaps: true,
  });
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: [1, Math.max(2, steps)] },
      y: { range: (_, __, most) => [0, Math.max(1, most)] },
    },
    axes: [
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500] },
      { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => tick.toFixed(1)) },
    ],
    series: [{}, series('success', success), series('reward', reward)],
  };
}
