// The smallest model that is real: a table of logits of the next token given the last one. It
// samples, and it learns by exact gradients, so that runs can be tested whole without a GPU.
import { deriveSeed, Rng } from '../../src/base/rng.ts';
import { isKlInReward, lossKl, tokenAdvantage } from '../../src/train/token-terms.ts';
import type { Batch, TrainSequence } from '../../src/trajectory/batch.ts';
import type {
  AppliedStep,
  GenerateRequest,
  GenerateResult,
  LossResult,
  StepOptions,
  TokenPolicy,
  Trainer,
} from '../../src/trajectory/interfaces.ts';

interface Derivative {
  loss: number;
  /** d loss / d log-probability. */
  slope: number;
  clipped: boolean;
  ratio: number;
}

function derivative(batch: Batch, sequence: TrainSequence, t: number, lp: number): Derivative {
  const { objective } = batch;
  if (objective.kind === 'grpo' && (objective.entropy ?? 0) > 0)
    throw new Error('no entropy bonus');
  if (objective.kind === 'grpo' && objective.ratio === 'sequence') throw new Error('no such ratio');
  if (objective.kind === 'sft') return { loss: -lp, slope: -1, clipped: false, ratio: 1 };
  const ratio = Math.exp(lp - (sequence.old_logprobs?.[t] ?? lp));
  const limited = Math.min(1 + objective.clip_high, Math.max(1 - objective.clip_low, ratio));
  const a = tokenAdvantage(sequence, t, objective);
  const clipped = limited * a < ratio * a;
  const reference = sequence.ref_logprobs?.[t];
  const d = reference === undefined ? 0 : reference - lp;
  return {
    loss: -Math.min(ratio * a, limited * a) + lossKl(objective) * (Math.exp(d) - d - 1),
    slope: (clipped ? 0 : -ratio * a) + lossKl(objective) * (1 - Math.exp(d)),
    clipped,
    ratio,
  };
}

function weightOf(batch: Batch, sequence: TrainSequence): number {
  const count = (one: TrainSequence) => one.mask.filter((value) => value === 1).length;
  const { objective, sequences } = batch;
  if (objective.aggregate === 'token-mean') {
    return 1 / sequences.reduce((sum, one) => sum + count(one), 0);
  }
  if (objective.aggregate === 'seq-mean-token-mean') {
    return 1 / (sequences.length * count(sequence));
  }
  return 1 / (sequences.length * (objective.constant ?? Number.NaN));
}

/** Policy and trainer over one table of logits, vocabulary squared. */
export class Bigram implements TokenPolicy, Trainer {
  readonly name = 'bigram';
  readonly contextLength = 1024;
  readonly eosIds: readonly number[];
  readonly released: string[] = [];
  readonly #vocab: number;
  readonly #table: Float64Array;
  readonly #reference: Float64Array;
  readonly #gradient: Float64Array;

  constructor(vocab: number, eosIds: readonly number[], seed: number) {
    this.eosIds = eosIds;
    this.#vocab = vocab;
    const rng = new Rng(seed);
    this.#table = Float64Array.from({ length: vocab * vocab }, () => 0.01 * (rng.next() - 0.5));
    this.#reference = this.#table.slice();
    this.#gradient = new Float64Array(vocab * vocab);
  }

  /** A model of its own with this one's table, as weights and as reference. */
  copy(): Bigram {
    const twin = new Bigram(this.#vocab, this.eosIds, 0);
    twin.#table.set(this.#table);
    twin.#reference.set(this.#table);
    return twin;
  }

  async generate(request: GenerateRequest): Promise<GenerateResult> {
    const ids: number[] = [];
    const logprobs: number[] = [];
    let last = request.ids.at(-1) ?? 0;
    for (let n = 0; n < request.maxTokens; n++) {
      const row = this.#logprobs(this.#table, last);
      const draw = new Rng(deriveSeed(request.seed, request.ids.length + n)).next();
      last = request.temperature === 0 ? row.indexOf(Math.max(...row)) : pick(row, draw);
      ids.push(last);
      logprobs.push(row[last] ?? Number.NaN);
      if (this.eosIds.includes(last)) return { ids, logprobs, finish: 'eos' };
      if (request.stopIds?.includes(last)) return { ids, logprobs, finish: 'stop' };
    }
    return { ids, logprobs, finish: 'length' };
  }

  release(sequence: string): void {
    this.released.push(sequence);
  }

  async accumulate(batch: Batch, scale = 1): Promise<LossResult> {
    const result = { loss: 0, entropy: 0, kl: 0, clipFraction: 0, ratio: 0, maxRatio: 0 };
    const tokenLogprobs: number[][] = [];
    let trained = 0;
    for (const sequence of batch.sequences) {
      const weight = weightOf(batch, sequence);
      const lps = [0];
      for (let t = 1; t < sequence.ids.length; t++) {
        const [last = 0, id = 0] = [sequence.ids[t - 1], sequence.ids[t]];
        const row = this.#logprobs(this.#table, last);
        const lp = row[id] ?? Number.NaN;
        lps.push(lp);
        if (sequence.mask[t] !== 1) continue;
        const { loss, slope, clipped, ratio } = derivative(batch, sequence, t, lp);
        trained++;
        result.loss += weight * loss;
        result.entropy -= row.reduce((sum, p) => sum + Math.exp(p) * p, 0);
        result.clipFraction += clipped ? 1 : 0;
        result.ratio += ratio;
        result.maxRatio = Math.max(result.maxRatio, ratio);
        const reference = sequence.ref_logprobs?.[t];
        if (reference !== undefined) {
          const d = reference - lp;
          result.kl += isKlInReward(batch.objective) ? -d : Math.exp(d) - d - 1;
        }
        row.forEach((p, v) => {
          const at = last * this.#vocab + v;
          const change = scale * weight * slope * ((v === id ? 1 : 0) - Math.exp(p));
          this.#gradient[at] = (this.#gradient[at] ?? 0) + change;
        });
      }
      tokenLogprobs.push(lps);
    }
    const count = Math.max(1, trained);
    return {
      loss: result.loss,
      tokenLogprobs,
      entropy: result.entropy / count,
      kl: result.kl / count,
      clipFraction: result.clipFraction / count,
      ratio: { mean: result.ratio / count, max: result.maxRatio },
    };
  }

  async apply({ learningRate, clipNorm, normLimit }: StepOptions): Promise<AppliedStep> {
    const gradNorm = Math.sqrt(this.#gradient.reduce((sum, g) => sum + g * g, 0));
    if (!Number.isFinite(gradNorm) || gradNorm > (normLimit ?? Number.POSITIVE_INFINITY)) {
      await this.discard();
      return { gradNorm, moved: false };
    }
    const factor = clipNorm > 0 && gradNorm > clipNorm ? clipNorm / gradNorm : 1;
    this.#gradient.forEach((g, i) => {
      this.#table[i] = (this.#table[i] ?? 0) - learningRate * factor * g;
    });
    this.#gradient.fill(0);
    return { gradNorm, moved: true };
  }

  async discard(): Promise<void> {
    this.#gradient.fill(0);
  }

  async referenceLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return this.#told(this.#reference, sequences);
  }

  async policyLogprobs(sequences: readonly { ids: readonly number[] }[]): Promise<number[][]> {
    return this.#told(this.#table, sequences);
  }

  #told(table: Float64Array, sequences: readonly { ids: readonly number[] }[]): number[][] {
    return sequences.map(({ ids }) =>
      ids.map((id, t) =>
        t === 0 ? 0 : (this.#logprobs(table, ids[t - 1] ?? 0)[id] ?? Number.NaN),
      ),
    );
  }

  async checkpoint(): Promise<Record<string, Uint8Array>> {
    return { 'table.f64': new Uint8Array(this.#table.slice().buffer) };
  }

  async restore(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const bytes = files['table.f64'];
    if (bytes === undefined) throw new Error('no table.f64');
    this.#table.set(new Float64Array(bytes.slice().buffer));
  }

  async exportWeights(): Promise<Record<string, Uint8Array>> {
    return { 'weights.f64': new Uint8Array(this.#table.slice().buffer) };
  }

  #logprobs(table: Float64Array, last: number): Float64Array {
    const row = table.slice(last * this.#vocab, (last + 1) * this.#vocab);
    const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const log = top + Math.log(row.reduce((sum, v) => sum + Math.exp(v - top), 0));
    return row.map((v) => v - log);
  }
}

function pick(logprobs: Float64Array, draw: number): number {
  let left = draw;
  for (let v = 0; v < logprobs.length; v++) {
    left -= Math.exp(logprobs[v] ?? 0);
    if (left < 0) return v;
  }
  return logprobs.length - 1;
}
