import { LRLanguage } from '@codemirror/language';
import { parser as logql } from '@grafana/lezer-logql';
import { styleTags, tags } from '@lezer/highlight';
import { parser as promql } from '@prometheus-io/lezer-promql';

const fn = tags.function(tags.variableName);

/** What the published grammar's nodes are, of which it says nothing itself. */
const LOGQL_TAGS = styleTags({
  LineComment: tags.comment,
  'Identifier LabelName': tags.labelName,
  String: tags.string,
  'Number Duration Bytes': tags.number,
  'Json Logfmt Unpack Pattern Regexp Unwrap LabelFormat LineFormat Decolorize Drop Keep ParserFlag': tags.keyword,
  'CountOverTime Rate RateCounter BytesOverTime BytesRate AvgOverTime SumOverTime MinOverTime MaxOverTime StddevOverTime StdvarOverTime QuantileOverTime FirstOverTime LastOverTime AbsentOverTime LabelReplace Vector BytesConv DurationConv DurationSecondsConv Ip': fn,
  'Sum Avg Count Max Min Stddev Stdvar Bottomk Topk Sort Sort_Desc': tags.operatorKeyword,
  'By Without On Ignoring GroupLeft GroupRight Bool Offset': tags.modifier,
  'And Or Unless': tags.logicOperator,
  'Eq Neq Re Nre Npa PipeExact PipeMatch PipePattern Pipe Gtr Gte Lss Lte Eql Add Sub Mul Div Mod Pow': tags.operator,
});

export const LANGUAGES = {
  logql: LRLanguage.define({ name: 'logql', parser: logql.configure({ props: [LOGQL_TAGS] }), languageData: { closeBrackets: { brackets: ['(', '[', '{', '"', '`'] } } }),
  promql: LRLanguage.define({ name: 'promql', parser: promql.configure({ top: 'PromQL' }), languageData: { closeBrackets: { brackets: ['(', '[', '{', '"', "'", '`'] } } }),
} as const;
