// The built-in planner: plans of ordered steps with estimates, and which step must wait for which. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import type { Rng } from '../../base/rng.ts';
import { byId, byName, changed, defineTool, drawIds, nextId, type ServerDef } from '../server.ts';
import { distinct, type Pool, pairName, rounded, words } from '../values.ts';

/** `after` holds the ids of the steps that must be done first. */
export type Step = { id: string; title: string; hours: number; done: boolean; after: string[] };
type Plan = { id: string; title: string; steps: Step[] };
export type PlannerState = { plans: Plan[] };

const PLAN_FIRSTS = words(`
  attic balcony basement bathroom cellar chapel courtyard driveway garage greenhouse hallway
  kitchen laundry nursery pantry porch stable workshop
`);
const PLAN_SECONDS = words(`
  cleanup clearance conversion decoration extension facelift inspection insulation makeover
  overhaul painting rebuild refit renewal repair restoration rewiring upgrade
`);
const STEP_FIRSTS = words(`
  assemble book check choose collect compare count draw fetch hang measure mount order photograph
  polish prepare remove sand sketch sort
`);
const STEP_SECONDS = words(`
  boards brackets cables curtains fittings grout handles hinges joists panels permits pipes plaster
  planks radiators samples shelves skirting tiles varnish
`);

/** What a step of a plan is called. */
export function stepTitle(rng: Rng, pool: Pool): string {
  return pairName(rng, pool, 'step', [STEP_FIRSTS, STEP_SECONDS]);
}

const planId = z.string().describe('plan id, such as PLAN-31');
const stepId = z.string().describe('step id, such as STEP-412');
const hours = z.number().min(0.25).max(500);
const listed = z.strictObject({
  id: z.string(),
  title: z.string(),
  hours: z.number(),
  done: z.boolean(),
});

const openPlan = defineTool({
  name: 'open_plan',
  description: 'Opens a plan by its exact title and lists its steps in order.',
  input: z.strictObject({ title: z.string() }),
  output: z.strictObject({ id: z.string(), steps: z.array(listed) }),
  kind: 'reads',
  run(state: PlannerState, args) {
    const plan = byName(state.plans, args.title, ({ title }) => title);
    if (typeof plan === 'string') return { error: plan };
    const steps = plan.steps.map(({ after: _, ...shown }) => shown);
    return { value: { id: plan.id, steps } };
  },
});

/** A step with its plan, or what is wrong with its id. */
function stepOf(state: PlannerState, id: string): { plan: Plan; step: Step } | string {
  const step = byId(
    state.plans.flatMap(({ steps }) => steps),
    id,
  );
  if (typeof step === 'string') return step;
  const plan = state.plans.find(({ steps }) => steps.includes(step));
  return plan === undefined ? `not found: '${id}'` : { plan, step };
}

function withStep(state: PlannerState, plan: Plan, id: string, set: Partial<Step>): PlannerState {
  return { plans: changed(state.plans, plan.id, { steps: changed(plan.steps, id, set) }) };
}

const appendStep = defineTool({
  name: 'append_step',
  description:
    'Adds a step to a plan: at its end, or right behind a step that must be done before it.',
  input: z.strictObject({
    plan: planId,
    step: z.strictObject({ title: z.string().min(1).max(80), hours }),
    behind: stepId.optional(),
  }),
  output: z.strictObject({ id: z.string(), position: z.int() }),
  kind: 'adds',
  run(state: PlannerState, args) {
    const plan = byId(state.plans, args.plan);
    if (typeof plan === 'string') return { error: plan };
    const { behind } = args;
    const before = behind === undefined ? undefined : byId(plan.steps, behind);
    if (typeof before === 'string') return { error: `behind: ${before} in ${plan.id}` };
    const id = nextId(
      'STEP',
      state.plans.flatMap(({ steps }) => steps),
    );
    const after = before === undefined ? [] : [before.id];
    const place = before === undefined ? plan.steps.length : plan.steps.indexOf(before) + 1;
    const steps = plan.steps.toSpliced(place, 0, { id, ...args.step, done: false, after });
    return {
      value: { id, position: place + 1 },
      state: { plans: changed(state.plans, plan.id, { steps }) },
    };
  },
});

/** Whether a step waits for another, be it over steps between them. */
function waitsFor(plan: Plan, step: Step, other: string): boolean {
  return step.after.some((id) => {
    const before = plan.steps.find((candidate) => candidate.id === id);
    return id === other || (before !== undefined && waitsFor(plan, before, other));
  });
}

const requireFirst = defineTool({
  name: 'require_first',
  description:
    'Makes a step wait for another one of the same plan. Fails when that one waits for it already.',
  input: z.strictObject({ step: stepId, first: stepId.describe('the step to be done first') }),
  output: z.strictObject({ step: z.string(), after: z.array(z.string()) }),
  kind: 'sets',
  run(state: PlannerState, args) {
    const found = stepOf(state, args.step);
    if (typeof found === 'string') return { error: `step: ${found}` };
    const { plan, step } = found;
    const first = byId(plan.steps, args.first);
    if (typeof first === 'string') return { error: `first: ${first} in ${plan.id}` };
    if (first === step) return { error: `first: ${step.id} cannot wait for itself` };
    if (waitsFor(plan, first, step.id)) {
      return { error: `first: ${first.id} waits for ${step.id} already` };
    }
    const after = [...new Set([...step.after, first.id])];
    return {
      value: { step: step.id, after },
      state: withStep(state, plan, step.id, { after }),
    };
  },
});

/** Ids of the steps that a step still waits for. */
function blockers(plan: Plan, step: Step): string[] {
  return step.after.filter((id) => plan.steps.some((other) => other.id === id && !other.done));
}

const completeStep = defineTool({
  name: 'complete_step',
  description: 'Marks a step as done. Fails while steps that come before it are open.',
  input: z.strictObject({ step: stepId }),
  output: z.strictObject({ step: z.string(), open: z.int().describe('open steps of the plan') }),
  kind: 'sets',
  run(state: PlannerState, args) {
    const found = stepOf(state, args.step);
    if (typeof found === 'string') return { error: found };
    const { plan, step } = found;
    const waiting = blockers(plan, step);
    if (!step.done && waiting.length > 0) {
      return { error: `${step.id} waits for ${waiting.join(', ')}` };
    }
    const open = plan.steps.filter((other) => !other.done && other !== step).length;
    return {
      value: { step: step.id, open },
      state: withStep(state, plan, step.id, { done: true }),
    };
  },
});

const reviseEstimate = defineTool({
  name: 'revise_estimate',
  description: 'Sets the hours that a step is thought to take. Fails for a step that is done.',
  input: z.strictObject({ step: stepId, hours }),
  output: z.strictObject({ step: z.string(), plan: z.string(), hours: z.number() }),
  kind: 'sets',
  run(state: PlannerState, args) {
    const found = stepOf(state, args.step);
    if (typeof found === 'string') return { error: found };
    const { plan, step } = found;
    if (step.done) return { error: `${step.id} is done` };
    return {
      value: { step: step.id, plan: plan.id, hours: args.hours },
      state: withStep(state, plan, step.id, { hours: args.hours }),
    };
  },
});

const planProgress = defineTool({
  name: 'plan_progress',
  description: 'Tells how far a plan is: steps done, the percentage of them, and hours left.',
  input: z.strictObject({ plan: planId }),
  output: z.strictObject({
    done: z.int(),
    total: z.int(),
    percent: z.int(),
    hours_left: z.number(),
  }),
  kind: 'reads',
  run(state: PlannerState, args) {
    const plan = byId(state.plans, args.plan);
    if (typeof plan === 'string') return { error: plan };
    const total = plan.steps.length;
    const open = plan.steps.filter(({ done }) => !done);
    const done = total - open.length;
    const left = open.reduce((sum, step) => sum + step.hours, 0);
    const percent = total === 0 ? 0 : rounded((done / total) * 100, 0);
    return { value: { done, total, percent, hours_left: rounded(left, 2) } };
  },
});

const upcomingStep = defineTool({
  name: 'upcoming_step',
  description: 'Finds the first open step of a plan that waits for no other. Fails at the end.',
  input: z.strictObject({ plan: planId }),
  output: z.strictObject({ id: z.string(), title: z.string(), hours: z.number() }),
  kind: 'reads',
  run(state: PlannerState, args) {
    const plan = byId(state.plans, args.plan);
    if (typeof plan === 'string') return { error: plan };
    const step = plan.steps.find(
      (candidate) => !candidate.done && blockers(plan, candidate).length === 0,
    );
    if (step === undefined) return { error: `${plan.id} has no open step` };
    const { id, title, hours: estimate } = step;
    return { value: { id, title, hours: estimate } };
  },
});

/** Steps in a random order in which each may wait for earlier ones; those at the front are done. */
function drawSteps(rng: Rng, ids: readonly string[], titles: readonly string[]): Step[] {
  const done = rng.int(0, ids.length - 3);
  return ids.map((id, i) => ({
    id,
    title: titles[i] ?? '',
    hours: rng.int(2, 30) / 2,
    done: i < done,
    after: i === 0 ? [] : rng.sample(ids.slice(0, i), rng.int(0, Math.min(i, 2))),
  }));
}

const MOST_STEPS = 7;

/** The planner server. Its state is `{plans: [{id, title, steps: [{id, title, hours, done, after}]}]}`. */
export const planner: ServerDef = {
  name: 'planner',
  description: 'Plans made of steps, with estimates, progress and what must wait for what.',
  tools: [
    openPlan,
    appendStep,
    requireFirst,
    completeStep,
    reviseEstimate,
    planProgress,
    upcomingStep,
  ],
  initial(rng, pool): PlannerState {
    const ids = drawIds(rng, 'PLAN', 4, 11, 98);
    const titles = distinct(ids.length, () =>
      pairName(rng, pool, 'plan', [PLAN_FIRSTS, PLAN_SECONDS]),
    );
    const stepIds = drawIds(rng, 'STEP', ids.length * MOST_STEPS, 102, 987);
    const stepTitles = distinct(stepIds.length, () => stepTitle(rng, pool));
    const plans = ids.map((id, i): Plan => {
      const from = i * MOST_STEPS;
      const to = from + rng.int(5, MOST_STEPS);
      const steps = drawSteps(rng, stepIds.slice(from, to), stepTitles.slice(from, to));
      return { id, title: titles[i] ?? '', steps };
    });
    return { plans };
  },
};
