//! The program run where it might hang.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::tree::{Run, Tree};

/// Longest time that the program may take: it is waited for no longer, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

impl Tree {
    /// What `command` does, which has to come to its end by itself.
    pub fn finish(&self, mut command: Command) -> Run {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, err) = (read(child.stdout.take().unwrap()), read(child.stderr.take().unwrap()));
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > PATIENCE {
                child.kill().unwrap();
                panic!("{command:?} hangs");
            }
            thread::sleep(Duration::from_millis(2));
        };
        let (out, err) = (out.join().unwrap(), err.join().unwrap());
        Run { code: status.code().unwrap_or_else(|| panic!("{status}: {err}")), out, err }
    }
}

/// What comes out of a pipe. Not waited for where the program hangs: what it started may hold the pipe, too.
fn read(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    })
}
