// Servers of toolspace full that are kept for the unseen split.
import { CALCULATOR_REQUESTS } from '../requests/calculator.ts';
import { DRIVE_REQUESTS } from '../requests/drive.ts';
import { SHELL_REQUESTS } from '../requests/shell.ts';
import { calculator } from '../servers/calculator.ts';
import { drive } from '../servers/drive.ts';
import { shell } from '../servers/shell.ts';
import type { BuiltIn } from './built-in.ts';

export const UNSEEN: readonly BuiltIn[] = [
  { server: calculator, requests: CALCULATOR_REQUESTS },
  { server: drive, requests: DRIVE_REQUESTS },
  { server: shell, requests: SHELL_REQUESTS },
];
