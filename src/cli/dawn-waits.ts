// While something of the GPU is waited for, Dawn in Node asks for it in every turn of the event loop, without a pause: a whole
// processor, which software adapters would compute with. Here the loop rests between turns once nothing has come for a while.
// Must not know what is computed.

/** Results that follow each other faster are asked for without a pause, as Dawn does. */
const SPIN_MS = 4;
/** Also what a result may come later by. */
const REST_MS = 0.2;

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** What of Dawn's globals has methods that are waited for. */
const WAITED: Readonly<Record<string, readonly string[]>> = {
  GPUBuffer: ['mapAsync'],
  GPUQueue: ['onSubmittedWorkDone'],
  GPUDevice: ['createComputePipelineAsync'],
};

const rested = new WeakSet<object>();
const clock = new Int32Array(new SharedArrayBuffer(4));
let waits = 0;
/** When a wait last began or ended. */
let lastChange = 0;
let turning = false;

/** Lets the event loop rest in the waits of Dawn's classes from now on; a second call does nothing. */
export function restInWaits(globals: object): void {
  for (const [name, methods] of Object.entries(WAITED)) {
    const prototype = prototypeOf(Reflect.get(globals, name));
    if (prototype === null || rested.has(prototype)) continue;
    rested.add(prototype);
    for (const method of methods) {
      const original: unknown = Reflect.get(prototype, method);
      if (typeof original === 'function')
        Reflect.set(prototype, method, waiting(original as Method));
    }
  }
}

function prototypeOf(made: unknown): object | null {
  return typeof made === 'function' ? made.prototype : null;
}

function waiting(original: Method): Method {
  return function waited(...args) {
    const result = original.apply(this, args);
    change(1);
    const end = (): void => change(-1);
    result.then(end, end);
    turn();
    return result;
  };
}

function change(by: 1 | -1): void {
  waits += by;
  lastChange = performance.now();
}

function turn(): void {
  if (turning) return;
  turning = true;
  const next = setImmediate(() => {
    turning = false;
    if (waits === 0) return;
    if (performance.now() - lastChange > SPIN_MS) Atomics.wait(clock, 0, 0, REST_MS);
    turn();
  });
  // A program does not go on for want of a rest: Dawn's own turns keep it alive.
  next.unref();
}
