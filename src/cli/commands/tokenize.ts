// `atlas tokenize`: text to ids and back.
import { tokenizerFromMetadata } from '../../tokenizer/tokenizer.ts';
import { readGguf } from '../../weights/gguf.ts';
import { Flags } from '../flags.ts';
import { fileSource, modelPath } from '../models.ts';
import { printJson } from '../output.ts';

export async function tokenize(argv: readonly string[]): Promise<void> {
  const flags = new Flags('tokenize', argv, { text: 'string', special: 'boolean' });
  const source = await fileSource(modelPath(flags.positional(0, 'model')));
  const tokenizer = tokenizerFromMetadata((await readGguf(source)).values);
  const ids = tokenizer.encode(flags.required('text'), { special: flags.has('special') });
  printJson({ ids, text: tokenizer.decode(ids) });
}
