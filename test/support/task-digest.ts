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
export const TASK_DIGEST = 'a21fac70be4620e17fa0004221e5c56ddb1049fb22e0a15e02cc4a0b5eb8dc59';
