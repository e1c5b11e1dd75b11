import { describe, expect, test } from 'vitest';
import { OFFICE } from '../../../src/toolspace/full/office.ts';
import type { ServerDef } from '../../../src/toolspace/server.ts';
import { type Contact, contacts } from '../../../src/toolspace/servers/contacts.ts';
import { files } from '../../../src/toolspace/servers/files.ts';
import { type Employee, payroll } from '../../../src/toolspace/servers/payroll.ts';
import type { JsonObject } from '../../../src/trajectory/json.ts';
import { keepsTheRules } from '../../support/built-in-rules.ts';

keepsTheRules(OFFICE, 8);

const run = (server: ServerDef, name: string, state: JsonObject, args: JsonObject, clock: string) =>
  server.tools.find((tool) => tool.name === name)?.run(state, args, clock);

describe('payslips', () => {
  const weeks = ['2026-03-02', '2026-03-09'];
  const employee: Employee = {
    id: 'EMP-101',
    name: 'Lomira',
    department: 'office',
    hired: '2020-01-01',
    rate: 20,
    withholding: 10,
    deductions: [{ kind: 'meals', amount: 50 }],
    // 45 hours in the first week: 10 on four days, 5 on the fifth; 40 in the second.
    hours: {
      '2026-03-02': 10,
      '2026-03-03': 10,
      '2026-03-04': 10,
      '2026-03-05': 10,
      '2026-03-08': 5,
      '2026-03-09': 10,
      '2026-03-10': 10,
      '2026-03-11': 10,
      '2026-03-12': 10,
    },
  };
  const state = { period: { start: '2026-03-02', end: '2026-03-15' }, employees: [employee] };

  test('overtime is counted by week, a Sunday belongs to the week before', () => {
    const sheet = run(payroll, 'get_timesheet', state, { employee_id: 'EMP-101' }, '');
    expect(sheet).toEqual({
      value: {
        weeks: [
          { week_of: weeks[0], regular: 40, overtime: 5 },
          { week_of: weeks[1], regular: 40, overtime: 0 },
        ],
        total_regular: 80,
        total_overtime: 5,
      },
    });
  });

  test('each line is rounded to cents', () => {
    // 80 h × 20 = 1600; 5 h × 30 = 150; 1750 × 6.2 % = 108.50; 1750 × 1.45 % = 25.375; 1750 × 10 % = 175.
    expect(run(payroll, 'get_payslip', state, { employee_id: 'EMP-101' }, '')).toEqual({
      value: {
        regular_pay: 1600,
        overtime_pay: 150,
        gross: 1750,
        social_security: 108.5,
        medicare: 25.38,
        income_tax: 175,
        deductions: 50,
        net: 1391.12,
      },
    });
  });

  test('a rate below a cent is refused', () => {
    const args = { employee_id: 'EMP-101', rate: 20.125 };
    expect(run(payroll, 'set_rate', state, args, '')).toEqual({
      error: 'rate: got 20.125, need whole cents',
    });
  });
});

describe('birthdays', () => {
  test('of 29 February are on 1 March in a common year', () => {
    const leapling: Contact = {
      id: 'C-101',
      name: 'Lomira',
      phone: '',
      email: '',
      company: '',
      city: '',
      birthday: '2000-02-29',
      groups: [],
    };
    const state = { contacts: [leapling] };
    expect(run(contacts, 'upcoming_birthdays', state, {}, '2026-02-20T09:00')).toEqual({
      value: { birthdays: [{ id: 'C-101', name: 'Lomira', date: '2026-03-01', turns: 26 }] },
    });
  });
});

describe('paths', () => {
  const state = { files: [{ id: '/a/notes.md', content: 'x', modified: '2026-01-01' }] };
  const clock = '2026-02-20T09:00';

  test('a file holds no files', () => {
    const args = { path: '/a/notes.md/more.md', content: 'y' };
    expect(run(files, 'write_file', state, args, clock)).toEqual({
      error: "path: '/a/notes.md' is a file, not a directory",
    });
  });

  test('a destination that ends with a slash keeps the name', () => {
    const args = { source: '/a/notes.md', destination: '/b/' };
    expect(run(files, 'move_file', state, args, clock)).toEqual({
      value: { path: '/b/notes.md' },
      state: { files: [{ id: '/b/notes.md', content: 'x', modified: '2026-01-01' }] },
    });
  });

  test('only * and ? are special in a pattern', () => {
    const total = (pattern: string) => {
      const outcome = run(files, 'search_files', state, { pattern }, clock);
      return outcome !== undefined && 'value' in outcome ? outcome.value['total'] : null;
    };
    expect(['*.md', 'n?tes.md', 'notes+md', '.*', 'notes'].map(total)).toEqual([1, 1, 0, 0, 0]);
  });
});
