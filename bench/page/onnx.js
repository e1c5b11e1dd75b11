// Writes ONNX files of one node, as bytes of protocol buffers. Knows no runtime.
// Source: onnx/onnx.proto3 of onnx/onnx at v1.19.0; com.microsoft operators in docs/ContribOperators.md of
// microsoft/onnxruntime at v1.30.0.

const FLOAT = 1;
const UINT8 = 2;
const ATTRIBUTE_INT = 2;

function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return Uint8Array.of(...bytes, rest);
}

function join(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Field `number` with a whole number. */
function int(number, value) {
  return join([varint(number * 8), varint(value)]);
}

/** Field `number` with bytes, text or the fields of a message. */
function field(number, value) {
  const bytes =
    typeof value === 'string'
      ? new TextEncoder().encode(value)
      : Array.isArray(value)
        ? join(value)
        : value;
  return join([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function tensor(name, type, dims, values) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return field(5, [
    ...dims.map((dim) => int(1, dim)),
    int(2, type),
    field(8, name),
    field(9, bytes),
  ]);
}

/** A named value of F32 numbers; 11 is an input of the graph, 12 an output. */
function value(number, name, dims) {
  const shape = dims.map((dim) => field(1, [int(1, dim)]));
  return field(number, [field(1, name), field(2, [field(1, [int(1, FLOAT), field(2, shape)])])]);
}

function attribute(name, whole) {
  return field(5, [field(1, name), int(3, whole), int(20, ATTRIBUTE_INT)]);
}

function model({ op, domain, inputs, attributes, tensors, ends }) {
  const node = field(1, [
    ...inputs.map((name) => field(1, name)),
    field(2, 'y'),
    field(3, op),
    field(4, op),
    ...Object.entries(attributes).map(([name, whole]) => attribute(name, whole)),
    field(7, domain),
  ]);
  return join([
    int(1, 8),
    field(7, [node, field(2, 'graph'), ...tensors, ...ends]),
    field(8, [field(1, ''), int(2, 17)]),
    field(8, [field(1, 'com.microsoft'), int(2, 1)]),
  ]);
}

/** y (M, N) = x (M, K) w; w is (K, N). */
export function matMul({ M, N, K, w }) {
  return model({
    ...{ op: 'MatMul', domain: '', inputs: ['x', 'w'], attributes: {} },
    tensors: [tensor('w', FLOAT, [K, N], w)],
    ends: [value(11, 'x', [M, K]), value(12, 'y', [M, N])],
  });
}

/**
 * y (M, N) = x (M, K) wᵀ; w is (N, K) in blocks of 32: half bytes less 8, times the block's scale.
 * @param halves (N, K / 32, 16) bytes, the even value in the low half.
 * @param level how activations may be rounded: 1 is F32, 4 is 8 bits.
 */
export function matMulNBits({ M, N, K, halves, scales, level }) {
  const blocks = K / 32;
  return model({
    ...{ op: 'MatMulNBits', domain: 'com.microsoft', inputs: ['x', 'w', 's'] },
    attributes: { K, N, bits: 4, block_size: 32, accuracy_level: level },
    tensors: [tensor('w', UINT8, [N, blocks, 16], halves), tensor('s', FLOAT, [N, blocks], scales)],
    ends: [value(11, 'x', [M, K]), value(12, 'y', [M, N])],
  });
}
