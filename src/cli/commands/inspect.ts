// `atlas inspect`: what a model file says of itself. Reads the header only and needs no device.
import { tokenizerFromMetadata } from '../../tokenizer/tokenizer.ts';
import { readSizes } from '../../weights/model-config.ts';
import { toolspaceOfFile } from '../engine.ts';
import { Flags } from '../flags.ts';
import { openModelFile } from '../models.ts';
import { printJson } from '../output.ts';

export async function inspect(argv: readonly string[]): Promise<void> {
  const flags = new Flags('inspect', argv, {});
  const { file } = await openModelFile(flags.positional(0, 'model'));
  const { architecture, layers, hidden, heads, kvHeads, headDim, ffn, vocab, ...rest } =
    readSizes(file);
  const { ropeTheta, eps, tied } = rest;
  const tensors: Record<string, number> = {};
  for (const { type } of file.tensors) tensors[type] = (tensors[type] ?? 0) + 1;
  const tokenizer = tokenizerFromMetadata(file.values);
  printJson({
    architecture,
    config: { layers, hidden, heads, kvHeads, headDim, ffn, vocab, ropeTheta, eps, tied },
    tensors,
    bytes: file.sizeBytes,
    tokenizer: {
      kind: file.values['tokenizer.ggml.pre'] ?? file.values['tokenizer.ggml.model'] ?? null,
      vocab: tokenizer.vocabSize,
      chatTemplate: tokenizer.chatTemplate,
      eos: tokenizer.eosIds,
    },
    toolspace: toolspaceOfFile({ file }),
  });
}
