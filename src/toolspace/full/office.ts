// Servers of toolspace full about the work of an office.
import { FILES_REQUESTS } from '../requests/files.ts';
import { MAIL_REQUESTS } from '../requests/mail.ts';
import { files } from '../servers/files.ts';
import { mail } from '../servers/mail.ts';
import type { BuiltIn } from './built-in.ts';

export const OFFICE: readonly BuiltIn[] = [
  { server: files, requests: FILES_REQUESTS },
  { server: mail, requests: MAIL_REQUESTS },
];
