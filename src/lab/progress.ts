// What a run tells while it works. Nothing here enters a result.

export type LabProgress =
  | { kind: 'rollout'; step: number; done: number; total: number }
  | { kind: 'update'; step: number; done: number; total: number }
  | { kind: 'step'; step: number; steps: number };

export type OnProgress = (progress: LabProgress) => void;
