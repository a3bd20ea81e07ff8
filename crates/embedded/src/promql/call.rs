//! Function calls: which function is evaluated how.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use query::promql::ast::{Call, Expr, Extension};
use query::promql::functions::Function;

use super::evaluator::{Evaluator, unsupported, unwrap_parens, wrong_type};
use super::range_functions::{RangeCall, RangeFunction};
use super::selector::Newest;
use super::series::{Cursor, Series, Value};
use super::{dates, over_time, rate};
use crate::histogram::Histogram;
use crate::limits::EvalError;

impl Evaluator<'_> {
    /// Evaluates a call. The match names every function, so that a new one has to be decided on.
    #[allow(clippy::too_many_lines)] // a table
    pub(super) fn call(&self, expr: &Expr, call: &Call) -> Result<Value, EvalError> {
        use Function as F;
        let any = |function| self.range_call(call, 0, &[], RangeFunction::Any(function));
        let floats = |function| self.range_call(call, 0, &[], RangeFunction::Floats(function));
        let math = |function: fn(f64) -> f64| self.math(call, function);
        let of_histogram = |function: fn(&Histogram) -> f64| {
            let series = self.vector(argument(call, 0)?)?;
            Ok(Value::Vector(self.map_histograms(series, function)?))
        };
        let date = |part| self.date(call, part);
        match call.function {
            F::Rate => any(rate::rate),
            F::Increase => any(rate::increase),
            F::Delta => any(rate::delta),
            F::Irate => any(rate::irate),
            F::Idelta => any(rate::idelta),
            F::Deriv => floats(over_time::deriv),
            F::AvgOverTime => any(over_time::avg),
            F::CountOverTime => any(over_time::count),
            F::MaxOverTime => floats(over_time::max),
            F::MinOverTime => floats(over_time::min),
            F::SumOverTime => any(over_time::sum),
            F::StddevOverTime => floats(over_time::stddev),
            F::StdvarOverTime => floats(over_time::stdvar),
            F::PresentOverTime => any(over_time::present),
            F::Changes => any(over_time::changes),
            F::Resets => any(over_time::resets),
            F::FirstOverTime => any(over_time::first),
            F::LastOverTime => any(over_time::last),
            F::TsOfFirstOverTime => any(over_time::time_of_first),
            F::TsOfLastOverTime => any(over_time::time_of_last),
            F::TsOfMaxOverTime => floats(over_time::time_of_max),
            F::TsOfMinOverTime => floats(over_time::time_of_min),
            F::MadOverTime => floats(over_time::mad),
            F::PredictLinear => {
                let function = RangeFunction::Floats(over_time::predict_linear);
                self.range_call(call, 0, &[1], function)
            }
            F::QuantileOverTime => {
                let function = RangeFunction::Floats(over_time::quantile_over_time);
                self.range_call(call, 1, &[0], function)
            }
            F::DoubleExponentialSmoothing => {
                let function = RangeFunction::Failing(over_time::double_exponential_smoothing);
                self.range_call(call, 0, &[1, 2], function)
            }
            F::AbsentOverTime => Ok(Value::Vector(self.absent_over_time(call)?)),
            F::Absent => {
                let present = self.vector(argument(call, 0)?)?;
                Ok(Value::Vector(self.absent(argument(call, 0)?, &present)))
            }

            F::Abs => math(f64::abs),
            F::Ceil => math(f64::ceil),
            F::Floor => math(f64::floor),
            F::Exp => math(f64::exp),
            F::Ln => math(f64::ln),
            F::Log2 => math(f64::log2),
            F::Log10 => math(f64::log10),
            F::Sqrt => math(f64::sqrt),
            F::Sgn => math(sign),
            F::Sin => math(f64::sin),
            F::Cos => math(f64::cos),
            F::Tan => math(f64::tan),
            F::Asin => math(f64::asin),
            F::Acos => math(f64::acos),
            F::Atan => math(f64::atan),
            F::Sinh => math(sinh),
            F::Cosh => math(cosh),
            F::Tanh => math(f64::tanh),
            F::Asinh => math(f64::asinh),
            F::Acosh => math(f64::acosh),
            F::Atanh => math(f64::atanh),
            F::Deg => math(|value| value * 180.0 / std::f64::consts::PI),
            F::Rad => math(|value| value * std::f64::consts::PI / 180.0),
            F::Round => self.round(call),
            F::Clamp => self.clamp(call, Some(1), Some(2)),
            F::ClampMin => self.clamp(call, Some(1), None),
            F::ClampMax => self.clamp(call, None, Some(1)),

            F::Minute => date(dates::minute),
            F::Hour => date(dates::hour),
            F::DayOfWeek => date(dates::day_of_week),
            F::DayOfMonth => date(dates::day_of_month),
            F::DayOfYear => date(dates::day_of_year),
            F::DaysInMonth => date(dates::days_in_month),
            F::Month => date(dates::month),
            F::Year => date(dates::year),

            F::Pi => self.constant(std::f64::consts::PI),
            F::Time => Ok(Value::Scalar(self.step_times())),
            F::Timestamp => Ok(Value::Vector(self.timestamp(argument(call, 0)?)?)),
            F::Vector => {
                let values = self.scalar(argument(call, 0)?)?;
                Ok(Value::Vector(self.unlabelled(values)))
            }
            F::Scalar => Ok(Value::Scalar(self.only_value(argument(call, 0)?)?)),

            F::Sort => self.sort(expr, call, false),
            F::SortDesc => self.sort(expr, call, true),
            F::SortByLabel => self.sort_by_label(expr, call, false),
            F::SortByLabelDesc => self.sort_by_label(expr, call, true),
            F::LabelReplace => Ok(Value::Vector(self.label_replace(call)?)),
            F::LabelJoin => Ok(Value::Vector(self.label_join(call)?)),

            F::HistogramQuantile => Ok(Value::Vector(self.histogram_quantile(call)?)),
            F::HistogramFraction => Ok(Value::Vector(self.histogram_fraction(call)?)),
            F::HistogramQuantiles => Ok(Value::Vector(self.histogram_quantiles(call)?)),
            F::HistogramAvg => of_histogram(|histogram| histogram.sum / histogram.count),
            F::HistogramCount => of_histogram(|histogram| histogram.count),
            F::HistogramSum => of_histogram(|histogram| histogram.sum),
            F::HistogramStddev => of_histogram(|histogram| histogram.variance().sqrt()),
            F::HistogramStdvar => of_histogram(Histogram::variance),

            F::Start => self.constant(seconds(self.query_span.0)),
            F::End => self.constant(seconds(self.query_span.1)),
            F::Range => self.constant(seconds(self.query_length())),
            F::Step => self.constant(seconds(self.query_step)),
            F::MinOf => self.of_both(call, f64::min),
            F::MaxOf => self.of_both(call, f64::max),
            F::StartTimestamp | F::Info => Err(unsupported(format!(
                "the function {}",
                call.function.name()
            ))),
        }
    }

    /// The smaller or the larger of two scalars; NaN if one is.
    fn of_both(&self, call: &Call, function: fn(f64, f64) -> f64) -> Result<Value, EvalError> {
        let a = self.scalar(argument(call, 0)?)?;
        let b = self.scalar(argument(call, 1)?)?;
        let pairs = a.into_iter().zip(b);
        let of = |(a, b): (f64, f64)| {
            if a.is_nan() || b.is_nan() {
                f64::NAN
            } else {
                function(a, b)
            }
        };
        Ok(Value::Scalar(pairs.map(of).collect()))
    }

    /// A call whose argument `range` is the range vector, with these of the others as scalars.
    fn range_call(
        &self,
        call: &Call,
        range: usize,
        scalars: &[usize],
        function: RangeFunction,
    ) -> Result<Value, EvalError> {
        use Function as F;
        let scalar = |at: usize| {
            scalars
                .get(at)
                .map(|index| argument(call, *index))
                .transpose()
        };
        let range = argument(call, range)?;
        Self::check_extension(call, range)?;
        Ok(Value::Vector(self.over_range(RangeCall {
            range,
            first: argument(call, 0)?,
            arguments: [scalar(0)?, scalar(1)?],
            keeps_name: matches!(call.function, F::FirstOverTime | F::LastOverTime),
            wants_counter: matches!(call.function, F::Rate | F::Increase),
            function,
        })?))
    }

    /// Only some functions can make use of samples about their windows.
    pub(super) fn check_extension(call: &Call, range: &Expr) -> Result<(), EvalError> {
        use Function as F;
        let Expr::Matrix(matrix) = unwrap_parens(range) else {
            return Ok(());
        };
        let is_change = matches!(call.function, F::Rate | F::Increase | F::Delta);
        let (is_safe, modifier, functions) = match matrix.selector.extension {
            None => return Ok(()),
            Some(Extension::Anchored) => (
                is_change || matches!(call.function, F::Changes | F::Resets),
                "anchored",
                "changes, delta, increase, rate, resets",
            ),
            Some(Extension::Smoothed) => (is_change, "smoothed", "delta, increase, rate"),
        };
        if is_safe {
            return Ok(());
        }
        let name = call.function.name();
        Err(EvalError::Execution(format!(
            "{modifier} modifier can only be used with: {functions} - not with {name}"
        )))
    }

    fn math(&self, call: &Call, function: fn(f64) -> f64) -> Result<Value, EvalError> {
        let series = self.vector(argument(call, 0)?)?;
        Ok(Value::Vector(self.map(series, function)?))
    }

    fn date(&self, call: &Call, part: dates::DatePart) -> Result<Value, EvalError> {
        let series = match call.args.first() {
            Some(vector) => self.vector(vector)?,
            None => self.unlabelled(self.step_times()),
        };
        let series = self.map(series, |seconds| dates::part_of(seconds, part))?;
        Ok(Value::Vector(series))
    }

    /// `round(vector, to)`: to the nearest multiple, halves upwards.
    fn round(&self, call: &Call) -> Result<Value, EvalError> {
        let series = self.vector(argument(call, 0)?)?;
        let nearest = match call.args.get(1) {
            Some(nearest) => self.scalar(nearest)?,
            None => vec![1.0; self.steps.count()],
        };
        let rounded = self.map_steps(series, |step, value| {
            let inverse = 1.0 / nearest.get(step)?;
            Some((value * inverse + 0.5).floor() / inverse)
        })?;
        Ok(Value::Vector(rounded))
    }

    /// Values outside of the bounds become the bound; there are none where the bounds are crossed.
    fn clamp(
        &self,
        call: &Call,
        min: Option<usize>,
        max: Option<usize>,
    ) -> Result<Value, EvalError> {
        let series = self.vector(argument(call, 0)?)?;
        let bound = |index: Option<usize>, default: f64| match index {
            Some(index) => self.scalar(argument(call, index)?),
            None => Ok(vec![default; self.steps.count()]),
        };
        let min = bound(min, f64::NEG_INFINITY)?;
        let max = bound(max, f64::INFINITY)?;
        let clamped = self.map_steps(series, |step, value| {
            let (min, max) = (*min.get(step)?, *max.get(step)?);
            if max < min {
                return None;
            }
            // A NaN among the three makes the result NaN.
            if value.is_nan() || min.is_nan() || max.is_nan() {
                return Some(f64::NAN);
            }
            Some(value.min(max).max(min))
        })?;
        Ok(Value::Vector(clamped))
    }

    /// The times of the steps in seconds.
    fn step_times(&self) -> Vec<f64> {
        self.steps.times().map(seconds).collect()
    }

    /// The time of every value: of the sample itself where the argument is a selector, of the step
    /// where it was calculated.
    fn timestamp(&self, expr: &Expr) -> Result<Vec<Series>, EvalError> {
        if let Expr::Vector(selector) = unwrap_parens(expr) {
            let times = self.newest(selector, Newest::Time)?;
            return self.map(times, |time| time);
        }
        let mut series = self.vector(expr)?;
        for one in &mut series {
            let histograms = std::mem::take(&mut one.histograms);
            let times = histograms.iter().map(|sample| sample.timestamp_ms);
            one.points
                .extend(times.map(|time| super::series::point(time, 0.0)));
            one.points.sort_by_key(|point| point.timestamp_ms);
            for point in &mut one.points {
                point.value = seconds(point.timestamp_ms);
            }
        }
        self.map(series, |time| time)
    }

    /// `scalar(vector)`: its value at the steps at which it has exactly one, NaN at the others.
    fn only_value(&self, expr: &Expr) -> Result<Vec<f64>, EvalError> {
        let series = self.vector(expr)?;
        let mut cursors: Vec<Cursor> = series.iter().map(Cursor::new).collect();
        let values = self.steps.times().map(|time| {
            let mut present = cursors.iter_mut().filter_map(|cursor| cursor.at(time));
            match (present.next(), present.next()) {
                (Some(value), None) => value,
                (None, _) | (Some(_), Some(_)) => f64::NAN,
            }
        });
        Ok(values.collect())
    }
}

/// Milliseconds as seconds.
pub(super) fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// From here on Go takes the exponential function for all there is to the hyperbolic ones.
const ALL_EXPONENTIAL: f64 = 21.0;

/// The hyperbolic cosine, which becomes infinite where Go's does.
fn cosh(value: f64) -> f64 {
    let exponential = value.abs().exp();
    if value.abs() > ALL_EXPONENTIAL {
        exponential * 0.5
    } else {
        (exponential + 1.0 / exponential) * 0.5
    }
}

/// Likewise the hyperbolic sine.
fn sinh(value: f64) -> f64 {
    if value.abs() > ALL_EXPONENTIAL {
        (value.abs().exp() * 0.5).copysign(value)
    } else {
        value.sinh()
    }
}

/// 1, -1, or the value itself where it is a zero or NaN.
fn sign(value: f64) -> f64 {
    if value < 0.0 {
        -1.0
    } else if value > 0.0 {
        1.0
    } else {
        value
    }
}

/// An argument that the parser made sure of.
pub(super) fn argument(call: &Call, index: usize) -> Result<&Expr, EvalError> {
    call.args.get(index).ok_or_else(|| {
        EvalError::Invalid(format!(
            "expected more arguments in call to {:?}",
            call.function.name()
        ))
    })
}

/// A string argument.
pub(super) fn text(call: &Call, index: usize) -> Result<&str, EvalError> {
    match unwrap_parens(argument(call, index)?) {
        Expr::String(text) => text
            .as_str()
            .ok_or_else(|| unsupported("a string that is not UTF-8")),
        Expr::Number(_)
        | Expr::Vector(_)
        | Expr::Matrix(_)
        | Expr::Subquery(_)
        | Expr::Paren(_)
        | Expr::Unary(..)
        | Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_) => Err(wrong_type("string")),
    }
}
