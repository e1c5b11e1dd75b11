// What a run works with. Everything that touches a GPU, a network or a file comes in through these
// interfaces.
import type { PromptStyle, SchemaStyle } from '../agent/prompt.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { Toolbox } from '../tools/toolbox.ts';
import type { TokenPolicy, Trainer } from '../trajectory/interfaces.ts';
import type { Task } from '../trajectory/task.ts';

/** What any episode needs besides its policy. */
export interface EpisodeRuntime {
  tokenizer: Tokenizer;
  /** Opens the tools of one episode; episodes share no state, whatever runs beside them. */
  openEpisode: (task: Task, episodeId: string) => Promise<Toolbox>;
  promptStyle: PromptStyle;
  schemaStyle: SchemaStyle;
  /** Qwen3's thinking switch; left to the template when it is not given. */
  enableThinking?: boolean;
  /** Where programs run; needed for episodes of ptc. */
  sandbox?: Sandbox;
}

/** What a runtime says of prompts, in the form that an episode takes. */
export function stylesOf({ promptStyle, schemaStyle, enableThinking }: EpisodeRuntime) {
  return {
    promptStyle,
    schemaStyle,
    ...(enableThinking === undefined ? {} : { enableThinking }),
  };
}

export interface PretrainRuntime extends EpisodeRuntime {
  trainer: Trainer;
  /** The most bytes that the device held so far, where that is known. */
  memoryBytes?: () => number;
}

/** What a line of the timing log says of memory. */
export function memoryOf({ memoryBytes }: PretrainRuntime): { memoryBytes: number | null } {
  return { memoryBytes: memoryBytes?.() ?? null };
}

/** `policy` samples from the weights that `trainer` moves. */
export interface LabRuntime extends PretrainRuntime {
  policy: TokenPolicy;
}
