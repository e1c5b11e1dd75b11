// The built-in league: teams, the matches of a season with their results, the table, and players. Knows nothing of
// tasks or transports.
import { z } from 'zod';
import { defined } from '../../base/assert.ts';
import type { Rng } from '../../base/rng.ts';
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
import { distinct, isDate, pairName, personName, shiftDate, words } from '../values.ts';

const CITIES = words(`
  Bergen Bilbao Brno Cork Debrecen Ghent Graz Leeds Leipzig Lyon Malaga Odense Parma Porto Split
  Tampere Turku Uppsala Utrecht Zadar
`);

export type Score = { home: number; away: number };
export type Team = { id: string; name: string; city: string };
/** `home` and `away` are team ids; `score` is null until the match is played. */
export type Match = {
  id: string;
  round: number;
  date: string;
  home: string;
  away: string;
  score: Score | null;
};
export type Player = { id: string; name: string; team: string; goals: number };
export type SportsState = { teams: Team[]; matches: Match[]; players: Player[] };

const WIN_POINTS = 3;
const TEAMS = 5;
/** Everybody meets everybody twice; one team rests in each round. */
const ROUNDS = 2 * TEAMS;
const TEAM_PLAYERS = 3;

const TEAM_WORDS = words(`
  crimson thunder granite northern iron harbor royal emerald copper silver lightning prairie
  mountain coastal steel midnight scarlet polar
`);
const TEAM_KINDS = words(`
  hawks wolves rovers comets bears giants rangers foxes pirates otters herons bulls falcons
  wanderers knights sharks lynxes stallions
`);

const teamId = z.string().describe('team id, such as TM-14');
const matchId = z.string().describe('match id, such as MA-214');
const goals = z.int().min(0).max(40);
const scoreSchema = z.strictObject({ home: goals, away: goals });

/** A played match as one team sees it. */
interface Played {
  opponent: string;
  scored: number;
  conceded: number;
}

function playedBy({ matches }: SportsState, id: string): Played[] {
  return matches.flatMap(({ home, away, score }) => {
    if (score === null || (home !== id && away !== id)) return [];
    return home === id
      ? [{ opponent: away, scored: score.home, conceded: score.away }]
      : [{ opponent: home, scored: score.away, conceded: score.home }];
  });
}

function record(played: readonly Played[]) {
  const wins = played.filter(({ scored, conceded }) => scored > conceded).length;
  const draws = played.filter(({ scored, conceded }) => scored === conceded).length;
  const goalsFor = played.reduce((sum, { scored }) => sum + scored, 0);
  const goalsAgainst = played.reduce((sum, { conceded }) => sum + conceded, 0);
  const losses = played.length - wins - draws;
  return { played: played.length, wins, draws, losses, goalsFor, goalsAgainst };
}

const recordSchema = z.strictObject({
  played: z.int(),
  wins: z.int(),
  draws: z.int(),
  losses: z.int(),
  goalsFor: z.int(),
  goalsAgainst: z.int(),
});

/** The table: by points, then goal difference, then goals, then name. */
function table(state: SportsState) {
  return state.teams
    .map(({ id, name }) => {
      const row = record(playedBy(state, id));
      const goalDifference = row.goalsFor - row.goalsAgainst;
      return { id, name, ...row, goalDifference, points: WIN_POINTS * row.wins + row.draws };
    })
    .sort(
      (a, b) =>
        b.points - a.points ||
        b.goalDifference - a.goalDifference ||
        b.goalsFor - a.goalsFor ||
        (a.name < b.name ? -1 : 1),
    )
    .map((row, i) => ({ place: i + 1, ...row }));
}

const findTeam = defineTool({
  name: 'find_team',
  description: 'Finds a team by its exact name.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), city: z.string() }),
  kind: 'reads',
  run(state: SportsState, { name }) {
    const team = byName(state.teams, name, (item) => item.name);
    if (typeof team === 'string') return { error: team };
    return { value: { id: team.id, city: team.city } };
  },
});

const getStandings = defineTool({
  name: 'get_standings',
  description:
    'Gives the table of the league, best team first: three points for a win and one for a draw, then goal difference, then goals.',
  input: z.strictObject({ top: z.int().min(1).max(TEAMS).default(TEAMS).describe('rows wanted') }),
  output: z.strictObject({
    rows: z.array(
      z.strictObject({
        place: z.int(),
        id: z.string(),
        name: z.string(),
        ...recordSchema.shape,
        goalDifference: z.int(),
        points: z.int(),
      }),
    ),
  }),
  kind: 'reads',
  run(state: SportsState, { top }) {
    return { value: { rows: table(state).slice(0, top) } };
  },
});

const listMatches = defineTool({
  name: 'list_matches',
  description: 'Lists matches by date, some on each page: all, or those of a team, played or open.',
  input: z.strictObject({
    team: teamId.optional(),
    status: z.enum(['all', 'played', 'open']).default('all'),
    page: z.int().min(1).default(1),
  }),
  output: pageSchema(
    z.strictObject({
      id: z.string(),
      round: z.int(),
      date: z.string(),
      home: z.string().describe('name of the home team'),
      away: z.string().describe('name of the away team'),
      score: scoreSchema.nullable(),
    }),
  ),
  kind: 'reads',
  run(state: SportsState, { team: wanted, status, page }) {
    const team = wanted === undefined ? null : byId(state.teams, wanted);
    if (typeof team === 'string') return { error: `team: ${team}` };
    const nameOf = (id: string) =>
      defined(
        state.teams.find((item) => item.id === id),
        id,
      ).name;
    const rows = state.matches
      .filter(({ home, away }) => team === null || home === team.id || away === team.id)
      .filter(({ score }) => status === 'all' || (score !== null) === (status === 'played'))
      .toSorted((a, b) => (a.date + a.id < b.date + b.id ? -1 : 1))
      .map(({ id, round, date, home, away, score }) => {
        return { id, round, date, home: nameOf(home), away: nameOf(away), score };
      });
    return pageOf(rows, page);
  },
});

const headToHead = defineTool({
  name: 'head_to_head',
  description:
    'Sums up the matches that two teams have played against each other, as the first saw them.',
  input: z.strictObject({ team: teamId, opponent: teamId }),
  output: recordSchema,
  kind: 'reads',
  run(state: SportsState, args) {
    const team = byId(state.teams, args.team);
    if (typeof team === 'string') return { error: `team: ${team}` };
    const opponent = byId(state.teams, args.opponent);
    if (typeof opponent === 'string') return { error: `opponent: ${opponent}` };
    if (team === opponent) return { error: `opponent: got ${team.id} twice, need two teams` };
    const played = playedBy(state, team.id).filter((match) => match.opponent === opponent.id);
    return { value: record(played) };
  },
});

const recordResult = defineTool({
  name: 'record_result',
  description: 'Enters the result of a match, or corrects it.',
  input: z.strictObject({ match: matchId, score: scoreSchema }),
  output: z.strictObject({ id: z.string(), home: z.string(), away: z.string() }),
  kind: 'sets',
  run(state: SportsState, args) {
    const match = byId(state.matches, args.match);
    if (typeof match === 'string') return { error: `match: ${match}` };
    const matches = changed(state.matches, match.id, { score: args.score });
    return {
      value: { id: match.id, home: match.home, away: match.away },
      state: { ...state, matches },
    };
  },
});

const rescheduleMatch = defineTool({
  name: 'reschedule_match',
  description: 'Moves a match that is not played yet to another date, today or later.',
  input: z.strictObject({ match: matchId, date: z.string().describe('date, like 2026-03-14') }),
  output: z.strictObject({ id: z.string(), date: z.string() }),
  kind: 'sets',
  run(state: SportsState, args, clock) {
    const match = byId(state.matches, args.match);
    if (typeof match === 'string') return { error: `match: ${match}` };
    if (match.score !== null) return { error: `match: ${match.id} was played on ${match.date}` };
    const today = clock.slice(0, 10);
    if (!isDate(args.date) || args.date < today) {
      return { error: `date: got '${args.date}', need a date from ${today} on` };
    }
    const matches = changed(state.matches, match.id, { date: args.date });
    return { value: { id: match.id, date: args.date }, state: { ...state, matches } };
  },
});

const findPlayer = defineTool({
  name: 'find_player',
  description: 'Finds a player by name: the team and the goals of this season.',
  input: z.strictObject({ name: z.string() }),
  output: z.strictObject({ id: z.string(), team: z.string(), goals: z.int() }),
  kind: 'reads',
  run(state: SportsState, { name }) {
    const player = byName(state.players, name, (item) => item.name);
    if (typeof player === 'string') return { error: player };
    return { value: { id: player.id, team: player.team, goals: player.goals } };
  },
});

const topScorers = defineTool({
  name: 'top_scorers',
  description:
    'Lists the players with most goals, of the league or of one team; players with as many goals stand by name.',
  input: z.strictObject({ team: teamId.optional(), limit: z.int().min(1).max(10).default(3) }),
  output: z.strictObject({
    players: z.array(z.strictObject({ id: z.string(), name: z.string(), goals: z.int() })),
  }),
  kind: 'reads',
  run(state: SportsState, { team: wanted, limit }) {
    const team = wanted === undefined ? null : byId(state.teams, wanted);
    if (typeof team === 'string') return { error: `team: ${team}` };
    const players = state.players
      .filter((player) => team === null || player.team === team.id)
      .sort((a, b) => b.goals - a.goals || (a.name < b.name ? -1 : 1))
      .slice(0, limit)
      .map(({ id, name, goals: scored }) => ({ id, name, goals: scored }));
    return { value: { players } };
  },
});

const transferPlayer = defineTool({
  name: 'transfer_player',
  description: 'Moves a player to another team; the goals of the season stay with the player.',
  input: z.strictObject({
    player: z.string().describe('player id, such as PL-214'),
    team: teamId.describe('the new team'),
  }),
  output: z.strictObject({ id: z.string(), team: z.string() }),
  kind: 'sets',
  run(state: SportsState, args) {
    const player = byId(state.players, args.player);
    if (typeof player === 'string') return { error: `player: ${player}` };
    const team = byId(state.teams, args.team);
    if (typeof team === 'string') return { error: `team: ${team}` };
    const players = changed(state.players, player.id, { team: team.id });
    return { value: { id: player.id, team: team.id }, state: { ...state, players } };
  },
});

/** Who meets whom in a round, as places of teams: the circle method, with the sides changed in the second half. */
function pairings(round: number): [number, number][] {
  return [1, 2].map((i) => {
    const pair: [number, number] = [(round + i) % TEAMS, (round + TEAMS - i) % TEAMS];
    return round < TEAMS ? pair : [pair[1], pair[0]];
  });
}

/** A weekly season of which some rounds are played. */
function drawMatches(rng: Rng, teams: readonly Team[], today: string): Match[] {
  const ids = drawIds(rng, 'MA', ROUNDS * 2, 101, 987);
  const playedRounds = rng.int(TEAMS, ROUNDS - 3);
  return ids.map((id, i) => {
    const round = Math.floor(i / 2);
    const [home, away] = defined(pairings(round)[i % 2], 'pair');
    const played = round < playedRounds;
    return {
      id,
      round: round + 1,
      date: shiftDate(today, 7 * (round - playedRounds) + 5 + (i % 2)),
      home: defined(teams[home], 'team').id,
      away: defined(teams[away], 'team').id,
      score: played ? { home: rng.int(0, 4), away: rng.int(0, 3) } : null,
    };
  });
}

/** Players of each team, who scored all of its goals. */
function drawPlayers(rng: Rng, names: readonly string[], state: SportsState): Player[] {
  const ids = drawIds(rng, 'PL', names.length, 101, 987);
  const players = names.map((name, i) => ({
    id: defined(ids[i], 'id'),
    name,
    team: defined(state.teams[i % TEAMS], 'team').id,
    goals: 0,
  }));
  for (const { id } of state.teams) {
    const scorers = players.filter(({ team }) => team === id);
    for (let left = record(playedBy(state, id)).goalsFor; left > 0; left--) {
      rng.pick(scorers).goals += 1;
    }
  }
  return players;
}

/** The league server. Its state is `{teams: [{id, name, city}], matches: [{id, round, date, home, away, score}], players: [{id, name, team, goals}]}`. */
export const sports: ServerDef = {
  name: 'sports',
  description: 'A league: its teams, matches, table and players.',
  tools: [
    findTeam,
    getStandings,
    listMatches,
    headToHead,
    recordResult,
    rescheduleMatch,
    findPlayer,
    topScorers,
    transferPlayer,
  ],
  initial(rng, pool, clock): SportsState {
    const names = distinct(TEAMS, () => pairName(rng, pool, 'team', [TEAM_WORDS, TEAM_KINDS]));
    const cities = rng.sample(CITIES, TEAMS);
    const teams = drawIds(rng, 'TM', TEAMS, 11, 97).map((id, i) => ({
      id,
      name: defined(names[i], 'name'),
      city: defined(cities[i], 'city'),
    }));
    const matches = drawMatches(rng, teams, clock.slice(0, 10));
    const people = distinct(TEAMS * TEAM_PLAYERS, () => personName(rng, pool));
    const players = drawPlayers(rng, people, { teams, matches, players: [] });
    return { teams, matches, players };
  },
};
