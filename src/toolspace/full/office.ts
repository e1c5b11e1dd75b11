// Servers of toolspace full about the work of an office.
import { CONTACTS_REQUESTS } from '../requests/contacts.ts';
import { FILES_REQUESTS } from '../requests/files.ts';
import { ISSUES_REQUESTS } from '../requests/issues.ts';
import { MAIL_REQUESTS } from '../requests/mail.ts';
import { contacts } from '../servers/contacts.ts';
import { files } from '../servers/files.ts';
import { issues } from '../servers/issues.ts';
import { mail } from '../servers/mail.ts';
import type { BuiltIn } from './built-in.ts';

export const OFFICE: readonly BuiltIn[] = [
  { server: files, requests: FILES_REQUESTS },
  { server: mail, requests: MAIL_REQUESTS },
  { server: contacts, requests: CONTACTS_REQUESTS },
  { server: issues, requests: ISSUES_REQUESTS },
];
