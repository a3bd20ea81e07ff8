// Where one is: the whole state of the page that a link shares. It stands in the URL's fragment, which
// browsers send to nobody: what people look for is in no proxy's log.

import { UNITS, type Unit } from './metrics/units';
import { span } from './time';

export type View = 'logs' | 'metrics' | 'access';
export const VIEWS: readonly View[] = ['logs', 'metrics', 'access'];

export interface Place {
  view: View;
  project: string;
  resource: string;
  /** The LogQL query; empty for all of the resource's lines. */
  query: string;
  /** PromQL queries, one after the other. */
  metrics: string[];
  /** Which of them, by their place in the list, are not shown. */
  hidden: number[];
  /** The series that are shown, by name; empty for all. */
  only: string[];
  stacked: boolean;
  log: boolean;
  /** How values are written; empty for what their names tell. */
  unit: Unit | '';
  /** Whether values are shown as a table. */
  table: boolean;
  from: string;
  to: string;
  /** Seconds between refreshes; 0 for none. */
  refresh: number;
  /** Whether lines are followed as they come. */
  live: boolean;
  /** Whether long lines are wrapped; undefined for what fits the screen. */
  wrap: boolean | undefined;
  zone: 'local' | 'utc';
  /** The most lines asked for at once. */
  limit: number;
}

export const HOME: Place = {
  view: 'logs',
  project: '',
  resource: '',
  query: '',
  metrics: [],
  hidden: [],
  only: [],
  stacked: false,
  log: false,
  unit: '',
  table: false,
  from: 'now-1h',
  to: 'now',
  refresh: 0,
  live: false,
  wrap: undefined,
  zone: 'local',
  limit: 1000,
};

export const REFRESHES = [0, 5, 10, 30, 60, 300] as const;
export const LIMITS = [100, 500, 1000, 2000, 5000] as const;

/** The most queries of a chart, and the most bytes of each, that a link brings along. */
export const MOST_QUERIES = 26;
export const LONGEST_QUERY = 8192;
/** Of more than these, somebody who follows a link is asked first: each of them is work for the backends, on their account. */
const FEW_QUERIES = 8;

/** Whether that many queries are to run only when somebody says so. */
export const areMany = (metrics: readonly string[]): boolean => metrics.filter((query) => query.trim()).length > FEW_QUERIES;

/** An id as the gateway knows it: a DNS label (RFC 1123). Anything else, such as `..`, could be a part of another path. */
const isId = (text: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);

/** A text without what is beyond so many bytes of UTF-8, and without a part of a character. */
function cut(text: string, bytes: number): string {
  const buffer = new Uint8Array(bytes);
  return text.slice(0, new TextEncoder().encodeInto(text, buffer).read);
}

/** Reads a fragment. What is not understood is as if it were not there. */
export function read(fragment: string): Place {
  const [path = '', search = ''] = fragment.replace(/^#?\/?/, '').split(/\?(.*)/s);
  const given = new URLSearchParams(search);
  const text = (name: string, otherwise: string): string => given.get(name) ?? otherwise;
  const among = (name: string, known: readonly number[], otherwise: number): number => {
    const value = Number(given.get(name));
    return given.has(name) && known.includes(value) ? value : otherwise;
  };
  const [project, resource] = [text('project', ''), text('resource', '')];
  // A resource is known by both, so a link with one that is none names no resource.
  const isNamed = isId(project) && isId(resource);
  return {
    view: VIEWS.find((view) => view === path) ?? HOME.view,
    project: isNamed ? project : '',
    resource: isNamed ? resource : '',
    query: text('q', ''),
    metrics: given.getAll('m').slice(0, MOST_QUERIES).map((query) => cut(query, LONGEST_QUERY)),
    hidden: text('hide', '').split(',').filter((each) => /^\d{1,3}$/.test(each)).map(Number),
    only: given.getAll('only'),
    stacked: given.get('stacked') === '1',
    log: given.get('log') === '1',
    unit: UNITS.find((unit) => unit === given.get('unit')) ?? '',
    table: given.get('table') === '1',
    from: text('from', HOME.from),
    to: text('to', HOME.to),
    refresh: among('refresh', REFRESHES, 0),
    live: given.get('live') === '1',
    wrap: given.get('wrap') === '1' ? true : given.get('wrap') === '0' ? false : undefined,
    zone: given.get('zone') === 'utc' ? 'utc' : 'local',
    limit: among('limit', LIMITS, HOME.limit),
  };
}

/** A link to a place, fixed in time: who opens it later sees the same lines. */
export function share(place: Place, now: number): Place {
  const range = span(place.from, place.to, now);
  if (!range) return place;
  return { ...place, from: String(Math.round(range.start)), to: String(Math.round(range.end)), refresh: 0, live: false };
}

/** Writes a fragment, without what is as it is anyway. */
export function write(place: Place): string {
  const given = new URLSearchParams();
  const put = (name: string, value: string, otherwise: string): void => {
    if (value !== otherwise) given.set(name, value);
  };
  put('project', place.project, '');
  put('resource', place.resource, '');
  put('q', place.query, '');
  for (const query of place.metrics) given.append('m', query);
  put('hide', place.hidden.join(','), '');
  for (const name of place.only) given.append('only', name);
  put('stacked', place.stacked ? '1' : '', '');
  put('log', place.log ? '1' : '', '');
  put('unit', place.unit, '');
  put('table', place.table ? '1' : '', '');
  put('from', place.from, HOME.from);
  put('to', place.to, HOME.to);
  put('refresh', String(place.refresh), '0');
  put('live', place.live ? '1' : '', '');
  put('wrap', place.wrap === undefined ? '' : place.wrap ? '1' : '0', '');
  put('zone', place.zone, HOME.zone);
  put('limit', String(place.limit), String(HOME.limit));
  const search = given.toString();
  return `#/${place.view}${search && `?${search}`}`;
}
