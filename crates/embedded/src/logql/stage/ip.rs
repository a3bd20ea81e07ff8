//! `ip("…")`: an address, a range of addresses or a network, anywhere in a text.

use std::net::IpAddr;

/// What `ip()` looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IpMatch {
    /// From one address to another, both inclusive, of the same kind. A single address is a range
    /// of one, and a network is all its addresses.
    Range(IpAddr, IpAddr),
}

impl IpMatch {
    pub(super) fn parse(pattern: &str) -> Result<Self, String> {
        let invalid = || format!("ip: invalid pattern: {}", crate::logql::go::quote(pattern));
        if let Ok(address) = pattern.parse::<IpAddr>() {
            return Ok(Self::Range(address, address));
        }
        if let Some((address, length)) = pattern.split_once('/') {
            let address: IpAddr = address.parse().map_err(|_| invalid())?;
            let length: u32 = length.parse().map_err(|_| invalid())?;
            return network(address, length).ok_or_else(invalid);
        }
        let (from, to) = pattern.split_once('-').ok_or_else(invalid)?;
        let from: IpAddr = from.parse().map_err(|_| invalid())?;
        let to: IpAddr = to.parse().map_err(|_| invalid())?;
        if from.is_ipv4() != to.is_ipv4() || from > to {
            return Err(invalid());
        }
        Ok(Self::Range(from, to))
    }

    fn contains(&self, address: IpAddr) -> bool {
        let Self::Range(from, to) = self;
        from.is_ipv4() == address.is_ipv4() && *from <= address && address <= *to
    }

    /// Whether one of the addresses in `text` is among those looked for.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let allowed: Option<fn(u8) -> bool> = if looks_like_v4(rest) {
                Some(|byte| byte.is_ascii_digit() || byte == b'.')
            } else if looks_like_v6(rest) {
                Some(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
            } else {
                None
            };
            if let Some(allowed) = allowed {
                let length = rest.iter().take_while(|byte| allowed(**byte)).count();
                let address = text.get(at..at + length).and_then(|text| text.parse().ok());
                if address.is_some_and(|address| self.contains(address)) {
                    return true;
                }
                at += length;
            }
            at += 1;
        }
        false
    }
}

fn network(address: IpAddr, length: u32) -> Option<IpMatch> {
    Some(match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(length).unwrap_or(0);
            if length > 32 {
                return None;
            }
            let first = address.to_bits() & !host;
            IpMatch::Range(IpAddr::V4(first.into()), IpAddr::V4((first | host).into()))
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(length).unwrap_or(0);
            if length > 128 {
                return None;
            }
            let first = address.to_bits() & !host;
            IpMatch::Range(IpAddr::V6(first.into()), IpAddr::V6((first | host).into()))
        }
    })
}

/// A digit with a dot among the next three characters.
fn looks_like_v4(text: &[u8]) -> bool {
    text.len() > 3
        && text.first().is_some_and(u8::is_ascii_digit)
        && text.iter().skip(1).take(3).any(|byte| *byte == b'.')
}

/// Up to four hexadecimal digits with a colon behind them, or two colons with one behind.
fn looks_like_v6(text: &[u8]) -> bool {
    if let [b':', b':', digit, ..] = text {
        return digit.is_ascii_hexdigit();
    }
    let digits = text
        .iter()
        .take(4)
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    digits > 0 && text.get(digits) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_text() {
        let cases = [
            ("10.0.0.0/24", "from 10.0.0.7 to x", true),
            ("10.0.0.0/24", "from 10.0.1.7 to x", false),
            ("10.0.0.1-10.0.0.9", "10.0.0.5", true),
            ("10.0.0.5", "a=10.0.0.55", false),
            ("2001:db8::/32", "[2001:db8::1]:80", true),
            ("::1", "x ::1", true),
        ];
        for (pattern, text, wanted) in cases {
            assert_eq!(
                IpMatch::parse(pattern).unwrap().is_in(text),
                wanted,
                "{pattern} {text}"
            );
        }
        assert!(IpMatch::parse("10.0.0.9-10.0.0.1").is_err());
        assert!(IpMatch::parse("ten").is_err());
    }
}
