//! Sealed data: a file that never changes, of compressed pages and an index of what is where.
//!
//! ```text
//! page…   index   footer
//! ```
//!
//! A page holds the runs of entries ("chunks") of one or more streams; where a chunk lies, how long
//! it is and from when to when it goes is in the index, with a checksum for every page. The index is
//! read when a query first needs it. The file's name tells from when to when its data go, so that a
//! start reads names alone, and so that damage keeps to the time that it is about.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::bytes::{Bytes, put_i64, put_len, put_u64};
use super::directory::options;
use super::handles::Handles;
use super::{Damaged, DiskError};

pub(crate) const MAGIC: &[u8; 8] = b"kpo.seg1";
/// Offset, compressed and plain length, checksum of the index; the magic; checksum of all.
pub(crate) const FOOTER: usize = 32;
/// The longest page or index that is believed in.
const LONGEST: usize = 1 << 30;
/// What LZ4 can make of a byte at the most.
const MOST_EXPANSION: usize = 255;

/// A segment. When it is doomed, its file goes with the last one who reads it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    /// The last write-ahead log whose data are in it.
    pub(crate) seq: u64,
    /// The first of the segments that it was merged from; the same as `seq` if it was not.
    pub(crate) first: u64,
    /// Time of the oldest entry.
    pub(crate) min: i64,
    /// Time of the newest entry.
    pub(crate) max: i64,
    /// Above all ids that were given when it was made.
    pub(crate) next_id: u32,
    /// Bytes of the file.
    pub(crate) size: u64,
    /// When the newest of it was sealed, in nanoseconds since the Unix epoch; the time of the file.
    pub(crate) sealed_ns: i64,
    index: Mutex<Option<Arc<Index>>>,
    /// From when to when there are entries of streams that nobody knows, once that was looked for.
    lost: OnceLock<Option<(i64, i64)>>,
    is_doomed: AtomicBool,
    /// Whether it could not be read when it was to be merged with others.
    pub(crate) is_unmergeable: AtomicBool,
    handles: Arc<Handles>,
    /// By which the file is known among the open ones.
    pub(crate) number: u64,
}

/// What is where in a segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// Ids of streams, ascending, each with where its chunks begin.
    pub(crate) ids: Vec<(u32, u32)>,
    /// In the order of time for each stream.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) pages: Vec<Page>,
}

/// Entries of one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) page: u32,
    /// Where it begins within its page.
    pub(crate) offset: u32,
    pub(crate) len: u32,
    pub(crate) count: u32,
    /// Time of the oldest entry.
    pub(crate) min: i64,
    /// Time of the newest entry.
    pub(crate) max: i64,
}

/// A page: where it is in the file, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) offset: u64,
    pub(crate) compressed: u32,
    pub(crate) plain: u32,
    pub(crate) checksum: u32,
}

/// The end of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) index: Page,
}

impl Segment {
    pub(crate) fn new(
        path: PathBuf,
        (first, seq): (u64, u64),
        (min, max): (i64, i64),
        next_id: u32,
        size: u64,
        handles: &Arc<Handles>,
    ) -> Self {
        Self {
            path,
            seq,
            first,
            min,
            max,
            next_id,
            size,
            sealed_ns: i64::MAX,
            index: Mutex::default(),
            lost: OnceLock::new(),
            is_doomed: AtomicBool::new(false),
            is_unmergeable: AtomicBool::new(false),
            handles: Arc::clone(handles),
            number: handles.number(),
        }
    }

    /// The segment that a file is by its name, if it is one.
    pub(crate) fn named(path: &Path, size: u64, handles: &Arc<Handles>) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let rest = name.strip_prefix("seg-")?.strip_suffix(".seg")?;
        let mut parts = rest.split('-').map(|part| {
            let is_hex = part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex.then(|| u64::from_str_radix(part, 16).ok()).flatten()
        });
        let (first, seq) = (parts.next()??, parts.next()??);
        let (min, max) = (parts.next()??, parts.next()??);
        let next_id = u32::try_from(parts.next()??).ok()?;
        if parts.next().is_some() || first > seq {
            return None;
        }
        let times = (min.cast_signed(), max.cast_signed());
        let path = path.to_owned();
        let seqs = (first, seq);
        Some(Self::new(path, seqs, times, next_id, size, handles))
    }

    /// The time by which it goes, in a unit of so many nanoseconds: that of its newest entry, or when
    /// that was sealed, whatever it is dated. With it, the former, for those sealed together.
    pub(crate) fn age(&self, unit_ns: i64) -> (i64, i64) {
        (self.max.min(self.sealed_ns / unit_ns), self.max)
    }

    pub(crate) fn name((first, seq): (u64, u64), (min, max): (i64, i64), next_id: u32) -> String {
        let (min, max) = (min.cast_unsigned(), max.cast_unsigned());
        format!("seg-{first:016x}-{seq:016x}-{min:016x}-{max:016x}-{next_id:016x}.seg")
    }

    /// Whether this one was merged from others of which `other` is one.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        let is_longer = self.seq - self.first > other.seq - other.first;
        is_longer && self.first <= other.first && other.seq <= self.seq
    }

    /// The file, open.
    pub(crate) fn file(&self) -> io::Result<Arc<File>> {
        let open = || options().read(true).open(&self.path);
        self.handles.get(self.number, open)
    }

    /// Whether there may be entries from `start` (inclusive) to `end` (exclusive).
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        start <= self.max && self.min < end
    }

    /// The index, from memory if it is there.
    pub(crate) fn index(&self) -> Result<Arc<Index>, DiskError> {
        let mut kept = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = &*kept {
            return Ok(Arc::clone(index));
        }
        let index = Arc::new(self.read_index()?);
        *kept = Some(Arc::clone(&index));
        Ok(index)
    }

    /// Bytes of the index in memory.
    pub(crate) fn kept(&self) -> usize {
        let kept = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map_or(0, |index| index.weight())
    }

    /// Forgets the index until it is asked for again.
    pub(crate) fn forget(&self) {
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The index, from the file, and not kept.
    pub(crate) fn read_index(&self) -> Result<Index, DiskError> {
        let index = Self::read_index_of(&*self.file()?)?;
        let times = index.chunks.iter();
        let spans = times.fold(None, |span: Option<(i64, i64)>, chunk| {
            let (min, max) = span.unwrap_or((chunk.min, chunk.max));
            Some((min.min(chunk.min), max.max(chunk.max)))
        });
        if spans.is_some_and(|span| span != (self.min, self.max)) {
            return Err(Damaged("the file's name and its index tell of other times").into());
        }
        Ok(index)
    }

    /// From when to when there are entries of streams that are not known (any more), if there are.
    pub(crate) fn lost(&self, index: &Index, is_known: impl Fn(u32) -> bool) -> Option<(i64, i64)> {
        *self.lost.get_or_init(|| {
            let mut span: Option<(i64, i64)> = None;
            for (id, _) in index.ids.iter().filter(|(id, _)| !is_known(*id)) {
                for chunk in index.find(*id, i64::MIN, i64::MAX) {
                    let (min, max) = span.unwrap_or((chunk.min, chunk.max));
                    span = Some((min.min(chunk.min), max.max(chunk.max)));
                }
            }
            span
        })
    }

    fn read_index_of(file: &File) -> Result<Index, DiskError> {
        let at = file
            .metadata()?
            .len()
            .checked_sub(FOOTER as u64)
            .ok_or(Damaged("the file is too short"))?;
        let mut bytes = [0; FOOTER];
        read_at(file, &mut bytes, at)?;
        let footer = Footer::parse(&bytes, at)?;
        let page = read_page(file, footer.index)?;
        Ok(Index::parse(&page, footer.index.offset)?)
    }

    /// Removes the file as soon as nobody reads it.
    pub(crate) fn doom(&self) {
        self.is_doomed.store(true, Ordering::Relaxed);
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        self.handles.forget(self.number);
        if self.is_doomed.load(Ordering::Relaxed)
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(file = %self.path.display(), %error, "old data was not removed; it goes at the next start");
        }
    }
}

/// Fills `bytes` from the file. A file that ends before is damaged, and no fault of the system's.
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> Result<(), DiskError> {
    file.read_exact_at(bytes, at).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Damaged("the file is too short").into()
        } else {
            error.into()
        }
    })
}

/// The plain bytes of a page.
pub(crate) fn read_page(file: &File, page: Page) -> Result<Vec<u8>, DiskError> {
    let (compressed, plain) = (page.compressed as usize, page.plain as usize);
    if compressed > LONGEST || plain > LONGEST || plain > compressed.saturating_mul(MOST_EXPANSION)
    {
        return Err(Damaged("a page is longer than pages are").into());
    }
    let mut bytes = vec![0; compressed];
    read_at(file, &mut bytes, page.offset)?;
    if crc32fast::hash(&bytes) != page.checksum {
        return Err(Damaged("a page has not the checksum that it was written with").into());
    }
    Ok(decompress(&bytes, plain)?)
}

/// Decompresses to exactly `plain` bytes.
pub(crate) fn decompress(bytes: &[u8], plain: usize) -> Result<Vec<u8>, Damaged> {
    let mut out = vec![0; plain];
    let written = lz4_flex::block::decompress_into(bytes, &mut out)
        .map_err(|_| Damaged("compressed bytes do not decompress"))?;
    if written != plain {
        return Err(Damaged("compressed bytes have another length"));
    }
    Ok(out)
}

impl Footer {
    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER);
        out.extend_from_slice(&self.index.offset.to_le_bytes());
        out.extend_from_slice(&self.index.compressed.to_le_bytes());
        out.extend_from_slice(&self.index.plain.to_le_bytes());
        out.extend_from_slice(&self.index.checksum.to_le_bytes());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// The footer that begins at `at` of its file.
    pub(crate) fn parse(all: &[u8], at: u64) -> Result<Self, Damaged> {
        let mut bytes = Bytes(all);
        let number = |bytes: &mut Bytes<'_>| bytes.array().map(u32::from_le_bytes);
        let footer = Self {
            index: Page {
                offset: u64::from_le_bytes(bytes.array()?),
                compressed: number(&mut bytes)?,
                plain: number(&mut bytes)?,
                checksum: number(&mut bytes)?,
            },
        };
        let magic: [u8; 8] = bytes.array()?;
        let sum = crc32fast::hash(all.get(..FOOTER - 4).unwrap_or_default());
        if magic != *MAGIC || number(&mut bytes)? != sum {
            return Err(Damaged("the file has no footer of ours"));
        }
        let end = footer
            .index
            .offset
            .checked_add(u64::from(footer.index.compressed));
        if end != Some(at) {
            return Err(Damaged("the index is not where it should be"));
        }
        Ok(footer)
    }
}

impl Index {
    fn weight(&self) -> usize {
        self.ids.len() * size_of::<(u32, u32)>()
            + self.chunks.len() * size_of::<Chunk>()
            + self.pages.len() * size_of::<Page>()
    }

    /// The chunks of a stream that may have entries from `start` (inclusive) to `end` (exclusive).
    pub(crate) fn find(&self, id: u32, start: i64, end: i64) -> &[Chunk] {
        let Ok(at) = self.ids.binary_search_by_key(&id, |(id, _)| *id) else {
            return &[];
        };
        let begin = self.ids.get(at).map_or(0, |(_, begin)| *begin as usize);
        let after = self.ids.get(at + 1);
        let after = after.map_or(self.chunks.len(), |(_, begin)| *begin as usize);
        let all = self.chunks.get(begin..after).unwrap_or_default();
        let from = all.partition_point(|chunk| chunk.max < start);
        let to = all.partition_point(|chunk| chunk.min < end);
        all.get(from..to).unwrap_or_default()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_len(&mut out, self.pages.len());
        for page in &self.pages {
            put_u64(&mut out, u64::from(page.compressed));
            put_u64(&mut out, u64::from(page.plain));
            out.extend_from_slice(&page.checksum.to_le_bytes());
        }
        put_len(&mut out, self.ids.len());
        let mut last = (0_u32, 0_u32, 0_i64);
        for (at, (id, begin)) in self.ids.iter().enumerate() {
            let after = self.ids.get(at + 1);
            let after = after.map_or(self.chunks.len(), |(_, begin)| *begin as usize);
            let chunks = self.chunks.get(*begin as usize..after).unwrap_or_default();
            put_u64(&mut out, u64::from(id - last.0));
            put_len(&mut out, chunks.len());
            for chunk in chunks {
                put_i64(&mut out, i64::from(chunk.page) - i64::from(last.1));
                put_u64(&mut out, u64::from(chunk.offset));
                put_u64(&mut out, u64::from(chunk.len));
                put_u64(&mut out, u64::from(chunk.count));
                put_i64(&mut out, chunk.min.wrapping_sub(last.2));
                put_u64(&mut out, chunk.max.wrapping_sub(chunk.min).cast_unsigned());
                last = (*id, chunk.page, chunk.min);
            }
            last.0 = *id;
        }
        out
    }

    /// The index of pages that fill the file up to `end`.
    pub(crate) fn parse(bytes: &[u8], end: u64) -> Result<Self, Damaged> {
        let mut bytes = Bytes(bytes);
        let mut index = Self::default();
        let mut offset = MAGIC.len() as u64;
        for _ in 0..bytes.count()? {
            let page = Page {
                offset,
                compressed: bytes.u32()?,
                plain: bytes.u32()?,
                checksum: u32::from_le_bytes(bytes.array()?),
            };
            offset = offset.saturating_add(u64::from(page.compressed));
            index.pages.push(page);
        }
        if offset != end {
            return Err(Damaged("the pages do not fill the file"));
        }
        let mut last = (0_u32, 0_i64, 0_i64);
        for at in 0..bytes.count()? {
            let step = bytes.u32()?;
            if at > 0 && step == 0 {
                return Err(Damaged("a stream stands twice in the index"));
            }
            last.0 = last
                .0
                .checked_add(step)
                .ok_or(Damaged("an id is too large"))?;
            let begin = u32::try_from(index.chunks.len());
            let begin = begin.map_err(|_| Damaged("there are too many chunks"))?;
            index.ids.push((last.0, begin));
            let mut before: Option<i64> = None;
            for _ in 0..bytes.count()? {
                let chunk = index.chunk(&mut bytes, &mut last)?;
                if chunk.max < chunk.min || before.is_some_and(|before| before > chunk.min) {
                    return Err(Damaged("the chunks of a stream are not in order"));
                }
                before = Some(chunk.max);
                index.chunks.push(chunk);
            }
        }
        bytes.end()?;
        Ok(index)
    }

    fn chunk(&self, bytes: &mut Bytes<'_>, last: &mut (u32, i64, i64)) -> Result<Chunk, Damaged> {
        last.1 = last.1.wrapping_add(bytes.i64()?);
        let page = u32::try_from(last.1).map_err(|_| Damaged("there is no such page"))?;
        let (offset, len, count) = (bytes.u32()?, bytes.u32()?, bytes.u32()?);
        let of = self
            .pages
            .get(page as usize)
            .ok_or(Damaged("there is no such page"))?;
        if offset.checked_add(len).is_none_or(|end| end > of.plain) {
            return Err(Damaged("a chunk is outside of its page"));
        }
        last.2 = last.2.wrapping_add(bytes.i64()?);
        let (min, max) = (last.2, last.2.wrapping_add(bytes.u64()?.cast_signed()));
        Ok(Chunk {
            page,
            offset,
            len,
            count,
            min,
            max,
        })
    }
}
