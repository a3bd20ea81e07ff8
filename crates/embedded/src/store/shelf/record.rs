//! A push as the write-ahead log has it.

use crate::store::disk::Damaged;
use crate::store::disk::bytes::{Bytes, put_len, put_u64};
use crate::store::disk::codec::{MOST_ENTRIES, Record};
use crate::store::disk::segment::decompress;
use crate::store::table::Id;

const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;
/// Shorter ones are not worth it.
const LEAST_COMPRESSED: usize = 512;
/// The longest push that is believed in.
const LONGEST: usize = 1 << 30;

/// `None` if it is too long.
pub(super) fn encode<T: Record>(batch: &[(Id, Vec<T>)]) -> Option<Vec<u8>> {
    // In one piece from the beginning: growing it costs more than all that is done here.
    let weight = |(_, all): &(Id, Vec<T>)| 16 + all.iter().map(T::weight).sum::<usize>();
    let mut plain = Vec::with_capacity(batch.iter().map(weight).sum());
    let mut entries = Vec::new();
    for (id, all) in batch {
        for some in all.chunks(MOST_ENTRIES) {
            entries.clear();
            T::encode(some, &mut entries);
            put_u64(&mut plain, u64::from(*id));
            put_len(&mut plain, some.len());
            put_len(&mut plain, entries.len());
            plain.extend_from_slice(&entries);
        }
    }
    if plain.len() > LONGEST {
        return None;
    }
    let mut out = Vec::with_capacity(plain.len() / 2 + 16);
    if plain.len() < LEAST_COMPRESSED {
        out.push(PLAIN);
        out.extend_from_slice(&plain);
    } else {
        out.push(COMPRESSED);
        put_len(&mut out, plain.len());
        let begin = out.len();
        let most = lz4_flex::block::get_maximum_output_size(plain.len());
        out.resize(begin + most, 0);
        let room = out.get_mut(begin..)?;
        let len = lz4_flex::block::compress_into(&plain, room).ok()?;
        out.truncate(begin + len);
    }
    Some(out)
}

pub(super) fn decode<T: Record>(payload: &[u8]) -> Result<Vec<(Id, Vec<T>)>, Damaged> {
    let mut bytes = Bytes(payload);
    let plain;
    if bytes.byte()? == COMPRESSED {
        let len = bytes.len()?;
        if len > LONGEST || len > bytes.0.len().saturating_mul(255) {
            return Err(Damaged("a push is longer than pushes are"));
        }
        plain = decompress(bytes.0, len)?;
        bytes = Bytes(&plain);
    }
    let mut batch = Vec::new();
    while !bytes.0.is_empty() {
        let id = bytes.u32()?;
        let (count, len) = (bytes.len()?, bytes.len()?);
        let mut entries = Vec::new();
        T::decode(bytes.take(len)?, count, &mut entries)?;
        batch.push((id, entries));
    }
    Ok(batch)
}
