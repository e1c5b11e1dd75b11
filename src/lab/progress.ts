// What a run tells while it works. Nothing here enters a result.

export type LabProgress =
  | { kind: 'rollout'; step: number; done: number; total: number }
  | { kind: 'update'; step: number; done: number; total: number }
  | { kind: 'step'; step: number; steps: number }
  /** Something that a person should know of: the run goes on. */
  | { kind: 'warning'; step: number; text: string };

export type OnProgress = (progress: LabProgress) => void;
