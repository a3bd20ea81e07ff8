//! Answers to queries as JSON.

use super::bounded::Bounded;
use crate::histogram::Histogram;
use crate::http::json::{self, Style};
use crate::limits::{EvalError, Stop};
use crate::promql::{Answer, Evaluation, InstantValue};
use crate::store::HistogramSample;

/// Warnings, and likewise infos, in one answer; of more their number is told.
const MOST_NOTES: usize = 10;

const STYLE: Style = Style::Prometheus;

/// A query's answer.
pub(super) fn evaluation(evaluation: &Evaluation, stop: &Stop) -> Result<String, EvalError> {
    let mut out = String::from(r#"{"status":"success","data":{"resultType":""#);
    data(&mut out, &evaluation.answer, &mut Bounded::new(stop))?;
    out.push('}');
    let (warnings, infos) = (&evaluation.warnings, &evaluation.infos);
    notes(&mut out, "warning", warnings, evaluation.more_warnings);
    notes(&mut out, "info", infos, evaluation.more_infos);
    out.push('}');
    Ok(out)
}

fn data(out: &mut String, answer: &Answer, bounded: &mut Bounded) -> Result<(), EvalError> {
    match answer {
        Answer::Matrix(series) => {
            out.push_str(r#"matrix","result":"#);
            bounded.list(out, series, |out, one, bounded| {
                out.push_str(r#"{"metric":"#);
                json::labels(out, &one.labels);
                if !one.points.is_empty() {
                    out.push_str(r#","values":"#);
                    bounded.list(out, &one.points, |out, at, _| {
                        json::point(out, STYLE, at.timestamp_ms, at.value);
                        Ok(())
                    })?;
                }
                if !one.histograms.is_empty() {
                    out.push_str(r#","histograms":"#);
                    bounded.list(out, &one.histograms, |out, one, _| {
                        sample(out, one);
                        Ok(())
                    })?;
                }
                out.push('}');
                Ok(())
            })?;
        }
        Answer::Vector(samples) => {
            out.push_str(r#"vector","result":"#);
            bounded.list(out, samples, |out, one, _| {
                out.push_str(r#"{"metric":"#);
                json::labels(out, &one.labels);
                match &one.value {
                    InstantValue::Float(point) => {
                        out.push_str(r#","value":"#);
                        json::point(out, STYLE, point.timestamp_ms, point.value);
                    }
                    InstantValue::Histogram(histogram) => {
                        out.push_str(r#","histogram":"#);
                        sample(out, histogram);
                    }
                }
                out.push('}');
                Ok(())
            })?;
        }
        Answer::Scalar(point) => {
            out.push_str(r#"scalar","result":"#);
            json::point(out, STYLE, point.timestamp_ms, point.value);
        }
        Answer::String(timestamp_ms, text) => {
            out.push_str(r#"string","result":["#);
            json::time(out, STYLE, *timestamp_ms);
            out.push(',');
            json::string(out, text);
            out.push(']');
        }
    }
    Ok(())
}

fn notes(out: &mut String, kind: &str, notes: &[String], unkept: usize) {
    if notes.is_empty() && unkept == 0 {
        return;
    }
    let more = notes.len().saturating_sub(MOST_NOTES) + unkept;
    let more = (more > 0).then(|| format!("{more} more {kind} annotations omitted"));
    let told = notes.iter().take(MOST_NOTES).chain(&more);
    out.push_str(",\"");
    out.push_str(kind);
    out.push_str("s\":");
    json::strings(out, told);
}

fn sample(out: &mut String, sample: &HistogramSample) {
    out.push('[');
    json::time(out, STYLE, sample.timestamp_ms);
    out.push(',');
    histogram(out, &sample.histogram);
    out.push(']');
}

fn quoted(out: &mut String, value: f64) {
    out.push('"');
    json::number(out, STYLE, value);
    out.push('"');
}

fn histogram(out: &mut String, histogram: &Histogram) {
    out.push_str(r#"{"count":"#);
    quoted(out, histogram.count);
    out.push_str(r#","sum":"#);
    quoted(out, histogram.sum);
    let mut buckets = histogram.buckets();
    buckets.retain(|bucket| bucket.count != 0.0);
    if !buckets.is_empty() {
        out.push_str(r#","buckets":"#);
        json::list(out, &buckets, |out, bucket| {
            // Which of its bounds are in the bucket, as Prometheus numbers it.
            out.push_str(match histogram.inclusive(bucket.lower, bucket.upper) {
                (false, true) => "[0,",
                (true, false) => "[1,",
                (false, false) => "[2,",
                (true, true) => "[3,",
            });
            quoted(out, bucket.lower);
            out.push(',');
            quoted(out, bucket.upper);
            out.push(',');
            quoted(out, bucket.count);
            out.push(']');
        });
    }
    out.push('}');
}
