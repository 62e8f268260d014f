//! Writing to the standard output and to files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{self, Component, Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use confscan::report::Options;

/// Paths of the standard output.
const STDOUT: [&str; 3] = ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
/// Where the files lie that are open already: what stands in them is written on, not replaced.
const OPEN: [&str; 3] = ["/dev/stderr", "/dev/fd", "/proc/self/fd"];

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
        let written = write(&mut out, Options { color, width, ..Options::default() }).and_then(|()| out.flush());
        // What is left of an error would be tried again.
        drop(out.into_parts());
        written_out(written)
    }
}

/// What came of writing to the standard output.
///
/// # Errors
/// As they were, but that of a closed pipe.
pub fn written_out(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Tells the user something that changes neither what is written nor the exit code: a standard error that is full or
/// gone is no reason to give up the report.
pub fn note(text: std::fmt::Arguments) {
    let _ = writeln!(io::stderr(), "confscan: {text}");
}

/// Where something is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The standard output.
    Stdout,
    /// The file at a real path, which need not be there: it is replaced at once.
    File(PathBuf),
    /// A device, a FIFO or a file that is open already: it is written to as it is.
    Open(PathBuf),
}

impl Target {
    /// What `path` is. A link stands for what it leads to, unless it lies in one of the folders with the real paths
    /// `scanned` and leads out of it: whoever wrote the repository does not say which file of the machine is replaced.
    ///
    /// # Errors
    /// The folder is missing, the path is a directory, or such a link is on it.
    pub fn new(path: &Path, scanned: &[&Path]) -> io::Result<Target> {
        if STDOUT.iter().any(|stdout| path == Path::new(stdout)) {
            return Ok(Target::Stdout);
        }
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Ok(Target::Open(path.to_owned()));
        }
        let real = followed(path, scanned)?;
        match fs::metadata(&real) {
            Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => Ok(Target::Open(real)),
            // A link to nothing is replaced itself.
            Ok(_) | Err(_) => Ok(Target::File(real)),
        }
    }

    /// Writes what `write` writes to what is no standard output. A file is replaced at once: no reader sees half of it,
    /// and an error leaves what was there before.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            Target::Stdout => written_out(write(&mut io::stdout().lock())),
            Target::File(path) => replace(path, write),
            Target::Open(path) => {
                let mut out = BufWriter::new(OpenOptions::new().append(true).open(path)?);
                let written = write(&mut out).and_then(|()| out.flush());
                drop(out.into_parts());
                written
            }
        }
    }
}

/// The real path of `path`, whose last part need not be there.
fn followed(path: &Path, scanned: &[&Path]) -> io::Result<PathBuf> {
    let absolute = path::absolute(path)?;
    let mut real = PathBuf::new();
    let mut parts = absolute.components().peekable();
    while let Some(part) = parts.next() {
        let next = match part {
            Component::ParentDir => {
                real.pop();
                continue;
            }
            Component::Normal(name) => real.join(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {
                real.push(part);
                continue;
            }
        };
        let last = parts.peek().is_none();
        real = match fs::symlink_metadata(&next) {
            Err(error) if error.kind() == ErrorKind::NotFound && last => next,
            Err(error) => return Err(error),
            Ok(metadata) if metadata.is_symlink() => match fs::canonicalize(&next) {
                Ok(target) if scanned.iter().any(|folder| real.starts_with(folder) && !target.starts_with(folder)) => {
                    return Err(io::Error::other("a link in the scanned folder leads out of it"));
                }
                Ok(target) => target,
                Err(error) if error.kind() == ErrorKind::NotFound && last => next,
                Err(error) => return Err(error),
            },
            Ok(_) => next,
        };
    }
    Ok(real)
}

/// Replaces the file at the real path `path`.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let (mut beside, file) = Beside::create(path)?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|()| out.flush());
    let (file, _) = out.into_parts();
    written?;
    if let Ok(known) = fs::metadata(path) {
        file.set_permissions(known.permissions())?;
    }
    // Some file systems, of the network above all, say only now that there is no room.
    file.sync_data()?;
    drop(file);
    fs::rename(&beside.path, path)?;
    beside.is_in_place = true;
    Ok(())
}

/// A new file in the directory of another one, gone again unless it takes the other's place.
struct Beside {
    path: PathBuf,
    is_in_place: bool,
}

impl Beside {
    fn create(path: &Path) -> io::Result<(Beside, File)> {
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let mut number = 0;
        loop {
            let mut beside = std::ffi::OsString::from(".");
            beside.push(name);
            beside.push(format!(".{}-{number}", std::process::id()));
            let beside = path.with_file_name(beside);
            match File::create_new(&beside) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 100 => number += 1,
                result => return result.map(|file| (Beside { path: beside, is_in_place: false }, file)),
            }
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.is_in_place {
            // The error that led here is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
