// What a number means and how it is written: guessed from the names of metrics, as Prometheus's conventions
// have them (a base unit as suffix, `_total` for counters).

export const UNITS = ['number', 'rate', 'seconds', 'bytes', 'bytes/s', 'ratio', 'percent'] as const;
export type Unit = (typeof UNITS)[number];

/** What a unit is called where it is chosen. */
export const UNIT_NAMES: Record<Unit, string> = {
  number: 'Number',
  rate: 'Per second',
  seconds: 'Seconds',
  bytes: 'Bytes',
  'bytes/s': 'Bytes per second',
  ratio: 'Ratio, 1 is 100 %',
  percent: 'Percent, 0 to 100',
};

const WORDS = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'offset', 'bool', 'and', 'or', 'unless', 'inf', 'nan', 'start', 'end', 'atan2', 'fill', 'fill_left', 'fill_right']);

/** The names of the metrics that a query reads. Text in quotation marks, labels and functions are none. */
export function metricsOf(query: string): string[] {
  const quoted = [...query.matchAll(/__name__\s*=\s*"([^"\\]+)"/g), ...query.matchAll(/\{\s*"([^"\\]+)"\s*[,}]/g)].map(([, name]) => name!);
  const bare = query
    .replace(/"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`[^`]*`|#.*/g, ' ')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi, ' ');
  const found = [...bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)].map(([name]) => name).filter((name) => !WORDS.has(name.toLowerCase()));
  return [...new Set([...quoted, ...found])];
}

/** The unit that a metric's own name tells. */
function ofName(name: string): Unit {
  // The parts of a histogram that count.
  if (/_(bucket|count)$/.test(name)) return 'number';
  const base = name.replace(/_(sum|total|max|min)$/, '');
  if (/_(bytes)$/.test(base)) return 'bytes';
  if (/_(seconds)$/.test(base)) return 'seconds';
  if (/_ratio$/.test(base)) return 'ratio';
  if (/_(percent|percentage|pct)$/.test(base)) return 'percent';
  return 'number';
}

const RATE = /\b(rate|irate|deriv)\s*\(/i;

/** The unit of a query's values, as far as it can be told without evaluating it. */
export function guess(query: string): Unit {
  const names = metricsOf(query);
  const first = names[0];
  // LogQL, which has no names of metrics.
  if (/\bbytes_(rate|over_time)\s*\(/i.test(query)) return /\bbytes_rate/i.test(query) ? 'bytes/s' : 'bytes';
  if (first === undefined && RATE.test(query)) return 'rate';
  if (first === undefined || /^\s*(count|count_values|absent|group)\b/i.test(query)) return 'number';
  const quantile = /\bhistogram_(quantile|avg|stddev)\s*\(/i.test(query);
  if (quantile) return ofName(first.replace(/_bucket$/, ''));
  if (/\bhistogram_fraction\s*\(/i.test(query)) return 'ratio';
  // One thing over another: of the same kind, a share; a sum over its count, an average.
  const divided = /[)\]}\w]\s*\/\s*(?:(?:on|ignoring)\s*\([^)]*\)\s*)?[a-z_(]/i.test(query.replace(/"(\\.|[^"\\])*"/g, '""'));
  if (divided) {
    const second = names[1];
    if (second === undefined || ofName(first) === ofName(second)) return /\*\s*100\s*$|^\s*100\s*\*/.test(query) ? 'percent' : 'ratio';
    return /_sum$/.test(first) && /_count$/.test(second) ? ofName(first) : 'number';
  }
  const unit = ofName(first);
  if (!RATE.test(query)) return /\bincrease\s*\(/i.test(query) && unit === 'number' ? 'number' : unit;
  // A second per second is a share of the time, as with processors.
  return unit === 'bytes' ? 'bytes/s' : unit === 'seconds' ? 'ratio' : 'rate';
}

/** The unit of several queries in one chart: theirs, where they agree. */
export function agreed(queries: readonly string[]): Unit {
  const units = new Set(queries.map(guess));
  const [only] = units;
  return units.size === 1 && only ? only : 'number';
}

interface Scale {
  by: number;
  suffix: string;
}

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const TIMES: Scale[] = [
  { by: 1e-9, suffix: ' ns' }, { by: 1e-6, suffix: ' µs' }, { by: 1e-3, suffix: ' ms' }, { by: 1, suffix: ' s' },
  { by: 60, suffix: ' min' }, { by: 3600, suffix: ' h' }, { by: 86400, suffix: ' d' },
];
const COUNTS: Scale[] = [
  { by: 1, suffix: '' }, { by: 1e3, suffix: ' K' }, { by: 1e6, suffix: ' M' }, { by: 1e9, suffix: ' G' }, { by: 1e12, suffix: ' T' },
];

/** The greatest of the steps that is not above the size. */
function fit(steps: readonly Scale[], size: number): Scale {
  return steps.findLast(({ by }) => size >= by) ?? steps[0]!;
}

/** How numbers of about this size are written. */
function scale(unit: Unit, size: number): Scale {
  switch (unit) {
    case 'seconds':
      return size === 0 ? { by: 1, suffix: ' s' } : fit(TIMES, size);
    case 'bytes':
    case 'bytes/s': {
      const power = Math.max(0, Math.min(BINARY.length - 1, Math.floor(Math.log2(size || 1) / 10)));
      return { by: 1024 ** power, suffix: ` ${BINARY[power]}${unit === 'bytes' ? '' : '/s'}` };
    }
    case 'ratio':
      return { by: 0.01, suffix: ' %' };
    case 'percent':
      return { by: 1, suffix: ' %' };
    case 'rate': {
      const { by, suffix } = fit(COUNTS, size);
      return { by, suffix: `${suffix}/s` };
    }
    case 'number':
      return fit(COUNTS, size);
  }
}

const digits = (value: number, least: number, most: number): string =>
  value.toLocaleString('en', { minimumFractionDigits: least, maximumFractionDigits: most });

/** A value in words, with three digits that count. */
export function format(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return '–';
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+∞' : '−∞';
  const { by, suffix } = scale(unit, Math.abs(value));
  const scaled = value / by;
  const size = Math.abs(scaled);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return `${scaled.toExponential(2)}${suffix}`;
  return `${digits(scaled, 0, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)}${suffix}`;
}

/** The marks of an axis: all of one scale, and with as many digits as tell them apart. */
export function marks(values: readonly number[], unit: Unit): string[] {
  const most = Math.max(0, ...values.map(Math.abs));
  const { by, suffix } = scale(unit, most);
  const apart = values.length > 1 ? Math.abs(values[1]! - values[0]!) / by : most / by;
  const places = apart > 0 ? Math.min(6, Math.max(0, -Math.floor(Math.log10(apart) + 1e-9))) : 0;
  // 2.5 and 5 are told apart by one more digit than 2 and 4.
  const fine = values.some((value) => Math.abs(value / by - Number((value / by).toFixed(places))) > 1e-9 * Math.max(1, most / by));
  return values.map((value) => `${digits(value / by, 0, fine ? places + 1 : places)}${suffix}`);
}
