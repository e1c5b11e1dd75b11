// A small Qwen3 with LoRA on its seven projections, in jax-js: the loss of one sequence and the gradients of the adapter.
// The maths is that of our trainer; the arrays come from it. jax-js frees an array with its last use: `.ref` keeps it.
import { jit, nn, numpy as np, tree, valueAndGrad } from '/jax/index.js';

/** y = x / rms(x) · w over the last axis. */
function rmsNorm(x, w, eps) {
  const meanSquare = np.mean(np.square(x.ref), -1, { keepdims: true });
  return x.div(np.sqrt(meanSquare.add(eps))).mul(w);
}

/** Turns pairs (i, i + D/2) of (T, heads, D); cos and sin are (T, 1, D/2). */
function rope(x, { cos, sin }) {
  const [low, high] = np.split(x, 2, 2);
  const first = low.ref.mul(cos.ref).sub(high.ref.mul(sin.ref));
  return np.concatenate([first, high.mul(cos).add(low.mul(sin))], 2);
}

/** x wᵀ + s (x Aᵀ) Bᵀ */
function project(x, w, { a, b }, scale) {
  const low = np.matmul(x.ref, np.transpose(a));
  return np.matmul(x, np.transpose(w)).add(np.matmul(low, np.transpose(b)).mul(scale));
}

/** One layer of the residual stream x (T, C). */
function layer(x, w, pairs, { config, scale, table }) {
  const { heads, kvHeads, headDim, eps } = config;
  const T = x.shape[0];
  const to = (stem, input) => project(input, w[stem], pairs[stem], scale);
  const split = (y, count) => y.reshape([T, count, headDim]);
  const input = rmsNorm(x.ref, w.attn_norm, eps);
  const q = rmsNorm(split(to('attn_q', input.ref), heads), w.attn_q_norm, eps);
  const k = rmsNorm(split(to('attn_k', input.ref), kvHeads), w.attn_k_norm, eps);
  const v = split(to('attn_v', input), kvHeads);
  const [turnedQ, turnedK] = [rope(q, tree.ref(table)), rope(k, table)];
  const seen = nn.dotProductAttention(turnedQ, turnedK, v, { isCausal: true });
  const middle = x.add(to('attn_output', seen.reshape([T, heads * headDim])));
  const inner = rmsNorm(middle.ref, w.ffn_norm, eps);
  const gate = nn.silu(to('ffn_gate', inner.ref));
  return middle.add(to('ffn_down', gate.mul(to('ffn_up', inner))));
}

/**
 * Mean over all tokens but the first of -log p(token | those before it).
 * @param nothing zeros (T - 1, V), added to the logits. See compile.
 */
function lossOf(adapter, nothing, base, ids, { config, scale }) {
  const { layers, outputNorm, embedding, ...table } = base;
  const T = ids.shape[0];
  let x = np.take(embedding.ref, ids.ref, 0);
  for (let l = 0; l < config.layers; l++) {
    const own = l === config.layers - 1 ? table : tree.ref(table);
    x = layer(x, layers[l], adapter[l], { config, scale, table: own });
  }
  const normed = rmsNorm(x.slice([0, T - 1]), outputNorm, config.eps);
  const logits = np.matmul(normed, np.transpose(embedding)).add(nothing);
  const hit = ids
    .slice([1, T])
    .reshape([T - 1, 1])
    .equal(np.arange(config.vocab));
  const chosen = np.where(hit, logits.ref, 0).sum(-1);
  return nn.logsumexp(logits, -1).sub(chosen).mean();
}

/**
 * (adapter, nothing, base, ids) -> [loss, [gradients of the adapter, of nothing]], compiled as one. The gradient of
 * nothing is that of the logits: since it is asked for, it is written down once. Otherwise jax-js 0.1.25 fuses the softmax
 * into the product behind it and computes it again for each of its columns, which doubles the time of a step.
 * @param config sizes, by their names in our ModelConfig; `scale` is alpha / rank.
 */
export function compile({ config, scale }) {
  const loss = (...given) => lossOf(...given, { config, scale });
  return jit(valueAndGrad(loss, { argnums: [0, 1] }));
}
