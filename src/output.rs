//! Writing to the standard output and to files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use confscan::report::Options;

/// The standard output.
pub struct Stdout {
    choice: ColorChoice,
}

impl Stdout {
    /// The standard output with colour as asked for; `Auto` heeds the terminal and `NO_COLOR`.
    pub fn new(choice: ColorChoice) -> Self {
        let choice = match choice {
            ColorChoice::Auto => AutoStream::choice(&io::stdout()),
            given => given,
        };
        Stdout { choice }
    }

    /// Writes what `write` writes. A reader that has closed its end wants no more: that is no error.
    ///
    /// # Errors
    /// Those of the standard output.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write, Options) -> io::Result<()>) -> io::Result<()> {
        let color = self.choice != ColorChoice::Never;
        let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&width| width > 0);
        let width =
            given.or_else(|| terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)));
        // Without colour nothing is written that would have to be taken out again.
        let stream: Box<dyn Write> = match color {
            true => Box::new(AutoStream::new(io::stdout().lock(), self.choice)),
            false => Box::new(io::stdout().lock()),
        };
        let mut out = BufWriter::new(stream);
        match write(&mut out, Options { color, width, ..Options::default() }).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            result => result,
        }
    }
}

/// Replaces the file at `path` by what `write` writes, at once: no reader sees half of it, and an error leaves what was
/// there before. A device or FIFO is written to as it is.
///
/// # Errors
/// Those of the file system.
pub fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // The file behind a link is replaced, not the link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let known = fs::metadata(&path).ok();
    if known.as_ref().is_some_and(|metadata| !metadata.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(&path)?);
        return write(&mut out).and_then(|()| out.flush());
    }
    let (beside, file) = create_beside(&path)?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|()| out.flush()).and_then(|()| match known {
        Some(metadata) => fs::set_permissions(&beside, metadata.permissions()),
        None => Ok(()),
    });
    let result = written.and_then(|()| fs::rename(&beside, &path));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    result
}

/// A new file in the directory of `path`.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
    let mut number = 0;
    loop {
        let mut beside = std::ffi::OsString::from(".");
        beside.push(name);
        beside.push(format!(".{}-{number}", std::process::id()));
        let beside = path.with_file_name(beside);
        match File::create_new(&beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
            result => return result.map(|file| (beside, file)),
        }
    }
}
