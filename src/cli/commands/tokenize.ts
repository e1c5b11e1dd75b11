// `atlas tokenize`: text to ids and back.
import { Flags } from '../flags.ts';
import { openModelFile, tokenizerOf } from '../models.ts';
import { printJson } from '../output.ts';

export async function tokenize(argv: readonly string[]): Promise<void> {
  const flags = new Flags('tokenize', argv, { text: 'string', special: 'boolean' });
  const tokenizer = tokenizerOf(await openModelFile(flags.positional(0, 'model')));
  const ids = tokenizer.encode(flags.required('text'), { special: flags.has('special') });
  printJson({ ids, text: tokenizer.decode(ids) });
}
