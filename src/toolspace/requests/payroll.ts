// Requests to the payroll. Knows nothing of how parts are combined.
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, numberOf, textOf } from '../parts.ts';
import { DEDUCTIONS, DEPARTMENTS, type Employee, type PayrollState } from '../servers/payroll.ts';
import { firstIn, lastOfTwoPages, quoted } from './office-rows.ts';

const employees = (draft: Draft) => draft.state<PayrollState>('payroll').employees;

/** The id of an employee whose name may be misspelled in the request, and how it stands there. */
function findByName(draft: Draft, { name }: Employee): { id: string; shown: string } {
  const spelled = draft.spelled(name);
  const id = textOf(draft.find('payroll:find_employee', 'name', spelled, name), 'id');
  return { id, shown: quoted(spelled) };
}

/** An hourly rate that differs from the one now. */
function newRate(draft: Draft, now: number): number {
  const rate = draft.rng.int(310, 980) / 20;
  return rate === now ? rate + 1 : rate;
}

export const PAYROLL_REQUESTS: readonly Family[] = [
  {
    name: 'payroll_slip',
    tools: ['payroll:find_employee', 'payroll:get_payslip'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the {what} of the employee {who} [in|for] this pay period?',
        '[Tell me|Find out|Look up|Work out] the {what} of {who} [in|for] the pay period.',
        'How high is the {what} on the payslip of {who}?',
      ],
      heldOut: [
        'I need the {what} that the payslip of {who} shows.',
        'State the {what} of {who}, as it is on the payslip.',
      ],
    },
    draw(draft) {
      const employee = draft.take(employees(draft));
      const [what, key] = draft.rng.pick([
        ['net pay', 'net'],
        ['gross pay', 'gross'],
        ['overtime pay', 'overtime_pay'],
        ['income tax', 'income_tax'],
        ['social security tax', 'social_security'],
      ] as const);
      const { id, shown } = findByName(draft, employee);
      const value = numberOf(draft.call('payroll:get_payslip', { employee_id: id }), key);
      if (value === 0) throw new Rejected(`no ${what} to hand on`);
      return {
        ...asking({ who: shown, what }, [value], `the ${what} of ${employee.name}`),
        gives: value,
      };
    },
  },
  {
    name: 'payroll_overtime',
    tools: ['payroll:find_employee', 'payroll:get_timesheet'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many hours of overtime does {who} have in [the|this] pay period?',
        '[Tell me|Find out|Look up] how many overtime hours {who} has in the pay period.',
        'What is the total overtime of {who} in [the|this] pay period, in hours?',
      ],
      heldOut: [
        'Count the overtime hours on the timesheet of {who}.',
        'By how many hours is {who} above the regular time in the whole pay period?',
      ],
    },
    draw(draft) {
      const employee = draft.take(employees(draft));
      const { id, shown } = findByName(draft, employee);
      const sheet = draft.call('payroll:get_timesheet', { employee_id: id });
      const total = numberOf(sheet, 'total_overtime');
      return {
        ...asking({ who: shown }, [total], `the overtime hours of ${employee.name}`),
        gives: total,
      };
    },
  },
  {
    name: 'payroll_record',
    tools: ['payroll:find_employee', 'payroll:record_hours'],
    byName: true,
    phrasings: {
      train: [
        '[Record|Enter|Note] {hours} hours for {who} on {date}.',
        'The employee {who} worked {hours} hours on {date}, [record it|enter that].',
        '[Set|Change|Correct] the hours of {who} on {date} to {hours}.',
      ],
      heldOut: [
        'The timesheet of {who} should show {hours} hours on {date}.',
        'For {date}, book {hours} hours of work by {who}.',
      ],
    },
    draw(draft) {
      const employee = draft.take(employees(draft));
      const date = draft.rng.pick(Object.keys(employee.hours));
      const drawn = draft.rng.int(10, 48) / 4;
      const hours = drawn === employee.hours[date] ? drawn + 0.25 : drawn;
      const { id, shown } = findByName(draft, employee);
      draft.call('payroll:record_hours', { employee_id: id, date, hours });
      return changing(
        { who: shown, date, hours: String(hours) },
        `${hours} hours of ${employee.name} are recorded for ${date}`,
        [stateIs('payroll', ['employees', { id }, 'hours', date], hours)],
      );
    },
  },
  {
    name: 'payroll_set_rate',
    tools: ['payroll:find_employee', 'payroll:set_rate'],
    byName: true,
    takes: 'amount',
    phrasings: {
      train: [
        '[Set|Change|Update] the hourly rate of {who} to {rate}.',
        'Pay {who} {rate} [an|for each|per] hour.',
        'The hourly rate of {who} is now {rate}, [enter it|note that].',
      ],
      heldOut: [
        'Let {who} earn {rate} in an hour.',
        'In the payroll, {rate} should be the rate per hour of {who}.',
      ],
    },
    draw(draft) {
      const employee = draft.take(employees(draft));
      const { value: rate, shown: sum } = draft.given('amount', () =>
        newRate(draft, employee.rate),
      );
      if (rate === employee.rate) throw new Rejected(`${employee.name} has that rate`);
      const { id, shown } = findByName(draft, employee);
      draft.call('payroll:set_rate', { employee_id: id, rate });
      return changing({ who: shown, rate: sum }, `${employee.name} earns ${rate} an hour`, [
        stateIs('payroll', ['employees', { id }, 'rate'], rate),
      ]);
    },
  },
  {
    name: 'payroll_raise',
    tools: ['payroll:find_employee', 'payroll:set_rate', 'payroll:get_payslip'],
    byName: true,
    gives: 'amount',
    phrasings: {
      train: [
        '[Set|Change] the hourly rate of {who} to {rate} and [tell|give] me the net pay that results.',
        'Pay {who} {rate} [an|per] hour; what is the net pay [then|after that]?',
        'What is the net pay of {who} once the hourly rate is {rate}? [Make the change|Change the rate|Do it].',
      ],
      heldOut: [
        'Enter {rate} as the rate per hour of {who} and state the new net pay.',
        'With the hourly rate of {who} put to {rate}, how much is paid out? Change it and tell me.',
      ],
    },
    draw(draft) {
      const employee = draft.take(employees(draft));
      const rate = newRate(draft, employee.rate);
      const { id, shown } = findByName(draft, employee);
      draft.call('payroll:set_rate', { employee_id: id, rate });
      const net = numberOf(draft.call('payroll:get_payslip', { employee_id: id }), 'net');
      const part = askingAndChanging(
        { who: shown, rate: String(rate) },
        [net],
        `the net pay of ${employee.name} at ${rate} an hour`,
        [stateIs('payroll', ['employees', { id }, 'rate'], rate)],
      );
      return { ...part, gives: net };
    },
  },
  {
    name: 'payroll_deduct',
    tools: ['payroll:set_deduction'],
    byName: false,
    takes: 'amount',
    phrasings: {
      train: [
        '[Set|Change] the {kind} deduction of [|the employee ]{id} to {sum}.',
        '[Deduct|Take off] {sum} for {kind} from the pay of [|the employee ]{id}.',
        'From the pay of [|the employee ]{id}, [deduct|take off] {sum} for {kind}.',
      ],
      heldOut: [
        'The employee {id} pays {sum} for {kind} from now on; make that a deduction.',
        'Withhold {sum} from {id} for {kind}.',
      ],
    },
    draw(draft) {
      const { value: sum, shown } = draft.given('amount', () => draft.rng.int(410, 8990) / 100);
      const { id, deductions } = draft.take(employees(draft));
      const kind = draft.rng.pick(DEDUCTIONS);
      if (sum <= 0) throw new Rejected('nothing to deduct');
      if (deductions.some((item) => item.kind === kind && item.amount === sum))
        throw new Rejected(`${id} pays that already`);
      draft.call('payroll:set_deduction', { employee_id: id, deduction: { kind, amount: sum } });
      return changing({ id, kind, sum: shown }, `${id} pays ${sum} for ${kind}`, [
        stateIs('payroll', ['employees', { id }, 'deductions', { kind }, 'amount'], sum),
      ]);
    },
  },
  {
    name: 'payroll_total',
    tools: ['payroll:get_totals'],
    byName: false,
    gives: 'amount',
    phrasings: {
      train: [
        'What is the [total|sum of the] {what} pay of the {department} in [the|this] pay period?',
        '[Tell me|Find out|Work out] the total {what} pay of the {department} department.',
        'How much is the {what} pay of all employees of the {department} together?',
      ],
      heldOut: [
        'Add up the {what} pay of everybody in the {department}.',
        'Over all payslips of the {department} department, how high is the {what} pay?',
      ],
    },
    draw(draft) {
      const department = draft.rng.pick(DEPARTMENTS);
      const what = draft.rng.pick(['gross', 'net'] as const);
      draft.claim(`${what} of ${department}`);
      const total = numberOf(draft.call('payroll:get_totals', { department }), what);
      return {
        ...asking({ department, what }, [total], `the ${what} pay of the ${department}`),
        gives: total,
      };
    },
  },
  {
    name: 'payroll_longest',
    tools: ['payroll:list_employees', 'payroll:get_employee'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'Who has [worked in the {department}|been in the {department} department] [the longest|longest], and since what date?',
        'Which employee of the {department} was hired first, and on what date?',
        '[Find|Look up] the employee of the {department} with the earliest hiring date and [tell|give] me the name and that date.',
      ],
      heldOut: [
        'Name the most senior employee of the {department} by the day of hiring, and that day.',
        'The {department} has somebody who joined before all others there: who is it, and when was that?',
      ],
    },
    draw(draft) {
      const department = draft.rng.pick(DEPARTMENTS);
      draft.claim(`longest in ${department}`);
      const { id } = firstIn(draft.call('payroll:list_employees', { department }));
      const found = draft.call('payroll:get_employee', { id: String(id) });
      const hired = textOf(found, 'hired');
      return {
        ...asking(
          { department },
          [textOf(found, 'name'), hired],
          `who is longest in the ${department}`,
        ),
        gives: hired,
      };
    },
  },
  {
    name: 'payroll_newest_rate',
    tools: ['payroll:list_employees', 'payroll:list_employees', 'payroll:get_employee'],
    byName: false,
    gives: 'person',
    phrasings: {
      train: [
        'Who [was hired last|is the newest] of all employees in the payroll, and what is the {what}?',
        '[Find|Look up] the employee in the payroll who was hired last and [tell|give] me the name and the {what}.',
        'Of all employees in the payroll, who [joined last|was hired most recently], and what is the {what}?',
      ],
      heldOut: [
        'Name the newest employee on the payroll by the day of hiring, and the {what}.',
        'Somebody on the payroll was hired after all others: state who and the {what}.',
      ],
    },
    draw(draft) {
      const newest = lastOfTwoPages((page) =>
        draft.call('payroll:list_employees', page === null ? {} : { page }),
      );
      const [what, key] = draft.rng.pick([
        ['hourly rate', 'rate'],
        ['percent of income tax', 'withholding'],
      ] as const);
      draft.claim('the newest employee');
      const found = draft.call('payroll:get_employee', { id: textOf(newest, 'id') });
      const asked = [textOf(found, 'name'), numberOf(found, key)];
      return {
        ...asking({ what }, asked, `the newest employee and the ${what}`),
        gives: textOf(found, 'name'),
      };
    },
  },
];
