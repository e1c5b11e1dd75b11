// GPT-2's byte alphabet: one printable character for each byte, so that a BPE vocabulary is a list
// of texts.
// Must not know any vocabulary. Source: bytes_to_unicode in encoder.py of openai/gpt-2.

function buildAlphabet(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : next++),
  );
}

/** The character that stands for each byte. */
export const BYTE_ALPHABET: readonly string[] = buildAlphabet();

const BYTE_OF = new Map(BYTE_ALPHABET.map((character, byte) => [character, byte]));

/** The byte alphabet's text for the UTF-8 bytes of a text. */
export function toByteText(text: string): string {
  let out = '';
  for (const byte of new TextEncoder().encode(text)) out += BYTE_ALPHABET[byte];
  return out;
}

/**
 * The bytes behind a text of the byte alphabet; a character outside it stands for itself, in UTF-8.
 */
export function fromByteText(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const byte = BYTE_OF.get(character);
    if (byte === undefined) bytes.push(...new TextEncoder().encode(character));
    else bytes.push(byte);
  }
  return Uint8Array.from(bytes);
}
