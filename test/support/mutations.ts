// Seeded damage to the bytes of a file. Must not know the format.
import fc from 'fast-check';

/** Numbers at which readers go wrong: none, few, the ends of the integer types. */
const EXTREMES = [
  0n,
  1n,
  255n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n,
].concat([2n ** 53n + 1n, 2n ** 61n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** One piece of damage; places are fractions of the part of the file that is damaged. */
export type Mutation =
  | { kind: 'flip'; place: number; bit: number }
  | { kind: 'byte'; place: number; value: number }
  | { kind: 'cut'; place: number }
  | { kind: 'insert'; place: number; length: number; value: number }
  | { kind: 'remove'; place: number; length: number }
  | { kind: 'copy'; place: number; from: number; length: number }
  | { kind: 'number'; place: number; wide: boolean; value: bigint };

// Not fc.double: half of all doubles below 1 are next to 0.
const place = fc.nat(65535).map((n) => n / 65536);
const value = fc.nat(255);
const length = fc.integer({ min: 1, max: 64 });

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('flip'), place, bit: fc.nat(7) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('byte'), place, value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut'), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('insert'), place, length, value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove'), place, length }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('copy'), place, from: place, length }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('number'),
      place,
      wide: fc.boolean(),
      value: fc.constantFrom(...EXTREMES),
    }),
  },
);

/** Mostly one piece of damage, so that some of it reaches deep; at most four. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.oneof(
  fc.tuple(mutation),
  fc.array(mutation, { minLength: 1, maxLength: 4 }),
);

/** The bytes after the damage, which touches the first `end` bytes only. */
export function damage(
  bytes: Uint8Array,
  list: readonly Mutation[],
  end = bytes.length,
): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(bytes);
  for (const mutation of list) {
    const at = Math.floor(mutation.place * Math.min(end, out.length));
    out = damageOnce(out, mutation, at);
  }
  return out;
}

function damageOnce(
  bytes: Uint8Array<ArrayBuffer>,
  mutation: Mutation,
  at: number,
): Uint8Array<ArrayBuffer> {
  switch (mutation.kind) {
    case 'flip':
      bytes.set([(bytes[at] ?? 0) ^ (1 << mutation.bit)].slice(0, bytes.length - at), at);
      return bytes;
    case 'byte':
      bytes.set([mutation.value].slice(0, bytes.length - at), at);
      return bytes;
    case 'cut':
      return bytes.slice(0, at);
    case 'insert':
      return spliced(bytes, at, 0, new Uint8Array(mutation.length).fill(mutation.value));
    case 'remove':
      return spliced(bytes, at, mutation.length, new Uint8Array(0));
    case 'copy': {
      const from = Math.floor(mutation.from * bytes.length);
      return spliced(bytes, at, 0, bytes.slice(from, from + mutation.length));
    }
    case 'number': {
      const number = new Uint8Array(new BigUint64Array([mutation.value]).buffer);
      bytes.set(number.subarray(0, Math.min(mutation.wide ? 8 : 4, bytes.length - at)), at);
      return bytes;
    }
  }
}

function spliced(
  bytes: Uint8Array,
  at: number,
  removed: number,
  added: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const rest = bytes.subarray(Math.min(bytes.length, at + removed));
  const out = new Uint8Array(at + added.length + rest.length);
  out.set(bytes.subarray(0, at));
  out.set(added, at);
  out.set(rest, at + added.length);
  return out;
}
