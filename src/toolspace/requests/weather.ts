// Requests to the weather service. Knows nothing of how parts are combined.
import { type Draft, type Family, stateIs } from '../draft.ts';
import { asking, changing, field } from '../parts.ts';
import { LEVELS, SCALES, UNITS, type WeatherState } from '../servers/weather.ts';
import { givenPerson, handingOn } from './travel-parts.ts';

const state = (draft: Draft) => draft.state<WeatherState>('weather');
const aStation = (draft: Draft) => draft.take(state(draft).stations);
const anAlert = (draft: Draft) => draft.take(state(draft).alerts);

/** Finds the station of a city, as the request spells it. */
function findStation(draft: Draft, city: string): { shown: string; station_id: string } {
  const spelled = draft.spelled(city);
  const found = draft.find('weather:find_station', 'city', spelled, city);
  return { shown: `'${spelled}'`, station_id: String(field(found, 'station_id')) };
}

/** A check that a person is told of the warnings of a city from a level on. */
function isTold(person: string, city: string, level: string) {
  return stateIs('weather', ['subscriptions', { city, person }, 'min_level'], level);
}

export const WEATHER_REQUESTS: readonly Family[] = [
  {
    name: 'weather_forecast_high',
    tools: ['weather:get_forecast'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the forecast high in {city} on {date}, in degrees {units}?',
        '[Tell me|Find out|Look up] the highest temperature [forecast|expected] in {city} on {date}, in degrees {units}.',
        'How [warm|hot] will it get in {city} on {date}, in degrees {units}?',
        'In degrees {units}, how [warm|hot] is it going to be at most in {city} on {date}?',
      ],
      heldOut: [
        'I will be in {city} on {date}: what maximum do they predict, in {units}?',
        'State the predicted peak temperature for {date} in {city} in {units}.',
      ],
    },
    draw(draft) {
      const { city, coming } = aStation(draft);
      const { date } = draft.rng.pick(coming);
      const units = draft.rng.pick(UNITS);
      const high = field(draft.call('weather:get_forecast', { city, date, units }), 'high');
      const slots = { city: `'${city}'`, date, units };
      return handingOn(asking(slots, [high], `the high of ${city} on ${date} in ${units}`));
    },
  },
  {
    name: 'weather_now',
    tools: ['weather:get_current'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'What is the temperature in {city} [now|at the moment], in degrees {units}, and what is the dew point?',
        '[Tell me|Find out|Look up] the temperature and the dew point in {city} now, both in degrees {units}.',
        'How [warm|cold] is it in {city} [now|right now], in degrees {units}? [Also give|Add] the dew point.',
      ],
      heldOut: [
        'I am in {city}: state the present temperature and dew point in {units}.',
        'In {units}, what do the thermometers of {city} say, and at what temperature does dew form?',
      ],
    },
    draw(draft) {
      const { city } = aStation(draft);
      const units = draft.rng.pick(UNITS);
      const now = draft.call('weather:get_current', { city, units });
      const asked = [field(now, 'temperature'), field(now, 'dew_point')];
      const what = `temperature and dew point of ${city} in ${units}`;
      return handingOn(asking({ city: `'${city}'`, units }, asked, what));
    },
  },
  {
    name: 'weather_past_rain',
    tools: ['weather:find_station', 'weather:get_history'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'How many mm of rain [fell|were measured] in {city} on {date}?',
        '[Tell me|Find out|Look up] the rain in {city} on {date} in mm.',
        'How much rain did {city} [get|have] on {date}, in mm?',
      ],
      heldOut: [
        'What did the station of {city} record as rainfall for {date}, in mm?',
        'State the millimetres of rain of {date} in {city}.',
      ],
    },
    draw(draft) {
      const { city, past } = aStation(draft);
      const wet = past.filter((day) => day.rain > 0);
      const { date } = draft.rng.pick(wet.length > 0 ? wet : past);
      const { shown, station_id } = findStation(draft, city);
      const rain = field(draft.call('weather:get_history', { station_id, date }), 'rain_mm');
      return handingOn(asking({ city: shown, date }, [rain], `the rain in ${city} on ${date}`));
    },
  },
  {
    name: 'weather_mean_high',
    tools: ['weather:find_station', 'weather:summarize_history'],
    byName: true,
    gives: 'number',
    phrasings: {
      train: [
        'What was the mean [high|of the highs] in {city} from {from} to {to}, in degrees {units}?',
        '[Tell me|Find out|Work out] the mean of the daily highs in {city} from {from} to {to}, in degrees {units}.',
        'In degrees {units}, what is the average high of {city} from {from} to {to}?',
      ],
      heldOut: [
        'Over the days from {from} to {to}, what did the daily maximum in {city} come to on average, in {units}?',
        'State the average of the highs that {city} had between {from} and {to}, both days included, in {units}.',
      ],
    },
    draw(draft) {
      const { city, past } = aStation(draft);
      const start = draft.rng.int(0, past.length - 3);
      const days = past.slice(start, start + draft.rng.int(2, 4));
      const [from = '', to = ''] = [days[0]?.date, days.at(-1)?.date];
      const units = draft.rng.pick(UNITS);
      const { shown, station_id } = findStation(draft, city);
      const found = draft.call('weather:summarize_history', { station_id, from, to, units });
      const slots = { city: shown, from, to, units };
      const what = `the mean high of ${city} from ${from} to ${to} in ${units}`;
      return handingOn(asking(slots, [field(found, 'mean_high')], what));
    },
  },
  {
    name: 'weather_alert_count',
    tools: ['weather:list_alerts'],
    byName: false,
    gives: 'number',
    phrasings: {
      train: [
        'How many weather warnings of level {level} or above are there [|just now ]for {city}?',
        'Count the weather warnings for {city} that are of level {level} or above.',
        '[Tell me|Find out] how many weather warnings of level {level} or [higher|above] {city} has.',
      ],
      heldOut: [
        'State the number of warnings in {city} that are {level} at least.',
        'With {level} as the lowest level, how many weather warnings stand for {city}?',
      ],
    },
    draw(draft) {
      const { city } = aStation(draft);
      const level = draft.rng.pick(LEVELS);
      const found = draft.call('weather:list_alerts', { city, min_level: level });
      const slots = { city: `'${city}'`, level };
      const what = `how many warnings of level ${level} or above ${city} has`;
      return handingOn(asking(slots, [field(found, 'count')], what));
    },
  },
  {
    name: 'weather_alert_until',
    tools: ['weather:get_alert'],
    byName: false,
    gives: 'date',
    phrasings: {
      train: [
        'Until what date does [the weather warning|warning] {id} [last|hold]?',
        '[Tell me|Find out|Look up] [until when|until what date] the weather warning {id} is in force.',
        'When does weather warning {id} end?',
      ],
      heldOut: ['Name the last day of {id}.', 'On which day will the warning {id} be over?'],
    },
    draw(draft) {
      const { id } = anAlert(draft);
      const until = field(draft.call('weather:get_alert', { alert_id: id }), 'until');
      return handingOn(asking({ id }, [until], `the last day of ${id}`));
    },
  },
  {
    name: 'weather_alert_city',
    tools: ['weather:get_alert'],
    byName: false,
    gives: 'city',
    phrasings: {
      train: [
        '[Which|What] city is [the weather warning|warning] {id} about, and what is the hazard?',
        '[Tell me|Find out|Look up] the city and the hazard of weather warning {id}.',
      ],
      heldOut: [
        'Name the city that {id} was issued for and the danger it speaks of.',
        'Where does the warning {id} apply, and what does it warn of?',
      ],
    },
    draw(draft) {
      const { id } = anAlert(draft);
      const alert = draft.call('weather:get_alert', { alert_id: id });
      const asked = [field(alert, 'city'), field(alert, 'hazard')];
      return handingOn(asking({ id }, asked, `city and hazard of ${id}`));
    },
  },
  {
    name: 'weather_tell_of_city',
    tools: ['weather:get_alert', 'weather:subscribe_alerts'],
    byName: false,
    takes: 'person',
    phrasings: {
      train: [
        'Sign {who} up for the weather warnings of the city of {id}, from level {level} on.',
        'Put {who} [down|on the list] for the weather warnings of the city of {id}, from level {level} on.',
        'Subscribe {who} to the [|weather ]warnings of level {level} and above for the city that {id} is about.',
        'Have {who} told of weather warnings of level {level} and above for the city of warning {id}.',
      ],
      heldOut: [
        'In the city that {id} is about, {who} wants to hear of warnings of level {level} and above; arrange it.',
        'Look up where {id} applies and let {who} get the warnings for that place, level {level} being the lowest.',
      ],
    },
    draw(draft) {
      const { id } = anAlert(draft);
      const level = draft.rng.pick(LEVELS);
      const { value: person, shown } = givenPerson(draft);
      const city = String(field(draft.call('weather:get_alert', { alert_id: id }), 'city'));
      draft.call('weather:subscribe_alerts', { city, person, min_level: level });
      const what = `${person} is told of warnings for ${city} from level ${level} on`;
      return changing({ id, who: shown, level }, what, [isTold(person, city, level)]);
    },
  },
  {
    name: 'weather_convert',
    tools: ['weather:convert_temperature'],
    byName: false,
    takes: 'number',
    gives: 'number',
    phrasings: {
      train: [
        '[Convert|Turn|Change] a temperature of {value} from {from} [to|into] {to}.',
        'A temperature is {value} in {from}; what is it in {to}?',
        'What is {value} in {from} when you [convert|turn] it [to|into] {to}?',
      ],
      heldOut: [
        'Express the temperature {value}, given in {from}, in {to}.',
        'The {from} reading is {value}: state the reading in {to}.',
      ],
    },
    draw(draft) {
      const [from, to] = draft.rng.sample(SCALES, 2);
      const draw = () => draft.rng.int(from === 'kelvin' ? 0 : -60, 400) / 2;
      const { value, shown } = draft.given('number', draw);
      const scales = { from: String(from), to: String(to) };
      const found = draft.call('weather:convert_temperature', { value, ...scales });
      const what = `${value} ${scales.from} in ${scales.to}`;
      return handingOn(asking({ value: shown, ...scales }, [field(found, 'value')], what));
    },
  },
];
