export interface ModelFileShape {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ffn: number;
  vocab: number;
  context: number;
}
export const SHAPE: ModelFileShape;
export function writeModelFile(path: string, shape?: ModelFileShape): void;
