// Bounds of |got - want| / (1 + |want|) for kernels against their double-precision twins.

export const TOLERANCES = {
  /** One value from a few others: rounding of f32 and of the driver's exp and log (WGSL allows 3 + 2|x| ulp). */
  elementwise: 1e-5,
  /** A sum over a vocabulary row, or over the keys of a sequence. */
  reduction: 2e-5,
  /** Gradients of attention: products of three rounded factors, summed twice. */
  attentionGrad: 5e-5,
  /** Double-precision slopes against central differences, h = 1e-5. */
  differences: 1e-7,
  /** Two kernels that do the same operations in the same order; drivers may still contract them differently. */
  sameArithmetic: 1e-6,
} as const;
