// Sequences as rows of tokens, what they have in common at the beginning only once: a prefix tree, depth first. Since a row's
// hidden state depends on nothing but the ids up to it, the rows of a shared beginning stand for all its sequences, and
// their gradients add up (Prefix Grouper, arXiv:2506.05433, for prompts; here at any depth). Pure host code.

export interface TreeRows {
  readonly ids: readonly number[];
  /** Position of a row in its sequences. */
  readonly positions: readonly number[];
  /** Four numbers a row: TREE_COLUMNS of the attention kernels. */
  readonly tree: readonly number[];
  /** Row of each token, by sequence. */
  readonly rowsOf: readonly (readonly number[])[];
}

type Ids = readonly number[];

/** Length of the common beginning of two sequences. */
export function sharedLength(a: Ids, b: Ids): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same += 1;
  return same;
}

/** Order by ids, so that sequences that begin alike are neighbours. */
export function compareIds(a: Ids, b: Ids): number {
  const same = sharedLength(a, b);
  return (a[same] ?? -1) - (b[same] ?? -1);
}

/** Lays out sequences of at least one token each: in one tree for each first token, or with `share` false in one each. */
export function layOutRows(sequences: readonly Ids[], share: boolean): TreeRows {
  const rows = new Rows(sequences);
  const all = sequences.map((_, i) => i);
  const trees = share ? branches(sequences, all, 0) : all.map((i) => [i]);
  for (const members of trees) rows.place(members, 0, rows.ids.length);
  return rows;
}

class Rows implements TreeRows {
  readonly ids: number[] = [];
  readonly positions: number[] = [];
  readonly tree: number[] = [];
  readonly rowsOf: number[][];
  readonly #sequences: readonly Ids[];

  constructor(sequences: readonly Ids[]) {
    this.#sequences = sequences;
    this.rowsOf = sequences.map(() => []);
  }

  /** Places what some sequences, equal up to `from` and there, have behind it; `first` is the first row of their tree. */
  place(members: readonly number[], from: number, first: number): void {
    const [one = [], ...others] = members.map((i) => this.#sequences[i] ?? []);
    const to = others.reduce((most, ids) => Math.min(most, sharedLength(one, ids)), one.length);
    const start = this.ids.length;
    for (let t = from; t < to; t++) {
      for (const i of members) this.rowsOf[i]?.push(this.ids.length);
      this.ids.push(one[t] ?? 0);
      this.positions.push(t);
      this.tree.push(first, start + to - from, 0, 0);
    }
    for (const branch of branches(this.#sequences, members, to)) this.place(branch, to, first);
    for (let row = start; row < start + to - from; row++) this.tree[4 * row + 2] = this.ids.length;
  }
}

/** Sequences that go on at position t, by their id there, in the order in which the ids come first. */
function branches(sequences: readonly Ids[], members: readonly number[], t: number): number[][] {
  const byId = new Map<number, number[]>();
  for (const i of members) {
    const id = sequences[i]?.[t];
    if (id === undefined) continue;
    const branch = byId.get(id);
    if (branch === undefined) byId.set(id, [i]);
    else branch.push(i);
  }
  return [...byId.values()];
}
