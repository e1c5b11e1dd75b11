// Why a page has no WebGPU, and what to do about it. Knows the browser only by what it is given.

export type GpuProblem = 'insecure' | 'missing' | 'no-adapter';

export interface BrowserFacts {
  isSecureContext: boolean;
  gpu: { requestAdapter(): Promise<object | null> } | undefined;
}

/** What keeps the page from a GPU; null when nothing does. */
export async function gpuProblem({
  isSecureContext,
  gpu,
}: BrowserFacts): Promise<GpuProblem | null> {
  if (!isSecureContext) return 'insecure';
  if (gpu === undefined) return 'missing';
  return (await gpu.requestAdapter()) === null ? 'no-adapter' : null;
}

export interface Advice {
  why: string;
  /** What to do, in the order to try it. */
  steps: readonly string[];
}

const ADVICE: Readonly<Record<GpuProblem, Advice>> = {
  insecure: {
    why: 'This page was opened over plain http, and browsers offer WebGPU only to secure pages.',
    steps: [
      'Open the same address with https:// in front.',
      'On your own machine, open it as http://localhost instead of by an IP address.',
    ],
  },
  missing: {
    why: 'This browser does not offer WebGPU to the page.',
    steps: [
      'Chrome or Edge: update to version 113 or newer (Linux: 144 or newer, or start it with --enable-unsafe-webgpu).',
      'Safari: update to macOS 26, iOS 26 or newer.',
      'Firefox: update to 141 or newer on Windows, 145 or newer on a Mac with Apple silicon; elsewhere set dom.webgpu.enabled in about:config.',
    ],
  },
  'no-adapter': {
    why: 'The browser knows WebGPU, but found no graphics adapter that it may use.',
    steps: [
      'Chrome or Edge: switch on “Use graphics acceleration when available” in Settings, System, and restart.',
      'Open chrome://gpu and look for the WebGPU line; a driver update often helps.',
      'No graphics card at all? Start Chrome with --enable-unsafe-webgpu --use-webgpu-adapter=swiftshader: slow, but it works.',
    ],
  },
};

/** What to tell a person. */
export function adviceFor(problem: GpuProblem): Advice {
  return ADVICE[problem];
}
