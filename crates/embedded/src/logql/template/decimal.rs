//! Decimal arithmetic: sprig's floating-point functions calculate with the digits that people see,
//! so that 0.1 + 0.2 is 0.3.

/// Digits behind the point of a quotient.
const QUOTIENT_DIGITS: i32 = 16;

/// A number `digits` · 10^`exponent`.
#[derive(Clone, Copy, Debug)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

/// The operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
}

/// Applies the operation to the numbers, from left to right.
pub(super) fn calculate(operation: Operation, first: f64, others: &[f64]) -> Result<f64, String> {
    let mut result = first;
    let mut exact = Decimal::of(first);
    for other in others {
        if operation == Operation::Div && *other == 0.0 {
            return Err("decimal division by 0".to_owned());
        }
        exact = exact
            .zip(Decimal::of(*other))
            .and_then(|(a, b)| a.apply(operation, b));
        // Beyond 38 digits floating point has to do.
        result = match exact {
            Some(exact) => exact.to_float(),
            None => match operation {
                Operation::Add => result + other,
                Operation::Sub => result - other,
                Operation::Mul => result * other,
                Operation::Div => result / other,
            },
        };
        if exact.is_none() {
            exact = Decimal::of(result);
        }
    }
    Ok(result)
}

impl Decimal {
    fn of(value: f64) -> Option<Self> {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?;
        Some(Self { digits, exponent })
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent)
            .parse()
            .unwrap_or(f64::NAN)
    }

    /// The digits at a smaller exponent.
    fn scaled(self, exponent: i32) -> Option<i128> {
        let power = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(power)?)
    }

    fn apply(self, operation: Operation, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(match operation {
            Operation::Add => Self {
                digits: self
                    .scaled(exponent)?
                    .checked_add(other.scaled(exponent)?)?,
                exponent,
            },
            Operation::Sub => Self {
                digits: self
                    .scaled(exponent)?
                    .checked_sub(other.scaled(exponent)?)?,
                exponent,
            },
            Operation::Mul => Self {
                digits: self.digits.checked_mul(other.digits)?,
                exponent: self.exponent + other.exponent,
            },
            Operation::Div => {
                // Rounded half away from zero.
                let shift = u32::try_from(self.exponent - other.exponent + QUOTIENT_DIGITS).ok()?;
                let dividend = self.digits.checked_mul(10_i128.checked_pow(shift)?)?;
                let (quotient, rest) = (dividend / other.digits, dividend % other.digits);
                let away = rest.checked_mul(2)?.abs() >= other.digits.abs();
                let sign = if (dividend < 0) == (other.digits < 0) {
                    1
                } else {
                    -1
                };
                Self {
                    digits: quotient + if away { sign } else { 0 },
                    exponent: -QUOTIENT_DIGITS,
                }
            }
        })
    }
}
