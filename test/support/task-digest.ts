// What the task generator gives, as one hash: the same wherever it runs.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { generateTasks } from '../../src/toolspace/tasks.ts';

/** SHA-256 of the JSON of 120 tasks of core and 180 of full, from seed 11. */
export function taskDigest(): string {
  const draws = [
    ['core', 'train'],
    ['core', 'test'],
    ['full', 'train'],
    ['full', 'test'],
    ['full', 'unseen'],
  ] as const;
  const tasks = draws.flatMap(([toolspace, split]) =>
    generateTasks({ toolspace, split, count: 60, seed: 11 }),
  );
  return bytesToHex(sha256(utf8ToBytes(JSON.stringify(tasks))));
}

/** What it is; to be changed together with a server, a request or the generator. */
export const TASK_DIGEST = 'b33c86930f59fda008c241beeda591e13202683e57d12486e534de482586388a';
