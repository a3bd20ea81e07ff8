//! Writing a segment.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::codec::Record;
use super::directory::{options, sync_directory};
use super::handles::Handles;
use super::segment::{Chunk, Footer, Index, MAGIC, Page, Segment};

/// Bytes of a page before compression: LZ4 looks back this far.
const PAGE: usize = 64 << 10;
/// A chunk of lines ends when it has so many bytes.
const CHUNK: usize = 128 << 10;

/// A segment that is being written, under a name that no start takes for a segment.
#[derive(Debug)]
pub(crate) struct Sealing {
    file: BufWriter<Sink>,
    directory: PathBuf,
    unfinished: PathBuf,
    /// The first and the last of the logs whose data come into it.
    seqs: (u64, u64),
    offset: u64,
    plain: Vec<u8>,
    compressed: Vec<u8>,
    index: Index,
    /// The chunks of each stream, in the order of writing.
    streams: Vec<(u32, Vec<Chunk>)>,
    span: Option<(i64, i64)>,
}

/// The file behind the buffer.
#[derive(Debug)]
struct Sink {
    file: File,
    handles: Arc<Handles>,
    len: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.handles.write(&self.file, bytes, self.len)?;
        self.len += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sealing {
    pub(crate) fn begin(
        directory: &Path,
        seqs: (u64, u64),
        handles: &Arc<Handles>,
    ) -> io::Result<Self> {
        let seq = seqs.1;
        let unfinished = directory.join(format!("seg-{seq:016x}.unfinished"));
        let file = options()
            .create(true)
            .truncate(true)
            .write(true)
            .open(&unfinished)?;
        let sink = Sink {
            file,
            handles: Arc::clone(handles),
            len: 0,
        };
        let mut file = BufWriter::with_capacity(256 << 10, sink);
        file.write_all(MAGIC)?;
        Ok(Self {
            file,
            directory: directory.to_owned(),
            unfinished,
            seqs,
            offset: MAGIC.len() as u64,
            plain: Vec::with_capacity(PAGE + CHUNK),
            compressed: Vec::new(),
            index: Index::default(),
            streams: Vec::new(),
            span: None,
        })
    }

    /// Adds entries of a stream, sorted by time. The slices of one stream come one after another,
    /// in the order of time.
    pub(crate) fn entries<T: Record>(&mut self, id: u32, entries: &[T]) -> io::Result<()> {
        let mut rest = entries;
        while !rest.is_empty() {
            let mut weight = 0;
            let fitting = rest.iter().take(T::PER_CHUNK).take_while(|entry| {
                let fits = weight < CHUNK;
                weight += entry.weight();
                fits
            });
            let (chunk, after) = rest.split_at(fitting.count());
            rest = after;
            self.chunk(id, chunk)?;
        }
        Ok(())
    }

    fn chunk<T: Record>(&mut self, id: u32, entries: &[T]) -> io::Result<()> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let offset = self.plain.len();
        T::encode(entries, &mut self.plain);
        let chunk = Chunk {
            page: number(self.index.pages.len())?,
            offset: number(offset)?,
            len: number(self.plain.len() - offset)?,
            count: number(entries.len())?,
            min: first.time(),
            max: last.time(),
        };
        let (min, max) = self.span.unwrap_or((chunk.min, chunk.max));
        self.span = Some((min.min(chunk.min), max.max(chunk.max)));
        match self.streams.last_mut() {
            Some((last, chunks)) if *last == id => chunks.push(chunk),
            Some(_) | None => self.streams.push((id, vec![chunk])),
        }
        if self.plain.len() >= PAGE {
            self.page()?;
        }
        Ok(())
    }

    fn page(&mut self) -> io::Result<()> {
        let page = self.write_compressed()?;
        self.index.pages.push(page);
        Ok(())
    }

    /// Compresses and writes what is in `plain`.
    fn write_compressed(&mut self) -> io::Result<Page> {
        let most = lz4_flex::block::get_maximum_output_size(self.plain.len());
        self.compressed.resize(most, 0);
        let len = lz4_flex::block::compress_into(&self.plain, &mut self.compressed)
            .map_err(io::Error::other)?;
        let bytes = self.compressed.get(..len).unwrap_or_default();
        self.file.write_all(bytes)?;
        let page = Page {
            offset: self.offset,
            compressed: number(len)?,
            plain: number(self.plain.len())?,
            checksum: crc32fast::hash(bytes),
        };
        self.offset += len as u64;
        self.plain.clear();
        Ok(page)
    }

    /// The segment, on the disk to its last byte; `None` if nothing was added. All ids that were ever
    /// given are below `next_id`. The file gets the time `sealed_ns`, since the Unix epoch.
    pub(crate) fn finish(mut self, next_id: u32, sealed_ns: i64) -> io::Result<Option<Segment>> {
        let Some(span) = self.span else {
            return Ok(None);
        };
        if !self.plain.is_empty() {
            self.page()?;
        }
        self.streams.sort_by_key(|(id, _)| *id);
        for (id, chunks) in std::mem::take(&mut self.streams) {
            let begin = number(self.index.chunks.len())?;
            self.index.ids.push((id, begin));
            self.index.chunks.extend(chunks);
        }
        self.plain = self.index.encode();
        let index = self.write_compressed()?;
        let footer = Footer { index }.bytes();
        self.file.write_all(&footer)?;
        self.file.flush()?;
        let sink = self.file.get_ref();
        let handles = Arc::clone(&sink.handles);
        if let Ok(since_epoch) = u64::try_from(sealed_ns) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_nanos(since_epoch);
            // Without it, the file has the system's time, which is no less true.
            let _ = sink.file.set_modified(time);
        }
        handles.sync(&sink.file)?;
        let path = self.directory.join(Segment::name(self.seqs, span, next_id));
        std::fs::rename(&self.unfinished, &path)?;
        sync_directory(&self.directory)?;
        let size = self.offset + footer.len() as u64;
        let mut segment = Segment::new(path, self.seqs, span, next_id, size, &handles);
        segment.sealed_ns = sealed_ns;
        Ok(Some(segment))
    }
}

impl Drop for Sealing {
    /// Makes room again when the disk was full. After a rename there is nothing to remove.
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.unfinished);
    }
}

fn number(of: usize) -> io::Result<u32> {
    u32::try_from(of).map_err(|_| io::Error::other("a segment would be too long"))
}
