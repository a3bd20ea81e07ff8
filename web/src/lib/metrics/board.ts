// A first board for a resource, from the names of its own metrics and what is known about them.

import { own } from '../own';
import { guess, metricsOf, type Unit } from './units';

export type Group = 'Usage' | 'Traffic' | 'Errors' | 'Latency';
export const GROUPS: readonly Group[] = ['Usage', 'Traffic', 'Errors', 'Latency'];

export interface Panel {
  group: Group;
  title: string;
  queries: string[];
  unit: Unit;
  stacked: boolean;
}

export interface Board {
  panels: Panel[];
  /** Metrics that no panel shows. */
  others: string[];
}

/** What `metadata` says of a metric. */
export interface Meta {
  type: string;
  help: string;
}

/** Labels by which a request's outcome is told; the first that a metric has is taken. */
export const STATUS = ['status', 'status_code', 'code', 'http_status_code', 'http_response_status_code', 'status_class', 'grpc_code'] as const;

/** The most panels in a group. */
const MOST = 4;
const USAGE = /(^|[_.:])(cpu|memory|mem|heap|disk|filesystem|storage|volume|connections?|sessions|threads|goroutines|fds|queue|pool|usage|utili[sz]ation|lag|depth|size|load\d*)([_.:]|$)/i;
const ERRORS = /(^|[_.:])(errors?|failures?|failed|exceptions?|panics?|rejected|dropped|timeouts?)([_.:]|$)/i;
const REQUESTS = /(^|[_.:])(requests?|responses?|calls|rpcs?|handled|queries)([_.:]|$)/i;
/** What runtimes and collectors say about themselves, and sums of which something else is the point. */
const DULL = /^(go_|process_start|promhttp_|scrape_|python_gc|jvm_(buffer|classes)|up$|otel_scope|target_info)|_(created|info|start_time_seconds)$/;

/** Whether a counter counts requests, so that its labels are worth knowing. */
export const countsRequests = (name: string): boolean => /_total$|_count$/.test(name) && REQUESTS.test(name) && !DULL.test(name);

/** The most usual first. */
function weight(name: string): number {
  const found = [/cpu/i, /mem|heap/i, /^http|^grpc|requests?/i, /connection/i, /disk|file|storage/i].findIndex((each) => each.test(name));
  return found < 0 ? 9 : found;
}

/** A selector of a metric, whatever characters its name has. */
const select = (name: string, matchers = ''): string =>
  /^[a-zA-Z_:][\w:]*$/.test(name) ? `${name}${matchers && `{${matchers}}`}` : `{${JSON.stringify(name)}${matchers && `, ${matchers}`}}`;

/** Counters are read over this long: as long as two steps, so that no increase falls between them. */
export function over(rangeSeconds: number, step: number): string {
  const least = Math.max(rangeSeconds < 3600 ? 120 : 300, step * 2);
  const round = [120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].find((each) => each >= least) ?? Math.ceil(least / 86400) * 86400;
  return round % 86400 === 0 ? `${round / 86400}d` : round % 3600 === 0 ? `${round / 3600}h` : `${round / 60}m`;
}

/** `http_requests_total` as people say it. */
export const title = (name: string): string => {
  const words = name.replace(/_(total|bytes|seconds|ratio|percent|bucket|count)$/g, '').replace(/_(bytes|seconds)$/, '').split(/[_:.]+/).filter(Boolean).join(' ');
  const known = words.replace(/\b(cpu|http|grpc|rpc|db|io|gc|sql|tcp|api)\b/gi, (word) => word.toUpperCase());
  return known.charAt(0).toUpperCase() + known.slice(1);
};

/** The board. `labels` holds the label names of metrics that count requests, where they are known; `window` is as of `over`. */
export function board(names: readonly string[], meta: Readonly<Record<string, Meta>>, labels: Readonly<Record<string, readonly string[]>>, window: string): Board {
  const has = new Set(names);
  const used = new Set<string>();
  const panels: Record<Group, Panel[]> = { Usage: [], Traffic: [], Errors: [], Latency: [] };
  const put = (group: Group, heading: string, queries: string[], stacked = false): void => {
    panels[group].push({ group, title: heading, queries, unit: guess(queries[0]!), stacked });
  };
  const isHistogram = (name: string): boolean => ['histogram', 'gaugehistogram'].includes(own(meta, name)?.type ?? '');
  // Histograms first: their parts are no counters of their own.
  const classic = names.filter((name) => name.endsWith('_bucket')).map((name) => name.slice(0, -'_bucket'.length));
  const native = names.filter((name) => isHistogram(name));
  const part = (name: string): boolean => /_(bucket|sum|count)$/.test(name) && (classic.includes(name.replace(/_[a-z]+$/, '')) || isSummary(name.replace(/_[a-z]+$/, '')));
  const isSummary = (base: string): boolean => has.has(`${base}_sum`) && has.has(`${base}_count`);
  const ordered = [...names].sort((one, other) => weight(one) - weight(other) || one.localeCompare(other));

  for (const base of [...new Set([...classic, ...native])].sort((one, other) => weight(one) - weight(other) || one.localeCompare(other))) {
    if (DULL.test(base)) continue;
    const isNative = !has.has(`${base}_bucket`);
    const rated = isNative ? `sum(rate(${select(base)}[${window}]))` : `sum by (le) (rate(${select(`${base}_bucket`)}[${window}]))`;
    put('Latency', title(base), ['0.5', '0.95', '0.99'].map((quantile) => `histogram_quantile(${quantile}, ${rated})`));
    for (const each of [base, `${base}_bucket`, `${base}_sum`, `${base}_count`]) used.add(each);
  }
  for (const name of ordered) {
    if (used.has(name) || DULL.test(name) || part(name)) continue;
    const counts = name.endsWith('_total') || own(meta, name.replace(/_total$/, ''))?.type === 'counter' || own(meta, name)?.type === 'counter';
    const status = STATUS.find((label) => own(labels, name)?.includes(label));
    const rate = (by: string, matchers = ''): string => `sum${by && ` by (${by})`} (rate(${select(name, matchers)}[${window}]))`.replace('sum (', 'sum(');
    if (counts && ERRORS.test(name)) put('Errors', title(name), [rate('')]);
    else if (counts && /(^|_)cpu(_|$)/i.test(name)) put('Usage', title(name), [rate('')]);
    else if (counts) {
      put('Traffic', title(name), [rate(status ?? '')], status !== undefined);
      if (status && status !== 'grpc_code') {
        const failed = `${status}=~"5.."`;
        put('Errors', `${title(name)} that failed`, [`(${rate('', failed)} or 0 * ${rate('')}) / ${rate('')}`]);
      } else if (status) put('Errors', `${title(name)} that failed`, [rate('grpc_code', 'grpc_code!~"OK|0"')]);
    } else if (USAGE.test(name)) put('Usage', title(name), [select(name)]);
    else continue;
    used.add(name);
  }
  // What a histogram counts is traffic, where nothing else says how much there is.
  if (!panels.Traffic.length) {
    for (const base of classic.filter((each) => REQUESTS.test(each) && has.has(`${each}_count`))) put('Traffic', title(base), [`sum(rate(${select(`${base}_count`)}[${window}]))`]);
  }
  const kept = GROUPS.flatMap((group) => panels[group].slice(0, MOST));
  const shown = new Set(kept.flatMap(({ queries }) => queries.flatMap(metricsOf)));
  for (const base of classic) if (shown.has(`${base}_bucket`)) ['_sum', '_count'].forEach((end) => shown.add(base + end));
  return { panels: kept, others: names.filter((name) => !shown.has(name)) };
}

/** A query to begin with for a metric that no panel shows. */
export function begin(name: string, meta: Readonly<Record<string, Meta>>, window: string): string {
  const base = name.replace(/_bucket$/, '');
  if (name.endsWith('_bucket')) return `histogram_quantile(0.95, sum by (le) (rate(${select(name)}[${window}])))`;
  if (own(meta, base)?.type === 'histogram' && base === name) return `histogram_quantile(0.95, sum(rate(${select(name)}[${window}])))`;
  return /_(total|count|sum)$/.test(name) || own(meta, name)?.type === 'counter' ? `sum(rate(${select(name)}[${window}]))` : select(name);
}
