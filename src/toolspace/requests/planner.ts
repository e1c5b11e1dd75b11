// Requests to the planner. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field } from '../parts.ts';
import { type PlannerState, type Step, stepTitle } from '../servers/planner.ts';
import { entryAt } from './unseen-parts.ts';

const plans = (draft: Draft) => draft.state<PlannerState>('planner').plans;
const openSteps = (steps: readonly Step[]) => steps.filter(({ done }) => !done);

export const PLANNER_REQUESTS: readonly Family[] = [
  {
    name: 'planner_progress',
    tools: ['planner:open_plan', 'planner:plan_progress'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How far is the plan {plan}, in percent, and how many hours are left?',
        '[Open|Look up] the plan {plan} and [tell|give] me its progress in percent and the hours left.',
        'What percentage of {plan} is done, and how many hours of work remain?',
        'Report on [|the plan ]{plan}: percent done and hours left.',
      ],
      heldOut: [
        'I want to know how {plan} is coming along: first the percentage, then the hours still to go.',
        'How many percent of the steps of {plan} are behind us, and how many hours lie ahead?',
      ],
    },
    draw(draft) {
      const { title } = draft.take(plans(draft));
      const spelled = draft.spelled(title);
      const { id } = draft.find('planner:open_plan', 'title', spelled, title);
      const progress = draft.call('planner:plan_progress', { plan: id ?? '' });
      const left = Number(field(progress, 'hours_left'));
      return {
        ...asking(
          { plan: `'${spelled}'` },
          [field(progress, 'percent'), left],
          `percent done and hours left of '${title}'`,
        ),
        gives: left,
      };
    },
  },
  {
    name: 'planner_next',
    tools: ['planner:open_plan', 'planner:upcoming_step'],
    byName: true,
    gives: 'text',
    phrasings: {
      train: [
        'What is the next step of the plan {plan} that can be begun, and how many hours will it take?',
        '[Open|Look up] the plan {plan} and [tell|give] me the title and the hours of the step that comes next.',
        'Which step is [up next|to be done next] in {plan}, and for how many hours?',
        'Name the step to do next in the plan {plan}, and its estimate in hours.',
      ],
      heldOut: [
        'I have time to work on {plan}. With which step do I go on, and how many hours should I reserve?',
        'Where does {plan} continue? State the step by its title, and its hours.',
      ],
    },
    draw(draft) {
      const { title } = draft.take(plans(draft));
      const spelled = draft.spelled(title);
      const { id } = draft.find('planner:open_plan', 'title', spelled, title);
      const step = draft.call('planner:upcoming_step', { plan: id ?? '' });
      const name = String(field(step, 'title'));
      return {
        ...asking(
          { plan: `'${spelled}'` },
          [name, field(step, 'hours')],
          `the next step of '${title}' and its hours`,
        ),
        gives: name,
      };
    },
  },
  {
    name: 'planner_advance',
    tools: ['planner:upcoming_step', 'planner:complete_step'],
    byName: false,
    phrasings: {
      train: [
        'The next step of {plan} is [finished|complete]: mark it as done.',
        'Find the [next|upcoming] step of {plan} and mark it as [done|completed].',
        'Look up which step is next in {plan} and complete it.',
        'Complete whatever step comes next in {plan}.',
      ],
      heldOut: [
        'I have just finished what {plan} had in store next; tick it off.',
        'Move {plan} on by one step.',
      ],
    },
    draw(draft) {
      const { id } = draft.take(plans(draft));
      const next = draft.call('planner:upcoming_step', { plan: id });
      const step = String(field(next, 'id'));
      draft.call('planner:complete_step', { step });
      return changing({ plan: id }, `${step} is done`, [
        stateIs('planner', ['plans', { id }, 'steps', { id: step }, 'done'], true),
      ]);
    },
  },
  {
    name: 'planner_append',
    tools: ['planner:open_plan', 'planner:append_step'],
    byName: true,
    takes: 'text',
    phrasings: {
      train: [
        'Add a step [called|named] {step} to the end of the plan {plan}, with an estimate of {hours} hours.',
        'The plan {plan} needs one more step at its end: {step}, with {hours} hours.',
        'Append to [|the plan ]{plan} a last step of {hours} hours with the title {step}.',
        'Put {step} at the end of [|the plan ]{plan}, as a step of {hours} hours.',
      ],
      heldOut: [
        'Once all else in {plan} is done there is still {step} to do, {hours} hours of work; enter it as a step.',
        'Let {plan} close with a new step of {hours} hours, and title it {step}.',
      ],
    },
    draw(draft) {
      const { title: plan } = draft.take(plans(draft));
      const hours = draft.rng.int(3, 24) / 2;
      const { value: title, shown } = draft.given('text', () =>
        draft.fresh(stepTitle(draft.rng, draft.pool)),
      );
      const spelled = draft.spelled(plan);
      const id = String(field(draft.find('planner:open_plan', 'title', spelled, plan), 'id'));
      const added = draft.call('planner:append_step', { plan: id, step: { title, hours } });
      const step = { id: String(field(added, 'id')), title, hours, done: false, after: [] };
      return changing(
        { plan: `'${spelled}'`, step: shown, hours: String(hours) },
        `'${plan}' ends with '${title}' of ${hours} hours`,
        [stateIs('planner', ['plans', { id }, 'steps', { id: step.id }], step)],
      );
    },
  },
  {
    name: 'planner_wait',
    tools: ['planner:require_first'],
    byName: false,
    phrasings: {
      train: [
        'Note that {step} must wait for {first}.',
        'Make {step} [wait for|depend on] {first}.',
        'Note that {first} has to be done before {step} can begin.',
        'Do not let {step} begin before {first} is done.',
        'Require {first} [to be done |]before {step}.',
      ],
      heldOut: [
        'There is no point in {step} as long as {first} is open; record that.',
        'Let {first} be a condition for {step}.',
      ],
    },
    draw(draft) {
      const { id, steps } = draft.take(plans(draft));
      // A step waits for earlier ones alone, so that no two wait for each other.
      const open = openSteps(steps);
      const pairs = open.flatMap((first, i) =>
        open
          .slice(i + 1)
          .filter(({ after }) => !after.includes(first.id))
          .map((step) => ({ first, step })),
      );
      const { first, step } = entryAt(draft.rng.shuffle(pairs), 0);
      draft.call('planner:require_first', { step: step.id, first: first.id });
      return changing({ step: step.id, first: first.id }, `${step.id} waits for ${first.id}`, [
        stateIs(
          'planner',
          ['plans', { id }, 'steps', { id: step.id }, 'after'],
          [...step.after, first.id],
        ),
      ]);
    },
  },
  {
    name: 'planner_estimate',
    tools: ['planner:revise_estimate', 'planner:plan_progress'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        'Set the estimate of {step}, in hours, to {hours} and [tell|give] me the hours that are left in its plan.',
        'The hours of {step} are {hours} now: [change|correct] its estimate and tell me how many hours its plan has left.',
        '[Revise|Change] the hours of {step} to {hours}, then report the hours left in the plan it belongs to.',
        'How many hours are left in the plan of {step} once the hours of that step are set to {hours}? Do set them.',
      ],
      heldOut: [
        'I was wrong about {step}; its hours should read {hours}. Correct that and say what remains of its plan, in hours.',
        'Put the hours for {step} at {hours} and work out the remaining hours of the whole plan.',
      ],
    },
    draw(draft) {
      const { id, steps } = draft.take(plans(draft));
      const step = draft.rng.pick(openSteps(steps));
      const { value: hours, shown } = draft.given('number', () => step.hours + draft.rng.int(1, 9));
      draft.call('planner:revise_estimate', { step: step.id, hours });
      const progress = draft.call('planner:plan_progress', { plan: id });
      const left = Number(field(progress, 'hours_left'));
      const part = askingAndChanging(
        { step: step.id, hours: shown },
        [left],
        `the hours left in ${id}`,
        [stateIs('planner', ['plans', { id }, 'steps', { id: step.id }, 'hours'], hours)],
      );
      return { ...part, gives: left };
    },
  },
];
