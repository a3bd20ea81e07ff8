// Words of the two languages, for completion: names, and what they take.

const range = 'range vector';
const OVER_TIME = ['avg', 'min', 'max', 'sum', 'count', 'quantile', 'stddev', 'stdvar', 'last', 'first', 'absent'];

export const LOGQL = {
  functions: ['rate', 'rate_counter', 'count_over_time', 'bytes_rate', 'bytes_over_time', ...OVER_TIME.filter((name) => name !== 'count').map((name) => `${name}_over_time`), 'label_replace', 'vector'],
  aggregations: ['sum', 'avg', 'min', 'max', 'count', 'stddev', 'stdvar', 'topk', 'bottomk', 'sort', 'sort_desc'],
  stages: [
    ['json', 'fields of JSON'], ['logfmt', 'fields of key=value'], ['pattern', 'fields by a pattern'], ['regexp', 'fields by a regular expression'],
    ['unpack', 'what was packed'], ['line_format', 'another line'], ['label_format', 'other labels'], ['unwrap', 'a field as number'],
    ['drop', 'without labels'], ['keep', 'only labels'], ['decolorize', 'without colours'],
  ],
} as const;

const MATHS = 'abs ceil floor round exp ln log2 log10 sqrt sgn clamp clamp_min clamp_max acos acosh asin asinh atan atanh cos cosh sin sinh tan tanh deg rad pi';
const TIMES = 'time timestamp minute hour day_of_week day_of_month day_of_year days_in_month month year';

export const PROMQL = {
  functions: [
    ...['rate', 'irate', 'increase', 'delta', 'idelta', 'deriv', 'changes', 'resets', 'predict_linear', 'double_exponential_smoothing'].map((name) => [name, range] as const),
    ...[...OVER_TIME, 'present', 'mad'].map((name) => [`${name}_over_time`, range] as const),
    ...['histogram_quantile', 'histogram_avg', 'histogram_count', 'histogram_sum', 'histogram_fraction', 'histogram_stddev', 'histogram_stdvar'].map((name) => [name, 'histogram'] as const),
    ...['absent', 'scalar', 'vector', 'label_replace', 'label_join', 'sort', 'sort_desc', 'sort_by_label', 'sort_by_label_desc'].map((name) => [name, ''] as const),
    ...MATHS.split(' ').map((name) => [name, 'maths'] as const),
    ...TIMES.split(' ').map((name) => [name, 'time'] as const),
  ],
  aggregations: ['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar', 'topk', 'bottomk', 'quantile', 'count_values'],
} as const;
