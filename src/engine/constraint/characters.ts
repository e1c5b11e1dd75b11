// Characters inside of a JSON string as bytes. Knows no schema.
import type { Expression, Expressions } from './expression.ts';

/** Characters beyond ASCII, in UTF-8. */
export function beyondAscii(all: Expressions): Expression {
  const rest = all.byteOf([0x80, 0xbf]);
  return all.alt([
    all.seq(all.byteOf([0xc2, 0xdf]), rest),
    all.seq(all.byteOf([0xe0, 0xe0]), all.byteOf([0xa0, 0xbf]), rest),
    all.seq(all.byteOf([0xe1, 0xec], [0xee, 0xef]), rest, rest),
    all.seq(all.byteOf([0xed, 0xed]), all.byteOf([0x80, 0x9f]), rest),
    all.seq(all.byteOf([0xf0, 0xf0]), all.byteOf([0x90, 0xbf]), rest, rest),
    all.seq(all.byteOf([0xf1, 0xf3]), rest, rest, rest),
    all.seq(all.byteOf([0xf4, 0xf4]), all.byteOf([0x80, 0x8f]), rest, rest),
  ]);
}

/** Any character as JSON has it, or an escape that is no half of a surrogate pair. */
export function anyCharacter(all: Expressions): Expression {
  const hex = all.byteOf([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]);
  const notD = all.byteOf([0x30, 0x39], [0x41, 0x43], [0x45, 0x46], [0x61, 0x63], [0x65, 0x66]);
  const d = all.seq(all.byteOf([0x44, 0x44], [0x64, 0x64]), all.byteOf([0x30, 0x37]));
  const simple = all.alt([...'"\\/bfnrt'].map((letter) => all.text(letter)));
  const unicode = all.seq(all.text('u'), all.alt([all.seq(notD, hex), d]), hex, hex);
  return all.alt([
    all.byteOf([0x20, 0x21], [0x23, 0x5b], [0x5d, 0x7f]),
    all.seq(all.text('\\'), all.alt([simple, unicode])),
    beyondAscii(all),
  ]);
}

/** One ASCII character, written as JSON writes it. */
export function asciiCharacter(all: Expressions, code: number): Expression {
  return all.text(JSON.stringify(String.fromCharCode(code)).slice(1, -1));
}
