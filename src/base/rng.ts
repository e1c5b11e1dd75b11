// Seeded random numbers and the derivation of seeds. Every random number of the project comes from here or, on the GPU,
// from shaders/lib/pcg.wesl, which hashes the same way.

/** One round of the PCG-RXS-M-XS 32-bit hash (Jarzynski & Olano 2020, JCGT 9(3)). */
export function pcgHash(input: number): number {
  const state = (Math.imul(input >>> 0, 747796405) + 2891336453) >>> 0;
  const word = Math.imul(((state >>> ((state >>> 28) + 4)) ^ state) >>> 0, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}

/** A 32-bit seed from any mix of integers and strings; order matters. */
export function deriveSeed(...parts: readonly (number | string)[]): number {
  let hash = 0x9e3779b9;
  for (const part of parts) {
    if (typeof part === 'number') {
      hash = pcgHash((hash ^ (part >>> 0)) >>> 0);
      const high = Math.floor(Math.abs(part) / 0x100000000) >>> 0;
      if (high > 0) hash = pcgHash((hash ^ high) >>> 0);
    } else {
      for (let i = 0; i < part.length; i++) hash = pcgHash((hash ^ part.charCodeAt(i)) >>> 0);
      hash = pcgHash((hash ^ 0x5bd1e995) >>> 0);
    }
  }
  return hash >>> 0;
}

/** A small seeded generator (mulberry32 of a hashed seed). Its whole state is one integer, so it can be checkpointed. */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = pcgHash(seed >>> 0);
  }

  /** The state, to be handed to {@link Rng.restore}. */
  get state(): number {
    return this.#state;
  }

  static restore(state: number): Rng {
    const rng = new Rng(0);
    rng.#state = state >>> 0;
    return rng;
  }

  /** Uniform integer in [0, 2^32). */
  nextU32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.nextU32() / 4294967296;
  }

  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('assertion failed: pick from an empty list');
    return list[this.int(0, list.length - 1)] as T;
  }

  /** A shuffled copy (Fisher-Yates). */
  shuffle<T>(list: readonly T[]): T[] {
    const out = [...list];
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      [out[i], out[j]] = [out[j] as T, out[i] as T];
    }
    return out;
  }

  /** `count` different elements, in random order. */
  sample<T>(list: readonly T[], count: number): T[] {
    return this.shuffle(list).slice(0, count);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Standard normal by Box-Muller (one of the pair is thrown away, so that the state stays one integer). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
}
