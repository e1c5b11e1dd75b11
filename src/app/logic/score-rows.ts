// Scores of a trajectory as rows: categories with their criteria.
import type { Category, Criterion } from '../../trajectory/rubric.ts';
import type { Trace } from '../../trajectory/trace.ts';
import { CATEGORY_NAMES } from './format.ts';

export interface CriterionRow {
  criterion: Criterion;
  /** Null when it was not scored. */
  score: number | null;
}

export interface CategoryRow {
  category: Category;
  name: string;
  score: number | null;
  criteria: CriterionRow[];
}

/** Categories in the order of the rubric. */
export function scoreRows({ task, scores }: Trace): CategoryRow[] {
  const rows: CategoryRow[] = [];
  task.rubric.criteria.forEach((criterion, i) => {
    const { category } = criterion;
    let row = rows.find((item) => item.category === category);
    if (row === undefined) {
      const score = scores?.categories[category] ?? null;
      row = { category, name: CATEGORY_NAMES[category], score, criteria: [] };
      rows.push(row);
    }
    row.criteria.push({ criterion, score: scores?.criteria[i] ?? null });
  });
  return rows;
}
