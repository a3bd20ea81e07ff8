//! Integers as text, into a buffer that is there already.

/// Appends `number` with at least `width` digits (of up to 20).
pub(super) fn push(out: &mut String, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut used = 0;
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        // Below ten.
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        used += 1;
    }
    let first = digits.len() - used.max(width).min(digits.len());
    let digits = digits.get(first..).unwrap_or_default();
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_its_digits_and_as_many_as_are_asked_for() {
        let numbers = [0, 1, 9, 10, 60, 1_760_000_000, u64::MAX / 10, u64::MAX];
        for number in numbers {
            for width in 1..=20 {
                let mut out = "=".to_owned();
                push(&mut out, number, width);
                assert_eq!(out, format!("={number:0width$}"));
            }
        }
    }
}
