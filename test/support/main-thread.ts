// How long the page's own thread worked at a stretch, in CPU time, so that a busy machine does not count.
import type { Browser, Page } from 'playwright-core';

interface TraceEvent {
  name: string;
  pid: number;
  tid: number;
  /** CPU time, microseconds. */
  tdur?: number;
  args?: { name?: string; data?: { frames?: { processId?: number }[] } };
}

const CATEGORIES = ['__metadata', 'disabled-by-default-devtools.timeline'];

/** The page's own process: a browser draws parts of its window as pages too. */
function processesOf(events: readonly TraceEvent[]): Set<number | undefined> {
  const started = events.filter(({ name }) => name === 'TracingStartedInBrowser');
  const frames = started.flatMap(({ args }) => args?.data?.frames ?? []);
  return new Set(frames.map(({ processId }) => processId));
}

/** CPU time of the page's longest main-thread task while `work` runs, milliseconds, and how many tasks there were. */
export async function longestTask(
  page: Page,
  work: () => Promise<void>,
): Promise<{ longestMs: number; tasks: number }> {
  const browser: Browser | null = page.context().browser();
  if (browser === null) throw new Error('main-thread: the page has no browser to trace');
  await browser.startTracing(page, { categories: CATEGORIES });
  await work();
  // A task is written down when it ends, which may be after what it promised has been heard of here.
  await page.evaluate(() => new Promise((done) => setTimeout(done, 100)));
  const text = (await browser.stopTracing()).toString('utf8');
  const { traceEvents: events }: { traceEvents: TraceEvent[] } = JSON.parse(text);
  const own = processesOf(events);
  const main = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .filter(({ pid }) => own.has(pid))
      .map(({ pid, tid }) => `${pid}:${tid}`),
  );
  const times = events
    .filter(({ name, pid, tid }) => name === 'RunTask' && main.has(`${pid}:${tid}`))
    .map(({ tdur }) => (tdur ?? 0) / 1000);
  return { longestMs: Math.max(0, ...times), tasks: times.length };
}
