//! Function calls: which function is evaluated how.

#![allow(clippy::cast_precision_loss)] // PromQL calculates with times as floats

use query::promql::ast::{Call, Expr};
use query::promql::functions::Function;

use super::evaluator::{Evaluator, unsupported, unwrap_parens, wrong_type};
use super::series::{Cursor, Series, Value};
use super::{dates, over_time, rate};
use crate::limits::EvalError;

impl Evaluator<'_> {
    /// Evaluates a call. The match names every function, so that a new one has to be decided on.
    #[allow(clippy::too_many_lines)] // a table
    pub(super) fn call(&self, call: &Call) -> Result<Value, EvalError> {
        use Function as F;
        let range = |function| self.range_call(call, 0, None, false, function);
        let math = |function: fn(f64) -> f64| self.math(call, function);
        let date = |part| self.date(call, part);
        match call.function {
            F::Rate => range(rate::rate),
            F::Increase => range(rate::increase),
            F::Delta => range(rate::delta),
            F::Irate => range(rate::irate),
            F::Idelta => range(rate::idelta),
            F::Deriv => range(over_time::deriv),
            F::AvgOverTime => range(over_time::avg),
            F::CountOverTime => range(over_time::count),
            F::MaxOverTime => range(over_time::max),
            F::MinOverTime => range(over_time::min),
            F::SumOverTime => range(over_time::sum),
            F::StddevOverTime => range(over_time::stddev),
            F::StdvarOverTime => range(over_time::stdvar),
            F::PresentOverTime => range(over_time::present),
            F::Changes => range(over_time::changes),
            F::Resets => range(over_time::resets),
            F::FirstOverTime => self.range_call(call, 0, None, true, over_time::first),
            F::LastOverTime => self.range_call(call, 0, None, true, over_time::last),
            F::PredictLinear => self.range_call(call, 0, Some(1), false, over_time::predict_linear),
            F::QuantileOverTime => {
                self.range_call(call, 1, Some(0), false, over_time::quantile_over_time)
            }
            F::AbsentOverTime => Ok(Value::Vector(self.absent_over_time(argument(call, 0)?)?)),
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
            F::Sinh => math(f64::sinh),
            F::Cosh => math(f64::cosh),
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

            F::Sort => self.sort(call, false),
            F::SortDesc => self.sort(call, true),
            F::LabelReplace => Ok(Value::Vector(self.label_replace(call)?)),
            F::LabelJoin => Ok(Value::Vector(self.label_join(call)?)),

            F::HistogramQuantile => Ok(Value::Vector(self.histogram_quantile(call)?)),
            F::HistogramFraction => Ok(Value::Vector(self.histogram_fraction(call)?)),
            // These read native histograms alone, and none can be stored here.
            F::HistogramAvg
            | F::HistogramCount
            | F::HistogramStddev
            | F::HistogramStdvar
            | F::HistogramSum => {
                self.vector(argument(call, 0)?)?;
                Ok(Value::Vector(Vec::new()))
            }

            F::DoubleExponentialSmoothing
            | F::End
            | F::HistogramQuantiles
            | F::Info
            | F::MadOverTime
            | F::MaxOf
            | F::MinOf
            | F::Range
            | F::SortByLabel
            | F::SortByLabelDesc
            | F::Start
            | F::StartTimestamp
            | F::Step
            | F::TsOfFirstOverTime
            | F::TsOfLastOverTime
            | F::TsOfMaxOverTime
            | F::TsOfMinOverTime => Err(unsupported(format!(
                "the function {}",
                call.function.name()
            ))),
        }
    }

    fn range_call(
        &self,
        call: &Call,
        range: usize,
        scalar: Option<usize>,
        keeps_name: bool,
        function: super::range_functions::RangeFunction,
    ) -> Result<Value, EvalError> {
        let scalar = scalar.map(|index| argument(call, index)).transpose()?;
        let range = argument(call, range)?;
        Ok(Value::Vector(
            self.over_range(range, scalar, keeps_name, function)?,
        ))
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
            let times = self.newest(selector, |sample| seconds(sample.timestamp_ms))?;
            return self.map(times, |time| time);
        }
        let times = self.step_times();
        let series = self.vector(expr)?;
        self.map_steps(series, |step, _| times.get(step).copied())
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

    /// Sorts by value, NaN last. A range query's series come sorted by their labels in any case.
    fn sort(&self, call: &Call, descending: bool) -> Result<Value, EvalError> {
        let mut series = self.vector(argument(call, 0)?)?;
        let value = |series: &Series| series.points.first().map_or(f64::NAN, |point| point.value);
        series.sort_by(|a, b| {
            let (a, b) = (value(a), value(b));
            let order = a
                .partial_cmp(&b)
                .map(|order| if descending { order.reverse() } else { order });
            order.unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        });
        Ok(Value::Vector(series))
    }
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
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
