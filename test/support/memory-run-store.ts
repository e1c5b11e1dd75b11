// A RunStore in memory that a test can look into, and that can die before a chosen operation.
import type { RunLog, RunStore } from '../../src/trajectory/interfaces.ts';

/** Keeps what was written until the test ends. */
export class MemoryRunStore implements RunStore {
  readonly logs: Record<RunLog, string[]> = { metrics: [], trajectories: [], timing: [] };
  readonly files = new Map<string, Uint8Array>();
  checkpoint: Record<string, Uint8Array> | null = null;
  checkpoints = 0;
  operations = 0;
  /** Dies at this operation (from 1); what it was to write is not written. */
  dieAt = Number.POSITIVE_INFINITY;

  async append(log: RunLog, line: string): Promise<void> {
    this.#step();
    this.logs[log].push(line);
  }

  async readLog(log: RunLog): Promise<string[]> {
    return [...this.logs[log]];
  }

  async truncateLog(log: RunLog, lines: number): Promise<void> {
    if (this.logs[log].length < lines) throw new Error(`${log} has fewer than ${lines} lines`);
    this.logs[log].length = lines;
  }

  async writeCheckpoint(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    this.#step();
    this.checkpoint = { ...files };
    this.checkpoints++;
  }

  async readCheckpoint(): Promise<Record<string, Uint8Array> | null> {
    return this.checkpoint;
  }

  async writeFile(path: string, bytes: Uint8Array): Promise<void> {
    this.#step();
    this.files.set(path, bytes);
  }

  #step(): void {
    if (++this.operations >= this.dieAt) throw new Error('the process died');
  }
}
