// The chat template and the special tokens of nano. Must not know how a template is rendered.

/** Special tokens of nano, in the order of their ids. */
export const NANO_SPECIALS = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<think>',
  '</think>',
  '<tool_call>',
  '</tool_call>',
  '<tool_response>',
  '</tool_response>',
  '<answer>',
  '</answer>',
] as const;

/**
 * nano's chat template (Jinja). Tools are lines `name(args)` at the end of the system message:
 * required arguments bare, optional ones with `?`, then `:type` unless it is string, or `:a|b` for
 * an enum. Tools without a system message make one of their own.
 */
export const NANO_TEMPLATE = [
  "{%- set ns = namespace(tools='', args='') -%}",
  '{%- for tool in tools or [] -%}',
  '{%- set f = tool.function -%}',
  "{%- set ns.args = '' -%}",
  '{%- for key, spec in (f.parameters.properties or {})|items -%}',
  "{%- set mark = '' if key in (f.parameters.required or []) else '?' -%}",
  "{%- set kind = (spec.enum|join('|')) if spec.enum else (spec.type or 'string') -%}",
  "{%- set kind = '' if kind == 'string' else ':' ~ kind -%}",
  "{%- set ns.args = ns.args ~ (',' if ns.args else '') ~ key ~ mark ~ kind -%}",
  '{%- endfor -%}',
  "{%- set ns.tools = ns.tools ~ '\\n' ~ f.name ~ '(' ~ ns.args ~ ')' -%}",
  '{%- endfor -%}',
  "{%- if ns.tools and (not messages or messages[0].role != 'system') -%}",
  "{{- '<|im_start|>system\\n' ~ ns.tools ~ '<|im_end|>\\n' -}}",
  '{%- endif -%}',
  '{%- for message in messages -%}',
  "{%- if message.role == 'tool' -%}",
  "{{- '<|im_start|>user\\n<tool_response>' ~ message.content ~ '</tool_response>' -}}",
  '{%- else -%}',
  "{{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content -}}",
  '{%- endif -%}',
  "{{- ns.tools if loop.first and message.role == 'system' else '' -}}",
  "{{- '<|im_end|>\\n' -}}",
  '{%- endfor -%}',
  "{{- '<|im_start|>assistant\\n' if add_generation_prompt else '' -}}",
].join('');
