// Plain twins of the matrix products: the reference of their tests.

export type Vec = Float32Array | Float64Array;

/** y = scale · x wᵀ (+ y): x (M, K), w (N, K), y (M, N). */
export function linear(
  x: Vec,
  w: Vec,
  y: Vec,
  [M, N, K]: readonly [number, number, number],
  scale = 1,
  accumulate = false,
): void {
  for (let m = 0; m < M; m++) {
    for (let n = 0; n < N; n++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += at(x, m * K + k) * at(w, n * K + k);
      y[m * N + n] = scale * sum + (accumulate ? at(y, m * N + n) : 0);
    }
  }
}

/** dx = scale · dy w (+ dx): dy (M, N), w (N, K), dx (M, K). */
export function linearInputGrad(
  dy: Vec,
  w: Vec,
  dx: Vec,
  [M, N, K]: readonly [number, number, number],
  scale = 1,
  accumulate = false,
): void {
  for (let m = 0; m < M; m++) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let n = 0; n < N; n++) sum += at(dy, m * N + n) * at(w, n * K + k);
      dx[m * K + k] = scale * sum + (accumulate ? at(dx, m * K + k) : 0);
    }
  }
}

/** dw += scale · dyᵀ x: dy (M, N), x (M, K), dw (N, K). */
export function linearWeightGrad(
  dy: Vec,
  x: Vec,
  dw: Vec,
  [M, N, K]: readonly [number, number, number],
  scale = 1,
): void {
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      let sum = 0;
      for (let m = 0; m < M; m++) sum += at(dy, m * N + n) * at(x, m * K + k);
      dw[n * K + k] = at(dw, n * K + k) + scale * sum;
    }
  }
}

function at(list: Vec, index: number): number {
  return list[index] ?? 0;
}
