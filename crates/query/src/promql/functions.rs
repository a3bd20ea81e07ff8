//! PromQL's functions: names, argument types, return types.
//!
//! One table, in the order of the names. The facts are those of Prometheus's
//! `promql/parser/functions.go` (August 2026), experimental functions included.

use super::ast::ValueType;

/// How a function may be called, and what it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name, in lower case as it must be written.
    pub name: &'static str,
    /// The types of the arguments. With `variadic` not 0, the last one may be absent or repeated.
    pub args: &'static [ValueType],
    /// How often the last argument may stand: 0 exactly once, `n` from none to `n` times, -1 any
    /// number of times including none.
    pub variadic: i8,
    /// What a call evaluates to.
    pub returns: ValueType,
    /// Whether Prometheus wants `--enable-feature=promql-experimental-functions` for it.
    pub experimental: bool,
}

impl Signature {
    /// The least number of arguments.
    #[must_use]
    pub const fn min_args(&self) -> usize {
        if self.variadic == 0 {
            self.args.len()
        } else {
            self.args.len().saturating_sub(1)
        }
    }

    /// The greatest number of arguments; `None` is any number.
    #[must_use]
    pub const fn max_args(&self) -> Option<usize> {
        if self.variadic < 0 {
            None
        } else if self.variadic == 0 {
            Some(self.args.len())
        } else {
            Some(self.min_args() + self.variadic.unsigned_abs() as usize)
        }
    }

    /// The type of argument `index`, from 0; `None` where there is no such argument.
    #[must_use]
    pub fn arg(&self, index: usize) -> Option<ValueType> {
        if self.max_args().is_some_and(|max| index >= max) {
            return None;
        }
        self.args.get(index).or(self.args.last()).copied()
    }
}

/// Writes the enum and its table from one list, so that neither can miss a function.
macro_rules! functions {
    ($($variant:ident = $name:literal($($arg:ident),*), $variadic:literal => $returns:ident $(, $experimental:ident)?;)*) => {
        /// A PromQL function. One variant per function of Prometheus.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Function {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Function {
            /// Every function, in the order of the names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// How the function may be called, and what it gives back.
            #[must_use]
            pub const fn signature(self) -> &'static Signature {
                match self {
                    $(Self::$variant => &Signature {
                        name: $name,
                        args: &[$(ValueType::$arg),*],
                        variadic: $variadic,
                        returns: ValueType::$returns,
                        experimental: functions!(@is $($experimental)?),
                    },)*
                }
            }
        }
    };
    (@is experimental) => { true };
    (@is) => { false };
}

functions! {
    Abs = "abs"(InstantVector), 0 => InstantVector;
    Absent = "absent"(InstantVector), 0 => InstantVector;
    AbsentOverTime = "absent_over_time"(RangeVector), 0 => InstantVector;
    Acos = "acos"(InstantVector), 0 => InstantVector;
    Acosh = "acosh"(InstantVector), 0 => InstantVector;
    Asin = "asin"(InstantVector), 0 => InstantVector;
    Asinh = "asinh"(InstantVector), 0 => InstantVector;
    Atan = "atan"(InstantVector), 0 => InstantVector;
    Atanh = "atanh"(InstantVector), 0 => InstantVector;
    AvgOverTime = "avg_over_time"(RangeVector), 0 => InstantVector;
    Ceil = "ceil"(InstantVector), 0 => InstantVector;
    Changes = "changes"(RangeVector), 0 => InstantVector;
    Clamp = "clamp"(InstantVector, Scalar, Scalar), 0 => InstantVector;
    ClampMax = "clamp_max"(InstantVector, Scalar), 0 => InstantVector;
    ClampMin = "clamp_min"(InstantVector, Scalar), 0 => InstantVector;
    Cos = "cos"(InstantVector), 0 => InstantVector;
    Cosh = "cosh"(InstantVector), 0 => InstantVector;
    CountOverTime = "count_over_time"(RangeVector), 0 => InstantVector;
    DayOfMonth = "day_of_month"(InstantVector), 1 => InstantVector;
    DayOfWeek = "day_of_week"(InstantVector), 1 => InstantVector;
    DayOfYear = "day_of_year"(InstantVector), 1 => InstantVector;
    DaysInMonth = "days_in_month"(InstantVector), 1 => InstantVector;
    Deg = "deg"(InstantVector), 0 => InstantVector;
    Delta = "delta"(RangeVector), 0 => InstantVector;
    Deriv = "deriv"(RangeVector), 0 => InstantVector;
    DoubleExponentialSmoothing = "double_exponential_smoothing"(RangeVector, Scalar, Scalar), 0 => InstantVector, experimental;
    End = "end"(), 0 => Scalar, experimental;
    Exp = "exp"(InstantVector), 0 => InstantVector;
    FirstOverTime = "first_over_time"(RangeVector), 0 => InstantVector;
    Floor = "floor"(InstantVector), 0 => InstantVector;
    HistogramAvg = "histogram_avg"(InstantVector), 0 => InstantVector;
    HistogramCount = "histogram_count"(InstantVector), 0 => InstantVector;
    HistogramFraction = "histogram_fraction"(Scalar, Scalar, InstantVector), 0 => InstantVector;
    HistogramQuantile = "histogram_quantile"(Scalar, InstantVector), 0 => InstantVector;
    HistogramQuantiles = "histogram_quantiles"(InstantVector, String, Scalar, Scalar), 9 => InstantVector, experimental;
    HistogramStddev = "histogram_stddev"(InstantVector), 0 => InstantVector;
    HistogramStdvar = "histogram_stdvar"(InstantVector), 0 => InstantVector;
    HistogramSum = "histogram_sum"(InstantVector), 0 => InstantVector;
    Hour = "hour"(InstantVector), 1 => InstantVector;
    Idelta = "idelta"(RangeVector), 0 => InstantVector;
    Increase = "increase"(RangeVector), 0 => InstantVector;
    Info = "info"(InstantVector, InstantVector), 1 => InstantVector, experimental;
    Irate = "irate"(RangeVector), 0 => InstantVector;
    LabelJoin = "label_join"(InstantVector, String, String, String), -1 => InstantVector;
    LabelReplace = "label_replace"(InstantVector, String, String, String, String), 0 => InstantVector;
    LastOverTime = "last_over_time"(RangeVector), 0 => InstantVector;
    Ln = "ln"(InstantVector), 0 => InstantVector;
    Log10 = "log10"(InstantVector), 0 => InstantVector;
    Log2 = "log2"(InstantVector), 0 => InstantVector;
    MadOverTime = "mad_over_time"(RangeVector), 0 => InstantVector, experimental;
    MaxOf = "max_of"(Scalar, Scalar), 0 => Scalar, experimental;
    MaxOverTime = "max_over_time"(RangeVector), 0 => InstantVector;
    MinOf = "min_of"(Scalar, Scalar), 0 => Scalar, experimental;
    MinOverTime = "min_over_time"(RangeVector), 0 => InstantVector;
    Minute = "minute"(InstantVector), 1 => InstantVector;
    Month = "month"(InstantVector), 1 => InstantVector;
    Pi = "pi"(), 0 => Scalar;
    PredictLinear = "predict_linear"(RangeVector, Scalar), 0 => InstantVector;
    PresentOverTime = "present_over_time"(RangeVector), 0 => InstantVector;
    QuantileOverTime = "quantile_over_time"(Scalar, RangeVector), 0 => InstantVector;
    Rad = "rad"(InstantVector), 0 => InstantVector;
    Range = "range"(), 0 => Scalar, experimental;
    Rate = "rate"(RangeVector), 0 => InstantVector;
    Resets = "resets"(RangeVector), 0 => InstantVector;
    Round = "round"(InstantVector, Scalar), 1 => InstantVector;
    Scalar = "scalar"(InstantVector), 0 => Scalar;
    Sgn = "sgn"(InstantVector), 0 => InstantVector;
    Sin = "sin"(InstantVector), 0 => InstantVector;
    Sinh = "sinh"(InstantVector), 0 => InstantVector;
    Sort = "sort"(InstantVector), 0 => InstantVector;
    SortByLabel = "sort_by_label"(InstantVector, String), -1 => InstantVector, experimental;
    SortByLabelDesc = "sort_by_label_desc"(InstantVector, String), -1 => InstantVector, experimental;
    SortDesc = "sort_desc"(InstantVector), 0 => InstantVector;
    Sqrt = "sqrt"(InstantVector), 0 => InstantVector;
    Start = "start"(), 0 => Scalar, experimental;
    StartTimestamp = "start_timestamp"(InstantVector), 0 => InstantVector, experimental;
    StddevOverTime = "stddev_over_time"(RangeVector), 0 => InstantVector;
    StdvarOverTime = "stdvar_over_time"(RangeVector), 0 => InstantVector;
    Step = "step"(), 0 => Scalar, experimental;
    SumOverTime = "sum_over_time"(RangeVector), 0 => InstantVector;
    Tan = "tan"(InstantVector), 0 => InstantVector;
    Tanh = "tanh"(InstantVector), 0 => InstantVector;
    Time = "time"(), 0 => Scalar;
    Timestamp = "timestamp"(InstantVector), 0 => InstantVector;
    TsOfFirstOverTime = "ts_of_first_over_time"(RangeVector), 0 => InstantVector, experimental;
    TsOfLastOverTime = "ts_of_last_over_time"(RangeVector), 0 => InstantVector, experimental;
    TsOfMaxOverTime = "ts_of_max_over_time"(RangeVector), 0 => InstantVector, experimental;
    TsOfMinOverTime = "ts_of_min_over_time"(RangeVector), 0 => InstantVector, experimental;
    Vector = "vector"(Scalar), 0 => InstantVector;
    Year = "year"(InstantVector), 1 => InstantVector;
}

impl Function {
    /// The function's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.signature().name
    }

    /// The function of this name; names are case-sensitive.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let index = Self::ALL
            .binary_search_by(|function| function.name().cmp(name))
            .ok()?;
        Self::ALL.get(index).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_found_by_its_name() {
        for function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(*function));
        }
        assert_eq!(Function::from_name("Rate"), None);
        assert_eq!(Function::from_name(""), None);
    }

    #[test]
    fn the_number_of_arguments_follows_from_the_variadic_count() {
        let limits = |function: Function| {
            let signature = function.signature();
            (signature.min_args(), signature.max_args())
        };
        assert_eq!(limits(Function::Time), (0, Some(0)));
        assert_eq!(limits(Function::Rate), (1, Some(1)));
        assert_eq!(limits(Function::Hour), (0, Some(1)));
        assert_eq!(limits(Function::Round), (1, Some(2)));
        assert_eq!(limits(Function::LabelJoin), (3, None));
        assert_eq!(limits(Function::HistogramQuantiles), (3, Some(12)));
    }

    #[test]
    fn a_repeated_argument_has_the_last_type() {
        let join = Function::LabelJoin.signature();
        assert_eq!(join.arg(0), Some(ValueType::InstantVector));
        assert_eq!(join.arg(9), Some(ValueType::String));
        assert_eq!(Function::Rate.signature().arg(1), None);
    }
}
