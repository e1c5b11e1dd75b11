// Texts that tokenizers disagree on, and plain ASCII prompts.

/** Texts with what is easily cut or joined wrongly; special tokens are meant as such. */
export const AWKWARD_TEXTS: readonly string[] = [
  'a',
  ' ',
  '\n',
  'Hello world, hello World',
  'one  two   three    four',
  '   leading and trailing   ',
  'tabs\tand\t\ttwo, then\n\ntwo lines\n\n\n  indented',
  'windows\r\nlines\r\n\r\nand \r alone',
  ' \n \n  \t\n x',
  '1 12 123 1234 12345 3.14 1,000,000 2026-11-21 0x1F',
  'room12b is 3rd, 4x4=16',
  "don't we'll they're I'M YOU'VE it's 'd 'ss 'lll O'Neil",
  'naïve café façade Ünïcödé ß ſ İstanbul',
  'e\u0301 decomposed, \u00e9 composed, \u00a0no-break\u00a0space\u2003em\u3000wide',
  'Привет, мир! Ελληνικά שלום مرحبا नमस्ते สวัสดี',
  '你好，世界。日本語のテキスト 한국어',
  '数字１２３ ٤٥٦ Ⅷ ½ x² ₂',
  '🙂 👍🏽 👩‍👩‍👧 🇩🇪 ❤️ done',
  'zero\u200bwidth\u200djoiner\ufeffmark\u00adsoft',
  'if (x == 10) {\n  return x+1; // ok\n}\n\nfor i in range(3):\n\tprint(f"{i}!")',
  '{"name":"find_item","arguments":{"name":"red lamp","count":2}}',
  'https://example.org/a_b-c?q=1&r=%20#top me@mail.example',
  '!!! ??? ... --- === <<< >>> ~~~ "quoted" (nested [deep])',
  '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n',
  '<think>\nplan\n</think>\n\nanswer',
  'a<think></think>b <|endoftext|><|im_start|> c',
  '<|im_start| > <|unknown|> < think> <|im_end|',
  '__init__ snake_case CamelCase kebab-case UPPER 𝒎𝒂𝒕𝒉',
];

/** Prompts of printable ASCII, short enough for one step of all of them. */
export const PLAIN_PROMPTS: readonly string[] = [
  'The cat sat on the mat and',
  'How many red lamps?',
  'Meet Ann 2026-11-21 at 10:30.',
  'convert 12 km to miles',
  '{"name":"get_price"}',
  'for i in x: print(i * i)',
  'A',
  "   don't they're we'll",
];
