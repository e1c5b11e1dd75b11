// Renders the chat template of a model file. Must not know any model's template, nor token ids.
import { Template } from '@huggingface/jinja';
import { errorMessage, ModelFileError } from '../base/errors.ts';

/** A message as templates see it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A tool in the form that templates expect. */
export interface ChatTool {
  readonly type: 'function';
  readonly function: {
    readonly name: string;
    readonly description?: string;
    /** A JSON Schema object. */
    readonly parameters: Readonly<Record<string, unknown>>;
  };
}

export interface RenderOptions {
  readonly messages: readonly ChatMessage[];
  /** Left out of the template's variables when not given or empty. */
  readonly tools?: readonly ChatTool[];
  readonly addGenerationPrompt: boolean;
  readonly bosToken?: string;
  readonly eosToken?: string;
  /** Qwen3's `enable_thinking`; left out when not given. */
  readonly enableThinking?: boolean;
}

/** Parsed templates by text; a session sees few. */
const parsed = new Map<string, Template>();
const MAX_PARSED = 8;

/**
 * The text of a conversation.
 * @throws {ModelFileError} when the template cannot be parsed or refuses the conversation.
 */
export function renderChat(template: string, options: RenderOptions): string {
  const { messages, tools, addGenerationPrompt, enableThinking } = options;
  const variables: Record<string, unknown> = {
    messages: messages.map((message) => ({ ...message })),
    add_generation_prompt: addGenerationPrompt,
    bos_token: options.bosToken ?? '',
    eos_token: options.eosToken ?? '',
  };
  if (tools !== undefined && tools.length > 0) variables['tools'] = tools;
  if (enableThinking !== undefined) variables['enable_thinking'] = enableThinking;
  try {
    return parse(template).render(variables);
  } catch (cause) {
    throw new ModelFileError(
      'chat-template',
      `chat template: ${errorMessage(cause)}; choose a model whose template takes these messages`,
      { cause },
    );
  }
}

/** Whether a template has a place for tools. */
export function templateTakesTools(template: string): boolean {
  return /\btools\b/.test(template);
}

function parse(text: string): Template {
  const known = parsed.get(text);
  if (known) return known;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const template = new Template(text);
  parsed.set(text, template);
  return template;
}
