//! What GitHub takes in one upload: bytes after gzip, counted without a compressor.
//!
//! Text is held back as it is made. What is within the limit before gzip is so after it, and is written as it is. Only
//! what is longer is measured: as a deflate stream (RFC 1951) with the fixed codes and with the nearest match that one
//! look finds. Every gzip worth the name does better, so what fits by this count fits.

use std::io::{self, Write};

/// Bytes that GitHub takes of a file after gzip: 10 MB.
pub(super) const LIMIT: u64 = 10_000_000;

/// Bytes that deflate looks back.
const WINDOW: usize = 1 << 15;
/// Shortest match that is looked for; deflate has one shorter, which saves next to nothing.
const SHORTEST: usize = 4;
/// Longest match of deflate.
const LONGEST: usize = 258;
/// Bits of the hash of [`SHORTEST`] bytes.
const HASH: u32 = 15;
/// Bytes around a stream: gzip's header and trailer, and the ends of the blocks.
const FRAME: u64 = 64;

/// Text on its way: all of it while it is short, then only its size.
pub(super) enum Upload {
    /// No more than the limit so far.
    Held { text: Vec<u8>, limit: u64 },
    /// More than that.
    Measured(Box<Deflated>),
}

impl Upload {
    /// Nothing yet; what is longer than `limit` is measured.
    pub(super) fn new(limit: u64) -> Upload {
        Upload::Held { text: Vec::new(), limit }
    }

    /// The size to compare with the limit, in bytes.
    pub(super) fn size(&mut self) -> u64 {
        match self {
            Upload::Held { text, .. } => text.len() as u64,
            Upload::Measured(deflated) => deflated.size(),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        match self {
            Upload::Held { text, limit } if (text.len() + data.len()) as u64 <= *limit => text.extend_from_slice(data),
            Upload::Held { text, .. } => {
                let mut deflated = Box::<Deflated>::default();
                deflated.push(text);
                deflated.push(data);
                *self = Upload::Measured(deflated);
            }
            Upload::Measured(deflated) => deflated.push(data),
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The size of a deflate stream.
pub(super) struct Deflated {
    /// The last bytes: those that a match may begin in, and those that were not coded.
    text: Vec<u8>,
    /// Bytes before `text`.
    before: usize,
    /// How much of `text` was coded.
    at: usize,
    /// By hash, one more than the offset of the last place that begins so, from the first byte of all.
    places: Vec<usize>,
    bits: u64,
}

impl Default for Deflated {
    fn default() -> Self {
        Deflated { text: Vec::new(), before: 0, at: 0, places: vec![0; 1 << HASH], bits: 0 }
    }
}

impl Deflated {
    fn push(&mut self, data: &[u8]) {
        for data in data.chunks(4 * WINDOW) {
            self.text.extend_from_slice(data);
            if self.text.len() > 4 * WINDOW {
                self.code(self.text.len() - LONGEST);
                let old = self.at.saturating_sub(WINDOW);
                self.text.drain(..old);
                self.before += old;
                self.at -= old;
            }
        }
    }

    fn size(&mut self) -> u64 {
        self.code(self.text.len());
        self.bits / 8 + FRAME
    }

    /// Codes what begins before `end`.
    fn code(&mut self, end: usize) {
        while self.at < end {
            let (length, distance) = self.matched(self.at);
            if length < SHORTEST {
                self.bits += if self.text[self.at] < 144 { 8 } else { 9 };
                self.at += 1;
                continue;
            }
            self.bits += length_bits(length) + distance_bits(distance);
            // What the match covers can begin another one.
            for at in self.at + 1..self.at + length {
                self.place(at);
            }
            self.at += length;
        }
    }

    /// Enters what begins at `at`, and gives the last place that began so, from the first byte of all.
    fn place(&mut self, at: usize) -> Option<usize> {
        let start = self.text.get(at..at + SHORTEST)?.try_into().ok()?;
        let hash = u32::from_le_bytes(start).wrapping_mul(0x9e37_79b1) >> (u32::BITS - HASH);
        std::mem::replace(&mut self.places[hash as usize], self.before + at + 1).checked_sub(1)
    }

    /// Length of the match at `at`, and how far back it begins.
    fn matched(&mut self, at: usize) -> (usize, usize) {
        let Some(place) = self.place(at) else { return (0, 0) };
        let distance = self.before + at - place;
        if distance > WINDOW || place < self.before {
            return (0, 0);
        }
        let (then, now) = (&self.text[place - self.before..], &self.text[at..]);
        let length = then.iter().zip(now).take(LONGEST).take_while(|(then, now)| then == now).count();
        (length, distance)
    }
}

/// Bits of a length with the fixed codes, the extra ones included (RFC 1951, section 3.2.5).
fn length_bits(length: usize) -> u64 {
    let code = if length < 115 { 7 } else { 8 };
    let extra = match length {
        0..=10 | LONGEST => 0,
        _ => u64::from((length - 3).ilog2()) - 2,
    };
    code + extra
}

/// Bits of a distance, likewise.
fn distance_bits(distance: usize) -> u64 {
    let extra = if distance <= 4 { 0 } else { u64::from((distance - 1).ilog2()) - 1 };
    5 + extra
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Size of `text` as gzip writes it; none where there is no gzip.
    fn gzip(text: &[u8]) -> Option<u64> {
        let mut child = Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mut input = child.stdin.take()?;
        let text = text.to_owned();
        let writer = std::thread::spawn(move || input.write_all(&text));
        let output = child.wait_with_output().ok()?;
        writer.join().ok()?.ok()?;
        Some(output.stdout.len() as u64)
    }

    fn measured(text: &[u8]) -> u64 {
        let mut upload = Upload::new(0);
        text.chunks(1000).for_each(|chunk| upload.write_all(chunk).unwrap());
        upload.size()
    }

    #[test]
    fn the_count_is_never_less_than_gzip_and_near_to_it_for_logs() {
        let mut random = 1u64;
        let noise = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (random >> 33) as u8
        });
        let noise: Vec<u8> = noise.take(300_000).collect();
        let log = include_bytes!("../../../sarif/usual.sarif").repeat(40);
        let lines: String =
            (0..40_000).map(|line| format!("{{\"rule\":\"missing-user\",\"line\":{line}}},\n")).collect();
        for (text, times) in [(&noise[..], 2), (&log, 4), (lines.as_bytes(), 4), (&[b'x'; 1_000_000], 8)] {
            let Some(gzip) = gzip(text) else {
                eprintln!("skipped: there is no gzip here");
                return;
            };
            let measured = measured(text);
            assert!(gzip <= measured && measured <= times * gzip, "gzip {gzip}, measured {measured}");
        }
    }

    #[test]
    fn what_is_short_is_held_and_what_is_longer_is_measured() {
        let mut upload = Upload::new(10);
        upload.write_all(b"12345").unwrap();
        upload.write_all(b"67890").unwrap();
        assert!(matches!(&upload, Upload::Held { text, .. } if text == b"1234567890"));
        upload.write_all(b"1").unwrap();
        assert!(matches!(upload, Upload::Measured(_)) && upload.size() > FRAME);
    }
}
