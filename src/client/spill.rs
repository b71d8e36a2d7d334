//! Where an audit's records wait for the end of a long log: in sorted runs in one temporary file, which are merged when
//! they are read. A log that is short enough never touches the disk.
//!
//! The file has no name from the beginning (or, where a file system can't do that, from the moment it was made), so that
//! nothing of it is left whatever ends the audit. Everything in it is public.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use tabir_crypto::trust::records::{Record, Records};

use super::log_source::ReadError;

/// Bytes of records that are held in memory before they are sorted and written: with the places of the records in them,
/// a quarter of the 100 MB that an audit may take.
pub const IN_MEMORY: usize = 16 << 20;
/// Bytes of each run that are in memory while all are merged: 10^7 entries make some two hundred runs.
const READ: usize = 32 << 10;

/// Records in memory, and in a file those that did not fit.
#[derive(Debug)]
pub struct Spill {
    folder: PathBuf,
    limit: usize,
    /// Each record, its length before it in a byte.
    buffer: Vec<u8>,
    /// Where each of them begins.
    places: Vec<u32>,
    file: Option<File>,
    /// Where the runs lie in the file.
    runs: Vec<Range<u64>>,
}

impl Spill {
    /// With a file in this folder, or, where it can't be written, in that for temporary files; once there are more records
    /// than `limit` bytes (below 2^32).
    pub const fn new(folder: PathBuf, limit: usize) -> Self {
        Self { folder, limit, buffer: Vec::new(), places: Vec::new(), file: None, runs: Vec::new() }
    }

    fn sort(&mut self) {
        let Self { buffer, places, .. } = self;
        places.sort_unstable_by(|x, y| record(buffer, *x).cmp(record(buffer, *y)));
    }

    /// Writes what is in memory as a run.
    fn write(&mut self) -> io::Result<()> {
        self.sort();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile_in(&self.folder).or_else(|_| tempfile::tempfile())?),
        };
        let begin = self.runs.last().map_or(0, |run| run.end);
        let mut end = begin;
        let mut out = Vec::with_capacity(READ + Record::MAX);
        for (count, place) in (1..).zip(&self.places) {
            let record = record(&self.buffer, *place);
            out.push(u8::try_from(record.len()).map_err(io::Error::other)?);
            out.extend_from_slice(record);
            if out.len() >= READ || count == self.places.len() {
                file.write_all_at(&out, end)?;
                end += out.len() as u64;
                out.clear();
            }
        }
        self.runs.push(begin..end);
        self.buffer.clear();
        self.places.clear();
        Ok(())
    }

    fn merged(&self, file: &File, see: &mut dyn FnMut(Record)) -> io::Result<()> {
        let mut heads = BinaryHeap::with_capacity(self.runs.len());
        for run in &self.runs {
            let mut head = Head { file, rest: run.clone(), read: Vec::new(), at: 0, record: Vec::new() };
            if head.next()? {
                heads.push(head);
            }
        }
        while let Some(mut first) = heads.peek_mut() {
            see(read(&first.record)?);
            if !first.next()? {
                PeekMut::pop(first);
            }
        }
        Ok(())
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> ReadError + use<> {
        let path = self.folder.join("(temporary file)");
        move |source| ReadError::File { path, source }
    }
}

impl Records for Spill {
    type Error = ReadError;

    fn push(&mut self, record: Record) -> Result<(), ReadError> {
        let place = self.buffer.len();
        self.buffer.push(0);
        record.write(&mut self.buffer);
        self.buffer[place] = u8::try_from(self.buffer.len() - place - 1).expect("Record::MAX is below 256");
        self.places.push(u32::try_from(place).expect("the limit is below 2^32"));
        if self.buffer.len() >= self.limit { self.write().map_err(self.failed()) } else { Ok(()) }
    }

    fn each(&mut self, see: &mut dyn FnMut(Record)) -> Result<(), ReadError> {
        if !self.runs.is_empty() && !self.places.is_empty() {
            self.write().map_err(self.failed())?;
        }
        if let Some(file) = &self.file {
            return self.merged(file, see).map_err(self.failed());
        }
        self.sort();
        let all = self.places.iter().map(|place| read(record(&self.buffer, *place)));
        all.into_iter().try_for_each(|record| record.map(&mut *see)).map_err(self.failed())
    }
}

/// The record that begins at a place.
fn record(buffer: &[u8], place: u32) -> &[u8] {
    let (length, rest) = buffer[place as usize..].split_first().expect("a place is within the buffer");
    &rest[..usize::from(*length)]
}

fn read(bytes: &[u8]) -> io::Result<Record> {
    Record::read(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The first record of a run that was not yet seen.
struct Head<'f> {
    file: &'f File,
    /// Of the run, not yet read.
    rest: Range<u64>,
    read: Vec<u8>,
    /// Of `read`, seen.
    at: usize,
    record: Vec<u8>,
}

impl Head<'_> {
    /// Goes on to the next record; false at the end of the run.
    fn next(&mut self) -> io::Result<bool> {
        self.fill(1)?;
        let Some(length) = self.read.get(self.at).map(|length| usize::from(*length)) else { return Ok(false) };
        self.fill(1 + length)?;
        let record = self.read.get(self.at + 1..self.at + 1 + length).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.record.clear();
        self.record.extend_from_slice(record);
        self.at += 1 + length;
        Ok(true)
    }

    /// Reads on, unless so many bytes are there, or nothing is left to be read.
    fn fill(&mut self, least: usize) -> io::Result<()> {
        if self.read.len() - self.at >= least || self.rest.is_empty() {
            return Ok(());
        }
        self.read.drain(..self.at);
        self.at = 0;
        let begin = self.read.len();
        let more = usize::try_from(self.rest.end - self.rest.start).map_or(READ, |rest| rest.min(READ));
        self.read.resize(begin + more, 0);
        self.file.read_exact_at(&mut self.read[begin..], self.rest.start)?;
        self.rest.start += more as u64;
        Ok(())
    }
}

/// The heap gives the largest first, and must give the smallest record.
impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.record.cmp(&self.record)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

impl Eq for Head<'_> {}

#[cfg(test)]
mod tests {
    use tabir_crypto::trust::records::Memory;

    use super::*;

    /// Records whose order is not that in which they come, each of them twice.
    fn records(count: u32) -> impl Iterator<Item = Record> {
        (0..2 * count).map(move |n| {
            let mut bytes = vec![0];
            bytes.extend(tabir_crypto::codec::sha256(&(n % count).to_be_bytes()));
            bytes.extend(u64::from(n % 7).to_be_bytes());
            Record::read(&bytes).unwrap()
        })
    }

    fn seen<R: Records>(mut kept: R, count: u32) -> Vec<Record>
    where
        R::Error: std::fmt::Debug,
    {
        records(count).for_each(|record| kept.push(record).unwrap());
        let mut first = Vec::new();
        kept.each(&mut |record| first.push(record)).unwrap();
        let mut again = Vec::new();
        kept.each(&mut |record| again.push(record)).unwrap();
        assert_eq!(first, again, "they stay there");
        first
    }

    #[test]
    fn what_went_through_a_file_comes_back_as_from_memory() {
        let dir = tempfile::tempdir().unwrap();
        for (count, limit) in
            [(0, 1), (1, 1), (50, 1), (5_000, 1000), (5_000, READ), (20_000, 100_000), (500, IN_MEMORY)]
        {
            let spill = Spill::new(dir.path().to_owned(), limit);
            assert_eq!(seen(spill, count), seen(Memory::default(), count), "{count} records, {limit} bytes in memory");
        }
    }

    #[test]
    fn nothing_is_left_in_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(dir.path().to_owned(), 100);
        records(100).for_each(|record| spill.push(record).unwrap());
        assert!(spill.runs.len() > 10);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_not_there_does_not_matter() {
        let mut spill = Spill::new("/nowhere/at/all".into(), 100);
        records(100).for_each(|record| spill.push(record).unwrap());
        assert!(spill.file.is_some());
    }
}
