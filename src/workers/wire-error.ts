// Errors as plain data, of the same class on the other side of a worker's line. Must not know any call.
import * as Comlink from 'comlink';
import {
  AtlasError,
  DeviceError,
  errorMessage,
  InputError,
  JudgeError,
  ModelFileError,
  ProtocolError,
  SandboxError,
  ShapeError,
  StoreError,
  ToolError,
} from '../base/errors.ts';

/** An error as plain data. `type` names a class of base/errors.ts, or is null for any other error. */
export interface WireError {
  type: string | null;
  name: string;
  message: string;
  code: string;
  data: Readonly<Record<string, unknown>>;
  stack: string;
}

// Not by their names at run time, which a build shortens. A subclass stands before its base.
const ERROR_CLASSES = {
  DeviceError,
  ModelFileError,
  ToolError,
  JudgeError,
  StoreError,
  ProtocolError,
  InputError,
  SandboxError,
  ShapeError,
  AtlasError,
} as const;

/** Any thrown value as data. */
export function toWireError(error: unknown): WireError {
  const found = Object.entries(ERROR_CLASSES).find(([, type]) => error instanceof type);
  const { code, data } = error instanceof AtlasError ? error : { code: '', data: {} };
  return {
    type: found?.[0] ?? null,
    name: error instanceof Error ? error.name : 'Error',
    message: errorMessage(error),
    code,
    data,
    stack: error instanceof Error ? (error.stack ?? '') : '',
  };
}

/** The error that data stands for, of its own class, with `code` and `data`. */
export function fromWireError(wire: WireError): Error {
  const type = Object.entries(ERROR_CLASSES).find(([name]) => name === wire.type)?.[1];
  const error =
    type === undefined
      ? new Error(wire.message)
      : new type(wire.code, wire.message, { data: { ...wire.data } });
  error.name = wire.type ?? wire.name;
  error.stack = wire.stack;
  return error;
}

function isThrown(value: unknown): value is { value: unknown } {
  return typeof value === 'object' && value !== null && 'value' in value;
}

/** Makes comlink carry `code` and `data` of our errors. To be called once on each side. */
export function installErrorTransfer(): void {
  const original = Comlink.transferHandlers.get('throw');
  if (original === undefined) {
    throw new ProtocolError('comlink', 'comlink: got no `throw` handler, need version 4');
  }
  Comlink.transferHandlers.set('throw', {
    canHandle: (value): value is unknown => original.canHandle(value),
    serialize: (thrown) => [toWireError(isThrown(thrown) ? thrown.value : thrown), []],
    deserialize: (wire) => {
      throw fromWireError(wire as WireError);
    },
  });
}
