//! The bytes of a paper as lines that a person types, and as texts of QR codes.
//!
//! ```text
//! first row   TABIR mark count                         mark: 2 characters, of SHA-256("tabir/v1/paper-mark" ‖ bytes)
//! row k       kk  XXXX XXXX XXXX XXXX XXXX XXXX  CCCC  15 bytes a row, the last one what is left
//! QR code k   TABIR1.mark.k.count.XXXX….CCCC           up to 300 bytes
//! X   Crockford's base 32: 0-9 A-Z without I L O U; small letters, and O for 0, I and L for 1, are taken as well
//! C   20 bits of SHA-256("tabir/v1/paper-row" ‖ 0 row or 1 QR code ‖ mark 2 ‖ k u16 ‖ count u16 ‖ bytes)
//! ```
//! A typo is found in its row. Whatever passes all rows is opened under the passphrase, or not at all.

use std::collections::BTreeMap;

use tabir_crypto::codec::tagged;

/// Bytes of a row, and of a QR code: one of level M with so much in it still scans from a page printed at home.
const ROW: usize = 15;
const QR: usize = 300;
/// First word of the first row, and of a QR code.
const WORD: &str = "TABIR";
const QR_WORD: &str = "TABIR1";
/// No paper is longer: 255 shares.
const MOST: usize = 2_000;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Why a paper can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaperError {
    /// The row that names the paper.
    #[error("the first row is missing (version): it begins with TABIR, then two characters, then the number of rows")]
    NoHead,
    /// Rows with a typo, or of another paper.
    #[error("row(s) {} do not fit (checksum): look for a typo there, and whether they are of this paper", list(.0))]
    Rows(Vec<usize>),
    /// Rows or QR codes that are not there.
    #[error("row(s) or QR code(s) {} are missing (size)", list(.0))]
    Missing(Vec<usize>),
    /// Every row fits, and not together.
    #[error("the rows are of more than one paper (checksum)")]
    Mixed,
}

impl PaperError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> tabir_crypto::Code {
        match self {
            Self::NoHead => tabir_crypto::Code::Version,
            Self::Rows(_) | Self::Mixed => tabir_crypto::Code::Checksum,
            Self::Missing(_) => tabir_crypto::Code::Size,
        }
    }
}

fn list(numbers: &[usize]) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

fn encode(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (String::new(), 0_u32, 0_u32);
    let mut put = |value: u32| text.extend(ALPHABET.get((value & 31) as usize).map(|c| char::from(*c)));
    for byte in bytes {
        (bits, held) = (bits + 8, (held << 8) | u32::from(*byte));
        while bits >= 5 {
            bits -= 5;
            put(held >> bits);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        put(held << (5 - bits));
    }
    text
}

fn value(letter: char) -> Option<u32> {
    let letter = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|c| char::from(*c) == letter).and_then(|at| u32::try_from(at).ok())
}

/// `None` for a letter that can't stand there, or bits that are left over and not zero.
fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for letter in text.chars() {
        (bits, held) = (bits + 5, (held << 5) | value(letter)?);
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits).to_be_bytes()[3]);
            held &= (1 << bits) - 1;
        }
    }
    (held == 0 && bits < 5).then_some(bytes)
}

fn letters(hash: &[u8], count: usize) -> String {
    encode(hash).chars().take(count).collect()
}

fn mark(bytes: &[u8]) -> String {
    letters(&tagged("tabir/v1/paper-mark", &[bytes]), 2)
}

/// Rows and QR codes are cut alike.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Row,
    Qr,
}

fn check(cut: Cut, mark: &str, k: usize, count: usize, bytes: &[u8]) -> String {
    let short = |n: usize| u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes();
    let hash = tagged("tabir/v1/paper-row", &[&[cut as u8], mark.as_bytes(), &short(k), &short(count), bytes]);
    letters(&hash, 4)
}

/// The rows of a paper, first row included.
#[must_use]
pub(super) fn rows(bytes: &[u8]) -> Vec<String> {
    let (mark, pieces) = (mark(bytes), bytes.chunks(ROW));
    let count = pieces.len();
    let row = |(k, piece): (usize, &[u8])| {
        let letters: Vec<char> = encode(piece).chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|g| g.iter().collect()).collect();
        format!("{k:02}  {:<29}  {}", groups.join(" "), check(Cut::Row, &mark, k, count, piece))
    };
    std::iter::once(format!("{WORD} {mark} {count}")).chain((1..).zip(pieces).map(row)).collect()
}

/// The texts of its QR codes: capitals, digits and points, which QR codes hold in the least space.
#[must_use]
pub(super) fn qr_texts(bytes: &[u8]) -> Vec<String> {
    let (mark, pieces) = (mark(bytes), bytes.chunks(QR));
    let count = pieces.len();
    let qr = |(k, piece): (usize, &[u8])| {
        format!("{QR_WORD}.{mark}.{k}.{count}.{}.{}", encode(piece), check(Cut::Qr, &mark, k, count, piece))
    };
    (1..).zip(pieces).map(qr).collect()
}

/// What has been read so far.
#[derive(Default)]
pub struct Progress {
    /// Mark and number of pieces.
    head: Option<(Cut, String, usize)>,
    pieces: BTreeMap<usize, Vec<u8>>,
    bad: Vec<usize>,
}

impl Progress {
    /// Reads one line: the first row, a row, the text of a QR code, or anything else, which is passed over. Gives the
    /// number of a row that does not fit.
    pub fn line(&mut self, line: &str) -> Option<usize> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [one] if one.to_ascii_uppercase().starts_with(&format!("{QR_WORD}.")) => self.qr(one),
            [word, mark, count] if word.eq_ignore_ascii_case(WORD) => {
                let count = count.parse().ok().filter(|n| (1..=MOST).contains(n));
                if let (None, Some(count)) = (&self.head, count) {
                    self.head = Some((Cut::Row, plain(mark), count));
                }
                None
            }
            [number, groups @ .., _] if !groups.is_empty() && self.head.is_some() => {
                let k: usize = number.parse().ok().filter(|_| number.len() == 2 || number.len() == 3)?;
                let (groups, sum) = words.get(1..).and_then(|w| w.split_last().map(|(s, g)| (g.concat(), *s)))?;
                let (cut, mark, count) = self.head.clone()?;
                self.piece((cut, &mark, k, count), &groups, sum)
            }
            _ => None,
        }
    }

    fn qr(&mut self, text: &str) -> Option<usize> {
        let parts: Vec<&str> = text.split('.').collect();
        let [_, mark, k, count, letters, sum] = parts.as_slice() else { return Some(0) };
        let (Ok(k), Ok(count)) = (k.parse::<usize>(), count.parse::<usize>()) else { return Some(0) };
        if count == 0 || count > MOST {
            return Some(0);
        }
        let head = self.head.get_or_insert_with(|| (Cut::Qr, plain(mark), count)).clone();
        if (head.0, head.1.as_str(), head.2) != (Cut::Qr, plain(mark).as_str(), count) {
            self.bad.push(k);
            return Some(k);
        }
        self.piece((Cut::Qr, &head.1, k, count), letters, sum)
    }

    fn piece(&mut self, (cut, mark, k, count): (Cut, &str, usize, usize), text: &str, sum: &str) -> Option<usize> {
        let fits = |bytes: &Vec<u8>| check(cut, mark, k, count, bytes) == plain(sum);
        match decode(text).filter(fits) {
            Some(bytes) if (1..=count).contains(&k) => {
                self.pieces.insert(k, bytes);
                self.bad.retain(|bad| *bad != k);
                None
            }
            _ => {
                if !self.pieces.contains_key(&k) && !self.bad.contains(&k) {
                    self.bad.push(k);
                }
                Some(k)
            }
        }
    }

    /// The first row or QR code that is not there yet; `None` before the first row, and when all are there.
    #[must_use]
    pub fn next(&self) -> Option<usize> {
        let (.., count) = self.head.as_ref()?;
        (1..=*count).find(|k| !self.pieces.contains_key(k))
    }

    /// Whether every piece is there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.head.is_some() && self.next().is_none()
    }

    /// The bytes of the paper.
    pub fn finish(mut self) -> Result<Vec<u8>, PaperError> {
        let (_, head, count) = self.head.ok_or(PaperError::NoHead)?;
        if !self.bad.is_empty() {
            self.bad.sort_unstable();
            return Err(PaperError::Rows(self.bad));
        }
        let missing: Vec<usize> = (1..=count).filter(|k| !self.pieces.contains_key(k)).collect();
        if !missing.is_empty() {
            return Err(PaperError::Missing(missing));
        }
        let bytes = self.pieces.into_values().collect::<Vec<_>>().concat();
        if mark(&bytes) == head { Ok(bytes) } else { Err(PaperError::Mixed) }
    }
}

/// As it was printed.
fn plain(typed: &str) -> String {
    typed.chars().filter_map(|c| value(c).and_then(|v| ALPHABET.get(v as usize))).map(|c| char::from(*c)).collect()
}

/// Reads a whole text: typed rows, a file that `tabir council backup` wrote, or texts of QR codes, one a line.
pub fn parse(text: &str) -> Result<Vec<u8>, PaperError> {
    let mut progress = Progress::default();
    for line in text.lines() {
        progress.line(line);
    }
    progress.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(length: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 37 + i / 7) as u8).collect()
    }

    #[test]
    fn what_is_printed_is_read_again_at_every_length() {
        for length in (1..=130).chain([299, 300, 301, 600, 601, 2000]) {
            let bytes = bytes(length);
            assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
            assert_eq!(parse(&rows(&bytes).join("\n")).unwrap(), bytes, "{length}");
            assert_eq!(parse(&qr_texts(&bytes).join("\n")).unwrap(), bytes, "{length}");
        }
        assert_eq!(qr_texts(&bytes(300)).len(), 1);
        assert_eq!(qr_texts(&bytes(301)).len(), 2);
    }

    #[test]
    fn a_typo_is_found_in_its_row() {
        let bytes = bytes(262);
        let good = rows(&bytes);
        assert_eq!(good.len(), 1 + 18);
        for k in 1..good.len() {
            for (at, letter) in good[k].char_indices().filter(|(at, c)| *at > 2 && *c != ' ') {
                let other = if letter == 'Z' { 'Y' } else { 'Z' };
                let mut typed = good.clone();
                typed[k].replace_range(at..=at, &other.to_string());
                let refused = parse(&typed.join("\n")).unwrap_err();
                assert_eq!(refused, PaperError::Rows(vec![k]), "row {k}, column {at}");
            }
        }
        let mut two = good.clone();
        two.swap(3, 5);
        assert_eq!(parse(&two.join("\n")).unwrap(), bytes, "the order of rows does not matter");
        two[3] = good[3].replacen("03", "04", 1);
        assert_eq!(parse(&two.join("\n")).unwrap_err(), PaperError::Missing(vec![5]), "a right row 4 stands there");
        let mut swapped = good.clone();
        (swapped[3], swapped[5]) = (good[5].replacen("05", "03", 1), good[3].replacen("03", "05", 1));
        assert_eq!(parse(&swapped.join("\n")).unwrap_err(), PaperError::Rows(vec![3, 5]), "numbers of each other");
    }

    #[test]
    fn takes_what_people_type_and_names_what_is_missing() {
        let bytes = bytes(100);
        let good = rows(&bytes);
        let typed = good.join("\n").to_lowercase().replace('0', "o").replace("o1  ", "01  ");
        let typed: String =
            typed.lines().map(|l| l.replacen('o', "0", usize::from(l.starts_with('o'))) + "\n").collect();
        assert_eq!(parse(&typed).unwrap(), bytes);
        assert_eq!(parse(&good[1..].join("\n")).unwrap_err(), PaperError::NoHead);
        assert_eq!(parse("").unwrap_err(), PaperError::NoHead);
        let without: Vec<_> = good.iter().filter(|l| !l.starts_with("03") && !l.starts_with("06")).cloned().collect();
        assert_eq!(parse(&without.join("\n")).unwrap_err(), PaperError::Missing(vec![3, 6]));
        let words = format!("Keep this paper.\n2026 was a year\n\n{}\n12 other words\n", good.join("\n"));
        assert!(parse(&words).is_err(), "a line that looks like a row and is none is not passed over");
    }

    #[test]
    fn rows_and_codes_of_two_papers_do_not_mix() {
        let (one, mut two) = (bytes(700), bytes(700));
        two[5] ^= 1;
        let (mine, theirs) = (rows(&one), rows(&two));
        assert_ne!(mine[0], theirs[0]);
        let mut mixed = mine;
        mixed[4] = theirs[4].clone();
        assert_eq!(parse(&mixed.join("\n")).unwrap_err(), PaperError::Rows(vec![4]));
        let (mine, theirs) = (qr_texts(&one), qr_texts(&two));
        let mixed = [mine[0].clone(), theirs[1].clone(), mine[2].clone()].join("\n");
        assert_eq!(parse(&mixed).unwrap_err(), PaperError::Rows(vec![2]));
        assert_eq!(parse(&mine[..2].join("\n")).unwrap_err(), PaperError::Missing(vec![3]));
    }
}
