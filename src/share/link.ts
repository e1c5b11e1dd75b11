// An experiment in the fragment of a link. Holds settings only: no key, no token, no weights.
import { deflateSync, inflateSync, strFromU8, strToU8 } from 'fflate';
import { InputError } from '../base/errors.ts';
import { type Experiment, experimentSchema } from '../trajectory/experiment.ts';

const PREFIX = '#x1=';
/** An experiment is below 2 kB; a link that unpacks to more is not one. */
const MAX_BYTES = 65_536;

function toBase64Url(bytes: Uint8Array): string {
  const text = btoa(strFromU8(bytes, true));
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): Uint8Array {
  return strToU8(atob(text.replaceAll('-', '+').replaceAll('_', '/')), true);
}

/**
 * The fragment of a link (`#x1=…`) that holds the whole experiment. Equal experiments give equal
 * links.
 */
export function experimentLink(experiment: Experiment): string {
  const json = JSON.stringify(experimentSchema.parse(experiment));
  return PREFIX + toBase64Url(deflateSync(strToU8(json), { level: 9 }));
}

/**
 * The experiment of a fragment; null for a fragment that holds none.
 * @throws {InputError} for one that is damaged or does not fit the schema.
 */
export function experimentOfLink(fragment: string): Experiment | null {
  if (!fragment.startsWith(PREFIX)) return null;
  try {
    const packed = fromBase64Url(fragment.slice(PREFIX.length));
    // The output buffer is fixed, so that a hostile link cannot fill the memory.
    const json = inflateSync(packed, { out: new Uint8Array(MAX_BYTES) });
    return experimentSchema.parse(JSON.parse(strFromU8(json)));
  } catch (cause) {
    throw new InputError(
      'link',
      'link: got a damaged experiment, need the whole address as it was shared; copy it again',
      { cause },
    );
  }
}
