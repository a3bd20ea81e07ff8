//! Printing pipeline stages and label filters.

use super::{matcher, number, quoted, separated};
use crate::logql::ast::{
    Extraction, LabelFilter, LabelFormat, LabelOrMatcher, LineFilter, LineMatch, LineOp, Logfmt,
    Stage,
};
use crate::text::Text;

pub(super) fn stage(out: &mut String, stage: &Stage) {
    match stage {
        Stage::Line(filter) => line_filter(out, filter),
        Stage::Json(extractions) => {
            out.push_str("| json");
            push_extractions(out, extractions);
        }
        Stage::Logfmt(Logfmt {
            strict,
            keep_empty,
            extractions,
        }) => {
            out.push_str("| logfmt");
            if *strict {
                out.push_str(" --strict");
            }
            if *keep_empty {
                out.push_str(" --keep-empty");
            }
            push_extractions(out, extractions);
        }
        Stage::Regexp(text) => with_text(out, "| regexp ", text),
        Stage::Pattern(text) => with_text(out, "| pattern ", text),
        Stage::Unpack => out.push_str("| unpack"),
        Stage::Decolorize => out.push_str("| decolorize"),
        Stage::Label(filter) => {
            out.push_str("| ");
            label_filter(out, filter);
        }
        Stage::LineFormat(text) => with_text(out, "| line_format ", text),
        Stage::LabelFormat(formats) => {
            out.push_str("| label_format ");
            separated(out, formats, label_format);
        }
        Stage::Drop(items) => {
            out.push_str("| drop ");
            separated(out, items, label_or_matcher);
        }
        Stage::Keep(items) => {
            out.push_str("| keep ");
            separated(out, items, label_or_matcher);
        }
    }
}

fn line_filter(out: &mut String, filter: &LineFilter) {
    out.push_str(filter.op.as_str());
    for (index, alternative) in filter.alternatives.iter().enumerate() {
        out.push_str(if index == 0 { " " } else { " or " });
        match alternative {
            LineMatch::Text(text) => quoted(out, text),
            LineMatch::Ip(text) => ip(out, text),
        }
    }
}

fn ip(out: &mut String, text: &Text) {
    out.push_str("ip(");
    quoted(out, text);
    out.push(')');
}

/// Always with the expression: without, a name that a bracket follows could be taken for a call.
fn push_extractions(out: &mut String, extractions: &[Extraction]) {
    if extractions.is_empty() {
        return;
    }
    out.push(' ');
    separated(out, extractions, |out, Extraction { label, expression }| {
        out.push_str(label);
        out.push('=');
        quoted(out, expression);
    });
}

fn label_format(out: &mut String, format: &LabelFormat) {
    match format {
        LabelFormat::Rename { to, from } => {
            out.push_str(to);
            out.push('=');
            out.push_str(from);
        }
        LabelFormat::Template { label, template } => {
            out.push_str(label);
            out.push('=');
            quoted(out, template);
        }
    }
}

fn label_or_matcher(out: &mut String, item: &LabelOrMatcher) {
    match item {
        LabelOrMatcher::Label(label) => out.push_str(label),
        LabelOrMatcher::Matcher(inner) => matcher(out, inner),
    }
}

/// Only `and`, `or` and brackets: a comma has no precedence.
pub(super) fn label_filter(out: &mut String, filter: &LabelFilter) {
    enum Work<'t> {
        Filter(&'t LabelFilter),
        Text(&'static str),
    }
    /// Pushes one side, in brackets if it would not stay together without.
    fn side<'t>(work: &mut Vec<Work<'t>>, filter: &'t LabelFilter, brackets: bool) {
        if brackets {
            work.push(Work::Text(")"));
        }
        work.push(Work::Filter(filter));
        if brackets {
            work.push(Work::Text("("));
        }
    }
    let mut work = vec![Work::Filter(filter)];
    while let Some(next) = work.pop() {
        match next {
            Work::Text(text) => out.push_str(text),
            Work::Filter(LabelFilter::Match(inner)) => matcher(out, inner),
            Work::Filter(LabelFilter::Ip(filter)) => {
                out.push_str(&filter.label);
                out.push_str(if filter.negated { "!=" } else { "=" });
                ip(out, &filter.pattern);
            }
            Work::Filter(LabelFilter::Number(label, op, value)) => {
                comparison(out, label, op.as_str());
                number(out, value);
            }
            Work::Filter(LabelFilter::Duration(label, op, value)) => {
                comparison(out, label, op.as_str());
                out.push_str(&value.text);
            }
            Work::Filter(LabelFilter::Bytes(label, op, value)) => {
                comparison(out, label, op.as_str());
                out.push_str(&value.text);
            }
            Work::Filter(LabelFilter::And(left, right)) => {
                let or = |filter: &LabelFilter| matches!(filter, LabelFilter::Or(..));
                let and = |filter: &LabelFilter| matches!(filter, LabelFilter::And(..));
                side(&mut work, right, or(right) || and(right));
                work.push(Work::Text(" and "));
                side(&mut work, left, or(left));
            }
            Work::Filter(LabelFilter::Or(left, right)) => {
                let or = |filter: &LabelFilter| matches!(filter, LabelFilter::Or(..));
                side(&mut work, right, or(right));
                work.push(Work::Text(" or "));
                side(&mut work, left, false);
            }
        }
    }
}

fn comparison(out: &mut String, label: &str, op: &str) {
    out.push_str(label);
    out.push(' ');
    out.push_str(op);
    out.push(' ');
}

/// Whether the stage's text ends in a bare label, to which an operator could belong.
pub(super) fn ends_with_label(stage: &Stage) -> bool {
    match stage {
        Stage::Drop(items) | Stage::Keep(items) => {
            matches!(items.last(), Some(LabelOrMatcher::Label(_)))
        }
        Stage::Line(_)
        | Stage::Json(_)
        | Stage::Logfmt(_)
        | Stage::Regexp(_)
        | Stage::Pattern(_)
        | Stage::Unpack
        | Stage::Label(_)
        | Stage::Decolorize
        | Stage::LineFormat(_)
        | Stage::LabelFormat(_) => false,
    }
}

/// Whether the stage's text starts with an operator that matchers have too.
pub(super) fn starts_with_match_op(stage: &Stage) -> bool {
    match stage {
        Stage::Line(filter) => matches!(filter.op, LineOp::NotContains | LineOp::NotRegex),
        Stage::Drop(_)
        | Stage::Keep(_)
        | Stage::Json(_)
        | Stage::Logfmt(_)
        | Stage::Regexp(_)
        | Stage::Pattern(_)
        | Stage::Unpack
        | Stage::Label(_)
        | Stage::Decolorize
        | Stage::LineFormat(_)
        | Stage::LabelFormat(_) => false,
    }
}

fn with_text(out: &mut String, stage: &str, text: &Text) {
    out.push_str(stage);
    quoted(out, text);
}
