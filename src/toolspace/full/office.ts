// Servers of toolspace full about the work of an office.
import { CHAT_REQUESTS } from '../requests/chat.ts';
import { CONTACTS_REQUESTS } from '../requests/contacts.ts';
import { FILES_REQUESTS } from '../requests/files.ts';
import { ISSUES_REQUESTS } from '../requests/issues.ts';
import { MAIL_REQUESTS } from '../requests/mail.ts';
import { PAYROLL_REQUESTS } from '../requests/payroll.ts';
import { chat } from '../servers/chat.ts';
import { contacts } from '../servers/contacts.ts';
import { files } from '../servers/files.ts';
import { issues } from '../servers/issues.ts';
import { mail } from '../servers/mail.ts';
import { payroll } from '../servers/payroll.ts';
import type { BuiltIn } from './built-in.ts';

export const OFFICE: readonly BuiltIn[] = [
  { server: files, requests: FILES_REQUESTS },
  { server: mail, requests: MAIL_REQUESTS },
  { server: contacts, requests: CONTACTS_REQUESTS },
  { server: issues, requests: ISSUES_REQUESTS },
  { server: chat, requests: CHAT_REQUESTS },
  { server: payroll, requests: PAYROLL_REQUESTS },
];
