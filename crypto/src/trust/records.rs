//! What an audit remembers of each statement until it knows the whole log: records that come back in rising order, so that
//! what must be compared stands side by side. Where they wait is the caller's choice ([`Records`]): in memory, or in a
//! file, so that a log of any length is audited in the same memory.
//!
//! ```text
//! 0 ‖ pae 32 ‖ entry                             of two entries with one statement the later one does not count
//! 1 ‖ w ‖ 0 ‖ entry ‖ what a statement says      of each window: its statements in their order,
//! 1 ‖ w ‖ 1 ‖ nf 32 ‖ entry ‖ word ‖ round       then what they say of each report
//! 2 ‖ a 32 ‖ entry ‖ w                           no a twice
//! 3 ‖ nf 32 ‖ entry ‖ w ‖ word                   no nf in two windows, nor settled twice in one
//! ```
//! All numbers are u64, big-endian: the bytes are in the order of the records. They never leave the machine that audits,
//! and are no format that others must read.

use core::convert::Infallible;

use super::deadline::Deadlines;
use super::parts::Ends;
use crate::codec::{B32, take};
use crate::error::{Code, Result, need};
use crate::statement::Verb;

/// Where records wait.
pub trait Records {
    /// Why one could not be kept or read again.
    type Error;

    /// Keeps one.
    fn push(&mut self, record: Record) -> core::result::Result<(), Self::Error>;

    /// Shows all that were kept, in rising order, and keeps them.
    fn each(&mut self, see: &mut dyn FnMut(Record)) -> core::result::Result<(), Self::Error>;
}

/// In memory: for logs that fit into it.
#[derive(Clone, Debug, Default)]
pub struct Memory(Vec<Record>);

impl Records for Memory {
    type Error = Infallible;

    fn push(&mut self, record: Record) -> core::result::Result<(), Infallible> {
        self.0.push(record);
        Ok(())
    }

    fn each(&mut self, see: &mut dyn FnMut(Record)) -> core::result::Result<(), Infallible> {
        self.0.sort_unstable();
        self.0.iter().copied().for_each(see);
        Ok(())
    }
}

/// What one statement leaves behind, or one report in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record(pub(super) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An entry holds the statement of this PAE.
    Statement { pae: B32, entry: u64 },
    /// About a window.
    Window { w: u64, of: OfWindow },
    /// A report was accepted.
    Accepted { a: B32, entry: u64, w: u64 },
    /// A report was named.
    Named { nf: B32, entry: u64, w: u64, word: Word },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OfWindow {
    /// One part of a statement.
    Statement { entry: u64, says: Says, part: u64, parts: u64, ends: Ends },
    /// What it says of one report.
    Report { nf: B32, entry: u64, word: Word, round: u64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Says {
    /// So many were accepted.
    Accepted { times: Deadlines, reports: u64 },
    /// What became of some.
    Fate { word: Word, round: u64 },
}

/// What is said of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Word {
    Forwarded,
    Refused,
    Pending,
    Erased,
}

impl Word {
    /// Of a `report.forwarded`, `.refused` or `.pending`.
    pub(super) const fn of(verb: Verb) -> Self {
        match verb {
            Verb::ReportForwarded => Self::Forwarded,
            Verb::ReportRefused => Self::Refused,
            _ => Self::Pending,
        }
    }

    const ALL: [Self; 4] = [Self::Forwarded, Self::Refused, Self::Pending, Self::Erased];

    fn read(rest: &mut &[u8]) -> Result<Self> {
        let [at] = take(rest)?;
        Ok(*Self::ALL.get(usize::from(at)).ok_or(Code::Size)?)
    }
}

fn number(rest: &mut &[u8]) -> Result<u64> {
    take(rest).map(u64::from_be_bytes)
}

/// One of two, by its leading byte.
fn either<T>(
    rest: &mut &[u8],
    zero: impl FnOnce(&mut &[u8]) -> Result<T>,
    one: impl FnOnce(&mut &[u8]) -> Result<T>,
) -> Result<T> {
    match take(rest)? {
        [0] => zero(rest),
        [1] => one(rest),
        _ => Err(Code::Size.into()),
    }
}

/// Appends to a record's bytes.
struct Out<'a>(&'a mut Vec<u8>);

impl Out<'_> {
    fn byte(&mut self, byte: u8) -> &mut Self {
        self.0.push(byte);
        self
    }

    fn bytes(&mut self, bytes: &B32) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) -> &mut Self {
        numbers.iter().for_each(|n| self.0.extend_from_slice(&n.to_be_bytes()));
        self
    }
}

impl Record {
    /// The longest.
    pub const MAX: usize = 160;

    /// Appends its bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut out = Out(out);
        match self.0 {
            Kind::Statement { pae, entry } => _ = out.byte(0).bytes(&pae).numbers([entry]),
            Kind::Window { w, of } => of.write(out.byte(1).numbers([w])),
            Kind::Accepted { a, entry, w } => _ = out.byte(2).bytes(&a).numbers([entry, w]),
            Kind::Named { nf, entry, w, word } => _ = out.byte(3).bytes(&nf).numbers([entry, w]).byte(word as u8),
        }
    }

    /// Reads bytes of [`Record::write`]. Error: `size`.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let kind = match take(&mut rest)? {
            [0] => Kind::Statement { pae: take(&mut rest)?, entry: number(&mut rest)? },
            [1] => Kind::Window { w: number(&mut rest)?, of: OfWindow::read(&mut rest)? },
            [2] => Kind::Accepted { a: take(&mut rest)?, entry: number(&mut rest)?, w: number(&mut rest)? },
            [3] => Kind::Named {
                nf: take(&mut rest)?,
                entry: number(&mut rest)?,
                w: number(&mut rest)?,
                word: Word::read(&mut rest)?,
            },
            _ => return Err(Code::Size.into()),
        };
        need(rest.is_empty(), Code::Size)?;
        Ok(Self(kind))
    }
}

impl OfWindow {
    fn write(self, out: &mut Out<'_>) {
        match self {
            Self::Statement { entry, says, part, parts, ends } => {
                says.write(out.byte(0).numbers([entry]));
                out.numbers([part, parts]).byte(u8::from(ends.sorted));
                match ends.ends {
                    None => _ = out.byte(0),
                    Some((first, last)) => _ = out.byte(1).bytes(&first).bytes(&last),
                }
            }
            Self::Report { nf, entry, word, round } => {
                out.byte(1).bytes(&nf).numbers([entry]).byte(word as u8).numbers([round]);
            }
        }
    }

    fn read(rest: &mut &[u8]) -> Result<Self> {
        let statement = |rest: &mut &[u8]| {
            let (entry, says) = (number(rest)?, Says::read(rest)?);
            let (part, parts) = (number(rest)?, number(rest)?);
            let sorted = either(rest, |_| Ok(false), |_| Ok(true))?;
            let ends = either(rest, |_| Ok(None), |rest| Ok(Some((take(rest)?, take(rest)?))))?;
            Ok(Self::Statement { entry, says, part, parts, ends: Ends { sorted, ends } })
        };
        let report = |rest: &mut &[u8]| {
            let (nf, entry) = (take(rest)?, number(rest)?);
            Ok(Self::Report { nf, entry, word: Word::read(rest)?, round: number(rest)? })
        };
        either(rest, statement, report)
    }
}

impl Says {
    fn write(self, out: &mut Out<'_>) {
        match self {
            Self::Accepted { times: Deadlines { opens, closes, deadline }, reports } => {
                out.byte(0).numbers([opens, closes, deadline, reports]);
            }
            Self::Fate { word, round } => _ = out.byte(1).byte(word as u8).numbers([round]),
        }
    }

    fn read(rest: &mut &[u8]) -> Result<Self> {
        let accepted = |rest: &mut &[u8]| {
            let times = Deadlines { opens: number(rest)?, closes: number(rest)?, deadline: number(rest)? };
            Ok(Self::Accepted { times, reports: number(rest)? })
        };
        let fate = |rest: &mut &[u8]| Ok(Self::Fate { word: Word::read(rest)?, round: number(rest)? });
        either(rest, accepted, fate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each kind, with each choice in it, over numbers whose order their low bytes would turn round.
    fn all() -> Vec<Record> {
        let mut all = Vec::new();
        for n in [0_u64, 1, 255, 256, u64::MAX] {
            let hash = [n.to_be_bytes()[7]; 32];
            let times = Deadlines { opens: n, closes: 1, deadline: n };
            let says = [
                Says::Accepted { times, reports: n },
                Says::Fate { word: Word::Refused, round: n },
                Says::Fate { word: Word::Pending, round: 3 },
            ];
            for ends in [None, Some((hash, [9; 32]))].map(|ends| Ends { sorted: n % 2 == 0, ends }) {
                let of = says.map(|says| OfWindow::Statement { entry: n, says, part: n, parts: 2, ends });
                all.extend(of.map(|of| Kind::Window { w: n, of }));
            }
            for word in Word::ALL {
                let of = OfWindow::Report { nf: hash, entry: n, word, round: n };
                all.push(Kind::Window { w: n, of });
                all.push(Kind::Named { nf: hash, entry: n, w: 7, word });
            }
            all.push(Kind::Statement { pae: hash, entry: n });
            all.push(Kind::Accepted { a: hash, entry: n, w: n });
        }
        all.into_iter().map(Record).collect()
    }

    fn bytes(record: &Record) -> Vec<u8> {
        let mut out = Vec::new();
        record.write(&mut out);
        out
    }

    #[test]
    fn bytes_are_read_again_and_nothing_else_is() {
        for record in all() {
            let mut bytes = bytes(&record);
            assert!(bytes.len() <= Record::MAX);
            assert_eq!(Record::read(&bytes), Ok(record));
            assert!((0..bytes.len()).all(|end| Record::read(&bytes[..end]).is_err()));
            bytes.push(0);
            assert!(Record::read(&bytes).is_err());
        }
    }

    #[test]
    fn bytes_are_in_the_order_of_the_records() {
        let mut by_record = all();
        by_record.sort_unstable();
        let mut by_bytes = all();
        by_bytes.sort_unstable_by_key(bytes);
        assert_eq!(by_record, by_bytes);
    }
}
