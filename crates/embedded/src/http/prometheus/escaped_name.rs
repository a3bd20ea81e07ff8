//! Label names in paths that are no identifiers, as Prometheus escapes them: `U__` in front, a
//! doubled underscore for each one, and `_<hexadecimal code point>_` for what is not allowed.

use std::borrow::Cow;

/// Digits of the greatest code point.
const MOST_DIGITS: usize = 6;

/// The name that `text` stands for: itself, unless it is escaped from its beginning to its end.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    text.strip_prefix("U__")
        .and_then(decode)
        .map_or(Cow::Borrowed(text), Cow::Owned)
}

fn decode(escaped: &str) -> Option<String> {
    let mut name = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((plain, behind)) = rest.split_once('_') {
        name.push_str(plain);
        let (code, behind) = behind.split_once('_')?;
        if code.is_empty() {
            name.push('_');
        } else {
            let is_code = code.len() <= MOST_DIGITS && code.bytes().all(|b| b.is_ascii_hexdigit());
            let code = is_code.then(|| u32::from_str_radix(code, 16).ok())??;
            name.push(char::from_u32(code)?);
        }
        rest = behind;
    }
    name.push_str(rest);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_read_and_others_left_alone() {
        for (text, name) in [
            ("job", "job"),
            ("U__http_2e_status:code", "http.status:code"),
            ("U__a__b", "a_b"),
            (
                "U__junk_0a__7b__7d__2c__3d_:_20__20_chars",
                "junk\n{},=:  chars",
            ),
            ("U__", ""),
            ("U__a_", "U__a_"),
            ("U__a_2x_", "U__a_2x_"),
            ("U__a_0000041_", "U__a_0000041_"),
            ("U__a_d800_", "U__a_d800_"),
            ("u__a_2e_", "u__a_2e_"),
        ] {
            assert_eq!(unescape(text), name);
        }
    }
}
