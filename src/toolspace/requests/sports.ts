// Requests to the league. Knows nothing of how parts are combined.
import { defined } from '../../base/assert.ts';
import type { JsonObject } from '../../trajectory/json.ts';
import { type Draft, type Family, Rejected, stateIs } from '../draft.ts';
import { asking, askingAndChanging, changing, field, readNumber, rowsOf } from '../parts.ts';
import type { SportsState, Team } from '../servers/sports.ts';

const PLACES = ['first', 'second', 'third', 'fourth', 'last'] as const;

const league = (draft: Draft) => draft.state<SportsState>('sports');
const takeTeam = (draft: Draft) => draft.take(league(draft).teams);
const openMatches = (draft: Draft) => league(draft).matches.filter(({ score }) => score === null);

/** A team, looked up by its name. */
function findTeam(draft: Draft, { name }: Team, spelled = name): JsonObject {
  return draft.find('sports:find_team', 'name', spelled, name);
}

/** True when one player of a team has more goals than the others. */
function hasTopScorer(draft: Draft, team: string): boolean {
  const players = league(draft).players.filter((player) => player.team === team);
  const most = Math.max(...players.map(({ goals }) => goals));
  return players.filter(({ goals }) => goals === most).length === 1;
}

/** The row of the table that a team has now. */
function standingOf(draft: Draft, id: string): JsonObject {
  const rows = rowsOf(draft.call('sports:get_standings', {}), 'rows');
  return defined(
    rows.find((row) => row['id'] === id),
    'row',
  );
}

export const SPORTS_REQUESTS: readonly Family[] = [
  {
    name: 'sports_points',
    tools: ['sports:get_standings'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many points [does {team} have|does the table give {team}], and what is its goal difference?',
        '[Look up|Tell me|Give me] the points and the goal difference of {team}.',
        'What points and what goal difference does {team} have[| in the table]?',
      ],
      heldOut: [
        'State how {team} stands: its points, then its goal difference.',
        'With how many points is {team} in the table, and with what difference of goals?',
      ],
    },
    draw(draft) {
      const { id, name } = takeTeam(draft);
      const row = standingOf(draft, id);
      const asked = [field(row, 'points'), field(row, 'goalDifference')];
      const part = asking({ team: `'${name}'` }, asked, `points and goal difference of '${name}'`);
      return { ...part, gives: Number(asked[0]) };
    },
  },
  {
    name: 'sports_place_city',
    tools: ['sports:get_standings', 'sports:find_team'],
    byName: false,
    gives: 'city',
    phrasings: {
      train: [
        'Which team is {place} in the table, and what city is it from?',
        '[Tell|Give] me the name and the city of the team that is {place} in the league.',
        'Look up who is {place} in the [table|standings] and from what city [that team|it] comes.',
      ],
      heldOut: [
        'The table of the league has which team in {place} place? Name its city too.',
        'State the team that stands {place} in the table, with its city.',
      ],
    },
    draw(draft) {
      const place = draft.rng.pick(PLACES);
      const rows = rowsOf(draft.call('sports:get_standings', {}), 'rows');
      const name = String(field(defined(rows[PLACES.indexOf(place)], 'row'), 'name'));
      const city = String(field(draft.call('sports:find_team', { name }), 'city'));
      const part = asking({ place }, [name, city], `the team in ${place} place and its city`);
      return { ...part, gives: city };
    },
  },
  {
    name: 'sports_next_match',
    tools: ['sports:find_team', 'sports:list_matches'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'When does {team} [play next|have its next match]?',
        '[Find out|Look up|Tell me] the date of the next match of {team}.',
        'On what date is the next [|open ]match of {team}?',
      ],
      heldOut: [
        'State the day on which {team} must play again.',
        'The first match that {team} has not yet played is on what date?',
      ],
    },
    draw(draft) {
      const team = takeTeam(draft);
      const spelled = draft.spelled(team.name);
      const { id = '' } = findTeam(draft, team, spelled);
      const found = draft.call('sports:list_matches', { team: id, status: 'open' });
      const [next] = rowsOf(found, 'items');
      const date = String(field(defined(next, 'match'), 'date'));
      const part = asking({ team: `'${spelled}'` }, [date], `the next match of '${team.name}'`);
      return { ...part, gives: date };
    },
  },
  {
    name: 'sports_last_match',
    tools: ['sports:find_team', 'sports:list_matches', 'sports:list_matches'],
    byName: true,
    gives: 'date',
    phrasings: {
      train: [
        'On what date is the last match of {team} this season?',
        '[Find out|Look up|Tell me] when {team} plays its last match of the season.',
        'When does {team} [play its last match this season|end its season]?',
      ],
      heldOut: [
        'State the date at the very end of the list of matches of {team}.',
        'The season of {team} closes with a match on what date?',
      ],
    },
    draw(draft) {
      const team = takeTeam(draft);
      const spelled = draft.spelled(team.name);
      const { id = '' } = findTeam(draft, team, spelled);
      const { nextPage } = draft.call('sports:list_matches', { team: id });
      const found = draft.call('sports:list_matches', { team: id, page: nextPage ?? 1 });
      const last = defined(rowsOf(found, 'items').at(-1), 'match');
      const date = String(field(last, 'date'));
      const part = asking({ team: `'${spelled}'` }, [date], `the last match of '${team.name}'`);
      return { ...part, gives: date };
    },
  },
  {
    name: 'sports_head_to_head',
    tools: ['sports:find_team', 'sports:find_team', 'sports:head_to_head'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many goals [has {team} scored|did {team} score] against {other}?',
        '[Count|Look up|Tell me] the goals of {team} against {other}.',
        'In the matches of {team} [against|with] {other}, how many goals [did {team} score|were scored by {team}]?',
      ],
      heldOut: [
        'State how often {team} put the ball into the goal of {other}.',
        'The defence of {other} let in how many goals by {team}?',
      ],
    },
    draw(draft) {
      const [team, other] = [takeTeam(draft), takeTeam(draft)];
      const spelled = draft.spelled(team.name);
      const { id = '' } = findTeam(draft, team, spelled);
      const { id: opponent = '' } = findTeam(draft, other);
      const goals = readNumber(draft, 'sports:head_to_head', { team: id, opponent }, 'goalsFor');
      const slots = { team: `'${spelled}'`, other: `'${other.name}'` };
      const what = `the goals of '${team.name}' against '${other.name}'`;
      return { ...asking(slots, [goals], what), gives: goals };
    },
  },
  {
    name: 'sports_result_points',
    tools: ['sports:record_result', 'sports:get_standings'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'The match {match} ended {home} to {away} (home, away): [enter|record] that, and tell me the points that {team} has then.',
        '[Enter|Record] the result {home} to {away}, home team first, for {match}; how many points does {team} have after it?',
        '[Enter|Record|Note] that the home team scored {home} and the away team {away} in {match}, then give me the points of {team}.',
      ],
      heldOut: [
        'In {match} the hosts scored {home} and the guests {away}. Put that down and state how many points {team} now has.',
        'Put down {home} to {away}, hosts first, for {match}; what does the table then give {team} in points?',
      ],
    },
    draw(draft) {
      const { id, home: host } = draft.take(openMatches(draft));
      const score = { home: draft.rng.int(0, 6), away: draft.rng.int(0, 5) };
      draft.call('sports:record_result', { match: id, score });
      const points = Number(field(standingOf(draft, host), 'points'));
      const team = defined(
        league(draft).teams.find((item) => item.id === host),
        'team',
      );
      const slots = {
        match: id,
        home: String(score.home),
        away: String(score.away),
        team: `'${team.name}'`,
      };
      const part = askingAndChanging(slots, [points], `the points of '${team.name}'`, [
        stateIs('sports', ['matches', { id }, 'score'], score),
      ]);
      return { ...part, gives: points };
    },
  },
  {
    name: 'sports_reschedule',
    tools: ['sports:reschedule_match'],
    byName: false,
    takes: 'date',
    phrasings: {
      train: [
        '[Move|Postpone|Reschedule] [|the match ]{match} to {date}.',
        '[Shift|Change] the date of {match} to {date}.',
        'The match {match} will be on {date}; [change|correct] its date.',
      ],
      heldOut: [
        'Give the match {match} the new date {date}.',
        'Nobody can play {match} as planned: put it on {date} instead.',
      ],
    },
    draw(draft) {
      const { id, date: planned } = draft.take(openMatches(draft));
      const { value: date, shown } = draft.given('date', () => draft.laterDate());
      if (date === planned) throw new Rejected('the match is on that date already');
      draft.call('sports:reschedule_match', { match: id, date });
      return changing({ match: id, date: shown }, `${id} is on ${date}`, [
        stateIs('sports', ['matches', { id }, 'date'], date),
      ]);
    },
  },
  {
    name: 'sports_transfer',
    tools: ['sports:find_player', 'sports:find_team', 'sports:transfer_player'],
    byName: true,
    phrasings: {
      train: [
        '[Transfer|Move] [|the player ]{player} to {team}.',
        '{player} [joins|changes to|goes to] {team}: [note it|enter it].',
        '[Enter|Note] the transfer of {player} to {team}.',
      ],
      heldOut: [
        'The team {team} has signed {player}; put that into the records.',
        'From now on {player} plays for {team}: see to it.',
      ],
    },
    draw(draft) {
      const player = draft.take(league(draft).players);
      const team = draft.take(league(draft).teams.filter(({ id }) => id !== player.team));
      const spelled = draft.spelled(player.name);
      const { id = '' } = draft.find('sports:find_player', 'name', spelled, player.name);
      const { id: to = '' } = findTeam(draft, team);
      draft.call('sports:transfer_player', { player: id, team: to });
      const slots = { player: `'${spelled}'`, team: `'${team.name}'` };
      return changing(slots, `${player.name} plays for '${team.name}'`, [
        stateIs('sports', ['players', { id: player.id }, 'team'], team.id),
      ]);
    },
  },
  {
    name: 'sports_top_scorer',
    tools: ['sports:find_team', 'sports:top_scorers'],
    byName: true,
    gives: 'person',
    phrasings: {
      train: [
        'Who is the top scorer of {team}, and with how many goals?',
        '[Find|Look up|Tell me|Name] the top scorer of {team} and the number of goals.',
        'Which player of {team} has the most goals, and how many?',
      ],
      heldOut: [
        'State who in the team {team} has scored most, with the goals.',
        'I want to know the best scorer in {team}, and how many goals that player has.',
      ],
    },
    draw(draft) {
      const team = draft.take(league(draft).teams.filter(({ id }) => hasTopScorer(draft, id)));
      const spelled = draft.spelled(team.name);
      const { id = '' } = findTeam(draft, team, spelled);
      const [best] = rowsOf(draft.call('sports:top_scorers', { team: id }), 'players');
      const name = String(field(defined(best, 'player'), 'name'));
      const goals = field(defined(best, 'player'), 'goals');
      const what = `the top scorer of '${team.name}' and the goals`;
      return { ...asking({ team: `'${spelled}'` }, [name, goals], what), gives: name };
    },
  },
];
