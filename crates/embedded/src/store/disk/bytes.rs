//! Numbers and texts as bytes, and back.

use super::Damaged;

/// Appends a number in as few groups of seven bits as it needs, the lowest first (LEB128).
#[allow(clippy::cast_possible_truncation)] // the low bits are what is meant
pub(crate) fn put_u64(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number that is small in either direction (zigzag).
pub(crate) fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_u64(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

/// Appends a length.
pub(crate) fn put_len(out: &mut Vec<u8>, len: usize) {
    put_u64(out, len as u64);
}

/// Appends a text with its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Bytes that are read from their beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

impl<'a> Bytes<'a> {
    #[inline]
    pub(crate) fn u64(&mut self) -> Result<u64, Damaged> {
        let (mut value, mut shift) = (0_u64, 0_u32);
        for (at, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                self.0 = self.0.get(at + 1..).unwrap_or_default();
                return Ok(value);
            }
            shift += 7;
        }
        Err(Damaged("a number does not end"))
    }

    #[inline]
    pub(crate) fn i64(&mut self) -> Result<i64, Damaged> {
        let raw = self.u64()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.u64()?).map_err(|_| Damaged("a number is too large"))
    }

    pub(crate) fn len(&mut self) -> Result<usize, Damaged> {
        usize::try_from(self.u64()?).map_err(|_| Damaged("a length is too large"))
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Damaged> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (head, rest) = self
            .0
            .split_first_chunk()
            .ok_or(Damaged("bytes are missing"))?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], Damaged> {
        let (head, rest) = self
            .0
            .split_at_checked(len)
            .ok_or(Damaged("bytes are missing"))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Damaged> {
        let len = self.len()?;
        std::str::from_utf8(self.take(len)?).map_err(|_| Damaged("a text is not UTF-8"))
    }

    /// A list's length, which cannot be more than the bytes that are left.
    pub(crate) fn count(&mut self) -> Result<usize, Damaged> {
        let count = self.len()?;
        if count > self.0.len() {
            return Err(Damaged("a list is longer than its bytes"));
        }
        Ok(count)
    }

    pub(crate) fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Damaged("there are bytes too many"))
        }
    }
}
