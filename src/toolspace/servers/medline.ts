// The built-in index of medical abstracts and trials. What it holds is invented; its forms follow PubMed and
// ClinicalTrials.gov. Knows nothing of tasks or transports.
import { z } from 'zod';
import { byId, defineTool, drawIds, pageOf, pageSchema, type ServerDef } from '../server.ts';
import { distinct, pairName, personName, words } from '../values.ts';

const CONDITIONS = [
  'asthma',
  'eczema',
  'gout',
  'insomnia',
  'migraine',
  'psoriasis',
  'sciatica',
  'vertigo',
] as const;
const TRIAL_STATUSES = ['recruiting', 'completed', 'terminated'] as const;
const PHASES = ['1', '2', '3', '4'] as const;
const KEYWORDS = [
  'adolescents',
  'adverse effects',
  'biomarkers',
  'cost',
  'dose response',
  'exercise',
  'placebo',
  'quality of life',
  'relapse',
  'sleep quality',
] as const;
const JOURNALS = [
  'Archives of Pain',
  'Clinical Airways',
  'Journal of Skin Research',
  'Northern Medical Review',
  'Sleep and Rest',
  'Trials in Practice',
] as const;

type Article = {
  id: string;
  title: string;
  authors: string[];
  journal: string;
  year: number;
  condition: (typeof CONDITIONS)[number];
  /** The main keyword stands first. */
  keywords: string[];
  /** Id of the trial that it reports, null for none. */
  trial: string | null;
};
type Trial = {
  id: string;
  condition: (typeof CONDITIONS)[number];
  phase: (typeof PHASES)[number];
  status: (typeof TRIAL_STATUSES)[number];
  enrolled: number;
  sponsor: string;
};
type ReadingList = { id: string; articles: string[] };
export type MedlineState = { articles: Article[]; trials: Trial[]; lists: ReadingList[] };

const DRUGS = words(`
  abrelin bavisol cortamab delaprine evomir fluzetan galimide hydroxan ibralone jolutin kavetol
  lumerol minaprex novadine oxifane pelomab quintarol rovastine
`);
const ASPECTS = words(`
  absorption adherence benefit clearance cohort dosage efficacy exposure interaction onset outcome
  response safety tolerance toxicity uptake withdrawal comparison
`);

const articleId = z.string().describe('id of an article, such as PMID-31452');

const searchAbstracts = defineTool({
  name: 'search_abstracts',
  description:
    'Searches titles, authors and keywords for a text, the newest article first, in pages; years may bound it.',
  input: z.strictObject({
    text: z.string().default(''),
    years: z
      .strictObject({ from: z.int(), to: z.int() })
      .partial()
      .optional()
      .describe('first and last year'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(z.strictObject({ pmid: z.string(), title: z.string(), year: z.int() })),
  kind: 'reads',
  run(state: MedlineState, { text, years = {}, page }) {
    const { from = 0, to = 9999 } = years;
    if (from > to) return { error: `years: from ${from} is after to ${to}` };
    const wanted = text.trim().toLowerCase();
    const rows = state.articles
      .filter(({ year }) => year >= from && year <= to)
      .filter(({ title, authors, keywords }) =>
        [title, ...authors, ...keywords].some((entry) => entry.toLowerCase().includes(wanted)),
      )
      .map(({ id, title, year }) => ({ pmid: id, title, year }))
      .sort((a, b) => b.year - a.year);
    return pageOf(rows, page);
  },
});

/** What an abstract of this form says; the number of the trial stands in it, as in real ones. */
function abstractOf({ title, condition, keywords, trial }: Article): string {
  const source = trial === null ? 'An observational study' : `A report of trial ${trial}`;
  return `${source} on ${title} in ${condition}, with regard to ${keywords.join(' and ')}.`;
}

const abstractDetails = defineTool({
  name: 'abstract_details',
  description:
    'Shows an article: title, authors, journal, year, abstract, and the trial it reports.',
  input: z.strictObject({ pmid: articleId }),
  output: z.strictObject({
    title: z.string(),
    authors: z.array(z.string()),
    journal: z.string(),
    year: z.int(),
    abstract: z.string(),
    trial: z.string().nullable(),
  }),
  kind: 'reads',
  run(state: MedlineState, { pmid }) {
    const article = byId(state.articles, pmid);
    if (typeof article === 'string') return { error: article };
    const { title, authors, journal, year, trial } = article;
    return { value: { title, authors, journal, year, abstract: abstractOf(article), trial } };
  },
});

const relatedArticles = defineTool({
  name: 'related_articles',
  description:
    'Ranks the articles most related to one: the same condition counts three, each shared keyword one; ties go to the newer.',
  input: z.strictObject({ pmid: articleId, limit: z.int().min(1).max(10).default(3) }),
  output: z.strictObject({
    related: z.array(z.strictObject({ pmid: z.string(), score: z.int() })),
  }),
  kind: 'reads',
  run(state: MedlineState, { pmid, limit }) {
    const article = byId(state.articles, pmid);
    if (typeof article === 'string') return { error: article };
    const scoreOf = (other: Article) =>
      (other.condition === article.condition ? 3 : 0) +
      other.keywords.filter((keyword) => article.keywords.includes(keyword)).length;
    const related = state.articles
      .filter((other) => other !== article && scoreOf(other) > 0)
      .sort((a, b) => scoreOf(b) - scoreOf(a) || b.year - a.year)
      .slice(0, limit)
      .map((other) => ({ pmid: other.id, score: scoreOf(other) }));
    return { value: { related } };
  },
});

const keywordsOf = defineTool({
  name: 'keywords_of',
  description: 'Lists the keywords under which an article is indexed, the main one first.',
  input: z.strictObject({ pmid: articleId }),
  output: z.strictObject({ main: z.string(), others: z.array(z.string()) }),
  kind: 'reads',
  run(state: MedlineState, { pmid }) {
    const article = byId(state.articles, pmid);
    if (typeof article === 'string') return { error: article };
    const [main = '', ...others] = article.keywords;
    return { value: { main, others } };
  },
});

const trialSchema = z.strictObject({
  id: z.string(),
  condition: z.enum(CONDITIONS),
  phase: z.enum(PHASES),
  status: z.enum(TRIAL_STATUSES),
  enrolled: z.int(),
  sponsor: z.string(),
});

const matchTrials = defineTool({
  name: 'match_trials',
  description: 'Lists trials on a condition, the largest first; phase and status may narrow it.',
  input: z.strictObject({
    condition: z.enum(CONDITIONS),
    phase: z.enum(PHASES).optional(),
    status: z.enum(TRIAL_STATUSES).optional(),
  }),
  output: z.strictObject({ trials: z.array(trialSchema), count: z.int() }),
  kind: 'reads',
  run(state: MedlineState, { condition, phase, status }) {
    const trials = state.trials
      .filter((trial) => trial.condition === condition)
      .filter((trial) => phase === undefined || trial.phase === phase)
      .filter((trial) => status === undefined || trial.status === status)
      .sort((a, b) => b.enrolled - a.enrolled);
    return { value: { trials, count: trials.length } };
  },
});

const trialRecord = defineTool({
  name: 'trial_record',
  description: 'Reads the register entry of a trial.',
  input: z.strictObject({ id: z.string().describe('id of a trial, such as NCT-4821') }),
  output: trialSchema,
  kind: 'reads',
  run(state: MedlineState, { id }) {
    const trial = byId(state.trials, id);
    return typeof trial === 'string' ? { error: trial } : { value: trial };
  },
});

const keepAbstract = defineTool({
  name: 'keep_abstract',
  description: 'Puts an article on a reading list; a list that is not there yet is begun.',
  input: z.strictObject({ pmid: articleId, list: z.string().min(1).max(60) }),
  output: z.strictObject({ list: z.string(), articles: z.int() }),
  kind: 'sets',
  run(state: MedlineState, { pmid, list: name }) {
    const article = byId(state.articles, pmid);
    if (typeof article === 'string') return { error: article };
    const known = state.lists.find(({ id }) => id.toLowerCase() === name.toLowerCase());
    const list: ReadingList = known ?? { id: name, articles: [] };
    const kept = { ...list, articles: [...new Set([...list.articles, article.id])] };
    const lists = known
      ? state.lists.map((other) => (other === known ? kept : other))
      : [...state.lists, kept];
    return { value: { list: kept.id, articles: kept.articles.length }, state: { ...state, lists } };
  },
});

/** The index of medical abstracts. Its state is `{articles, trials, lists: [{id, articles}]}`; a list's name is its id. */
export const medline: ServerDef = {
  name: 'medline',
  description: 'An index of medical abstracts with keywords, and a register of trials.',
  tools: [
    searchAbstracts,
    abstractDetails,
    relatedArticles,
    keywordsOf,
    matchTrials,
    trialRecord,
    keepAbstract,
  ],
  initial(rng, pool): MedlineState {
    const sponsors = distinct(4, () => personName(rng, pool)).map((name) => `${name} Institute`);
    const trials = drawIds(rng, 'NCT', 14, 1024, 9871).map(
      (id, i): Trial => ({
        id,
        condition: CONDITIONS[i % CONDITIONS.length] ?? 'gout',
        phase: rng.pick(PHASES),
        status: rng.pick(TRIAL_STATUSES),
        enrolled: rng.int(24, 960),
        sponsor: rng.pick(sponsors),
      }),
    );
    const titles = distinct(14, () => pairName(rng, pool, 'abstract', [DRUGS, ASPECTS]));
    const people = distinct(12, () => personName(rng, pool));
    const articles = drawIds(rng, 'PMID', titles.length, 21_034, 39_876).map((id, i): Article => {
      const trial = i % 2 === 0 ? rng.pick(trials) : null;
      return {
        id,
        title: titles[i] ?? '',
        authors: rng.sample(people, rng.int(1, 3)),
        journal: rng.pick(JOURNALS),
        year: rng.int(2004, 2025),
        condition: trial?.condition ?? rng.pick(CONDITIONS),
        keywords: rng.sample(KEYWORDS, rng.int(2, 3)),
        trial: trial?.id ?? null,
      };
    });
    return { articles, trials, lists: [] };
  },
};
