// The built-in payroll: what people earn in a pay period of two weeks, to the cent. Knows nothing of tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import {
  byId,
  byName,
  changed,
  defineTool,
  drawIds,
  pageOf,
  pageSchema,
  type ServerDef,
} from '../server.ts';
import { daysBetween, distinct, isDate, personName, shiftDate } from '../values.ts';

export const DEPARTMENTS = ['workshop', 'warehouse', 'kitchen', 'office'] as const;
export const DEDUCTIONS = ['pension', 'parking', 'meals', 'insurance'] as const;

type Deduction = { kind: string; amount: number };
/**
 * `rate` is what an hour pays, `withholding` the percent of income tax, `hours` the hours of each day worked, and
 * deductions are amounts for each pay period.
 */
export type Employee = {
  id: string;
  name: string;
  department: string;
  hired: string;
  rate: number;
  withholding: number;
  deductions: Deduction[];
  hours: Record<string, number>;
};
/** `period` holds its first day, a Monday, and its last, a Sunday. */
export type PayrollState = { period: { start: string; end: string }; employees: Employee[] };

// Hours above 40 in a week are paid one and a half times: 29 U.S.C. 207(a)(1).
const WEEK_QUARTERS = 40 * 4;
// Basis points that employees pay for social security and Medicare: 26 U.S.C. 3101.
const SOCIAL_SECURITY = 620;
const MEDICARE = 145;
const MONDAY = '2024-01-01';

const employeeId = z.string().describe('employee id, such as EMP-214');
const department = z.enum(DEPARTMENTS);
const amount = z.number().min(0).max(5000).describe('in whole cents, such as 12.5');
const deduction = z.strictObject({ kind: z.enum(DEDUCTIONS), amount });
const row = z.strictObject({ id: z.string(), name: z.string(), department });

const cents = (money: number) => Math.round(money * 100);
const money = (inCents: number) => inCents / 100;

/** Why an amount is none that can be paid; null when it can. */
function notWhole(key: string, value: number): { error: string } | null {
  const whole = Math.abs(value * 100 - cents(value)) < 1e-6;
  return whole ? null : { error: `${key}: got ${value}, need whole cents` };
}

/** A share of a sum, both in whole units; half a cent goes up. */
const share = (inCents: number, basisPoints: number) =>
  Math.round((inCents * basisPoints) / 10_000);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

function mondayOf(date: string): string {
  const days = daysBetween(MONDAY, date);
  return shiftDate(date, -(((days % 7) + 7) % 7));
}

/** Quarters of an hour in each week of the period, as regular time and as overtime. */
function weeksOf({ period }: PayrollState, { hours }: Employee) {
  return [period.start, shiftDate(period.start, 7)].map((week) => {
    const days = Object.entries(hours).filter(([date]) => mondayOf(date) === week);
    const quarters = sum(days.map(([, value]) => value * 4));
    const regular = Math.min(quarters, WEEK_QUARTERS);
    return { week, regular, overtime: quarters - regular };
  });
}

const payslipSchema = z.strictObject({
  regular_pay: z.number(),
  overtime_pay: z.number(),
  gross: z.number(),
  social_security: z.number(),
  medicare: z.number(),
  income_tax: z.number(),
  deductions: z.number(),
  net: z.number(),
});
type Payslip = z.infer<typeof payslipSchema>;

/** Each line is rounded to cents by itself; deductions take no more than what is left. */
function payslipOf(state: PayrollState, employee: Employee): Payslip {
  const weeks = weeksOf(state, employee);
  const rate = cents(employee.rate);
  const regular = Math.round((sum(weeks.map((week) => week.regular)) * rate) / 4);
  const overtime = Math.round((sum(weeks.map((week) => week.overtime)) * rate * 3) / 8);
  const gross = regular + overtime;
  const social = share(gross, SOCIAL_SECURITY);
  const medicare = share(gross, MEDICARE);
  const tax = share(gross, employee.withholding * 100);
  const left = gross - social - medicare - tax;
  const deducted = Math.min(left, sum(employee.deductions.map((item) => cents(item.amount))));
  return {
    regular_pay: money(regular),
    overtime_pay: money(overtime),
    gross: money(gross),
    social_security: money(social),
    medicare: money(medicare),
    income_tax: money(tax),
    deductions: money(deducted),
    net: money(left - deducted),
  };
}

const listEmployees = defineTool({
  name: 'list_employees',
  description:
    'Lists the employees of all departments or of one, by the day they were hired, the earliest first.',
  input: z.strictObject({
    department: department.optional(),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(row),
  kind: 'reads',
  run(state: PayrollState, args) {
    const found = state.employees
      .filter((item) => args.department === undefined || item.department === args.department)
      .sort((a, b) => daysBetween(b.hired, a.hired));
    return pageOf(
      found.map(({ id, name, department: place }) => ({
        id,
        name,
        department: department.parse(place),
      })),
      args.page,
    );
  },
});

const findEmployee = defineTool({
  name: 'find_employee',
  description: 'Finds an employee by name and tells id and department.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), department }),
  kind: 'reads',
  run(state: PayrollState, { name }) {
    const employee = byName(state.employees, name, (item) => item.name);
    if (typeof employee === 'string') return { error: employee };
    return { value: { id: employee.id, department: department.parse(employee.department) } };
  },
});

const getEmployee = defineTool({
  name: 'get_employee',
  description:
    'Reads the file of an employee: hiring date, hourly rate, percent of income tax and deductions.',
  input: z.strictObject({ id: employeeId }),
  output: row.extend({
    hired: z.string(),
    rate: z.number(),
    withholding: z.number(),
    deductions: z.array(deduction),
  }),
  kind: 'reads',
  run(state: PayrollState, { id }) {
    const employee = byId(state.employees, id);
    if (typeof employee === 'string') return { error: employee };
    const { hours: _, ...rest } = employee;
    const parsed = {
      department: department.parse(rest.department),
      deductions: z.array(deduction).parse(rest.deductions),
    };
    return { value: { ...rest, ...parsed } };
  },
});

const getTimesheet = defineTool({
  name: 'get_timesheet',
  description:
    'Reads the hours of an employee in the pay period, by week: regular hours, and overtime above 40 hours.',
  input: z.strictObject({ employee_id: employeeId }),
  output: z.strictObject({
    weeks: z.array(
      z.strictObject({ week_of: z.string(), regular: z.number(), overtime: z.number() }),
    ),
    total_regular: z.number(),
    total_overtime: z.number(),
  }),
  kind: 'reads',
  run(state: PayrollState, args) {
    const employee = byId(state.employees, args.employee_id);
    if (typeof employee === 'string') return { error: employee };
    const weeks = weeksOf(state, employee).map(({ week, regular, overtime }) => ({
      week_of: week,
      regular: regular / 4,
      overtime: overtime / 4,
    }));
    return {
      value: {
        weeks,
        total_regular: sum(weeks.map(({ regular }) => regular)),
        total_overtime: sum(weeks.map(({ overtime }) => overtime)),
      },
    };
  },
});

function update(state: PayrollState, id: string, set: Partial<Employee>): PayrollState {
  return { ...state, employees: changed(state.employees, id, set) };
}

const recordHours = defineTool({
  name: 'record_hours',
  description:
    'Records the hours that an employee worked on a day of the pay period, in place of what was recorded for it.',
  input: z.strictObject({
    employee_id: employeeId,
    date: z.string().describe('day of the pay period, like 2026-03-14'),
    hours: z.number().min(0).max(24).multipleOf(0.25),
  }),
  output: z.strictObject({ date: z.string(), hours: z.number() }),
  kind: 'sets',
  run(state: PayrollState, { employee_id: id, date, hours }) {
    const employee = byId(state.employees, id);
    if (typeof employee === 'string') return { error: employee };
    if (!isDate(date)) return { error: `date: got '${date}', need a date like 2026-03-14` };
    const { start, end } = state.period;
    if (date < start || date > end)
      return { error: `date: got ${date}, the pay period is ${start} to ${end}` };
    const all = { ...employee.hours, [date]: hours };
    return { value: { date, hours }, state: update(state, employee.id, { hours: all }) };
  },
});

const setRate = defineTool({
  name: 'set_rate',
  description: 'Sets what an employee earns in an hour, for the whole pay period.',
  input: z.strictObject({
    employee_id: employeeId,
    rate: z.number().min(1).max(1000).describe('per hour, in whole cents, such as 24.35'),
  }),
  output: z.strictObject({ employee_id: z.string(), rate: z.number() }),
  kind: 'sets',
  run(state: PayrollState, { employee_id: id, rate }) {
    const employee = byId(state.employees, id);
    if (typeof employee === 'string') return { error: employee };
    const wrong = notWhole('rate', rate);
    if (wrong !== null) return wrong;
    return {
      value: { employee_id: employee.id, rate },
      state: update(state, employee.id, { rate }),
    };
  },
});

const setDeduction = defineTool({
  name: 'set_deduction',
  description:
    'Sets what is taken off the pay of an employee in each pay period for a purpose; 0 ends it.',
  input: z.strictObject({ employee_id: employeeId, deduction }),
  output: z.strictObject({ employee_id: z.string(), deductions: z.array(deduction) }),
  kind: 'sets',
  run(state: PayrollState, args) {
    const employee = byId(state.employees, args.employee_id);
    if (typeof employee === 'string') return { error: employee };
    const wrong = notWhole('deduction.amount', args.deduction.amount);
    if (wrong !== null) return wrong;
    const others = employee.deductions.filter(({ kind }) => kind !== args.deduction.kind);
    const all = z.array(deduction).parse([...others, args.deduction]);
    // In the order of the list, so that the order of calls does not show in the state.
    const deductions = DEDUCTIONS.flatMap((kind) =>
      all.filter((item) => item.kind === kind && item.amount > 0),
    );
    return {
      value: { employee_id: employee.id, deductions },
      state: update(state, employee.id, { deductions }),
    };
  },
});

const getPayslip = defineTool({
  name: 'get_payslip',
  description:
    'Works out the pay of an employee for the pay period, line by line from gross to net.',
  input: z.strictObject({ employee_id: employeeId }),
  output: payslipSchema,
  kind: 'reads',
  run(state: PayrollState, args) {
    const employee = byId(state.employees, args.employee_id);
    return typeof employee === 'string'
      ? { error: employee }
      : { value: payslipOf(state, employee) };
  },
});

const getTotals = defineTool({
  name: 'get_totals',
  description: 'Adds up the payslips of the pay period, of all departments or of one.',
  input: z.strictObject({ department: department.optional() }),
  output: z.strictObject({
    period: z.strictObject({ start: z.string(), end: z.string() }),
    employees: z.int(),
    gross: z.number(),
    net: z.number(),
  }),
  kind: 'reads',
  run(state: PayrollState, args) {
    const slips = state.employees
      .filter((item) => args.department === undefined || item.department === args.department)
      .map((employee) => payslipOf(state, employee));
    const gross = money(sum(slips.map((slip) => cents(slip.gross))));
    const net = money(sum(slips.map((slip) => cents(slip.net))));
    return { value: { period: state.period, employees: slips.length, gross, net } };
  },
});

/** The payroll server. Its state is `{period: {start, end}, employees: [{id, name, department, hired, rate, withholding, deductions, hours}]}`. */
export const payroll: ServerDef = {
  name: 'payroll',
  description: 'Employees with their hours, rates, deductions and payslips of a pay period.',
  tools: [
    listEmployees,
    findEmployee,
    getEmployee,
    getTimesheet,
    recordHours,
    setRate,
    setDeduction,
    getPayslip,
    getTotals,
  ],
  initial(rng, pool, clock): PayrollState {
    const count = rng.int(9, 10);
    const names = distinct(count, () => personName(rng, pool));
    const today = clock.slice(0, 10);
    const hired = distinct(count, () => shiftDate(today, -rng.int(60, 4000)));
    // The period is over, so that no day of it lies in the future.
    const start = shiftDate(mondayOf(today), -14);
    const workdays = [0, 1, 2, 3, 4, 7, 8, 9, 10, 11].map((days) => shiftDate(start, days));
    const employees = drawIds(rng, 'EMP', count, 101, 987).map((id, i): Employee => {
      const kinds = rng.sample(DEDUCTIONS, rng.int(1, 2));
      // Each second one works long days, so that overtime is always there.
      const [shortest, longest] = i % 2 === 0 ? [33, 40] : [24, 36];
      return {
        id,
        name: defined(names[i], 'name'),
        department: DEPARTMENTS[i] ?? rng.pick(DEPARTMENTS),
        hired: defined(hired[i], 'day'),
        rate: money(rng.int(1450, 4650)),
        withholding: rng.int(8, 22),
        deductions: DEDUCTIONS.filter((kind) => kinds.includes(kind)).map((kind) => ({
          kind,
          amount: money(rng.int(500, 6000)),
        })),
        hours: Object.fromEntries(workdays.map((day) => [day, rng.int(shortest, longest) / 4])),
      };
    });
    return { period: { start, end: shiftDate(start, 13) }, employees };
  },
};
