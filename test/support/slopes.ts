// Central differences in double precision, for the gradient tests.
const H = 1e-5;

/** d loss / d x_i at x for every i. */
export function slopes(loss: (x: Float64Array) => number, x: Float64Array): Float64Array {
  return x.map((value, i) => {
    const up = loss(x.with(i, value + H));
    return (up - loss(x.with(i, value - H))) / (2 * H);
  });
}

/** Σ a · b, the loss whose gradient by b is a. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
