// The one base class of our errors and a subclass for each boundary. Knows nothing of what is behind a boundary.

/**
 * An error that a person or a caller can act on. The message says where, what was got, what is needed and what to do.
 * `code` is stable and machine readable, `data` is plain JSON.
 */
export class AtlasError extends Error {
  readonly code: string;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    code: string,
    message: string,
    options: { data?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.data = options.data ?? {};
  }
}

/** GPU adapter, device, shader or buffer trouble. */
export class DeviceError extends AtlasError {}
/** A model, adapter or tokenizer file that cannot be used. */
export class ModelFileError extends AtlasError {}
/** A tool server or tool call that failed. */
export class ToolError extends AtlasError {}
/** Programs cannot be run: their sandbox does not start. */
export class SandboxError extends AtlasError {}
/** A judge that gave no usable score. */
export class JudgeError extends AtlasError {}
/** IndexedDB, OPFS or disk trouble. */
export class StoreError extends AtlasError {}
/** A message between page and worker, or to a remote endpoint, that does not fit. */
export class ProtocolError extends AtlasError {}
/** Bad input from a person: flag, experiment file, batch file. The command line exits 2 on it. */
export class InputError extends AtlasError {}
/** A tensor with another shape than its kernel needs. */
export class ShapeError extends AtlasError {}

/** One line of text for any thrown value. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
