//! The program run where it might hang.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::tree::{Run, Tree};

/// Longest time that the program may take: it is waited for no longer, so that a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

impl Tree {
    /// What `command` does, which has to come to its end by itself.
    pub fn finish(&self, mut command: Command) -> Run {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let started = Instant::now();
        let (status, out, err) = thread::scope(|scope| {
            let read = |mut pipe: Box<dyn Read + Send>| {
                move || {
                    let mut bytes = Vec::new();
                    pipe.read_to_end(&mut bytes).unwrap();
                    String::from_utf8(bytes).unwrap()
                }
            };
            let (out, err) = (scope.spawn(read(Box::new(out))), scope.spawn(read(Box::new(err))));
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
            (status, out.join().unwrap(), err.join().unwrap())
        });
        Run { code: status.code().unwrap_or_else(|| panic!("{status}: {err}")), out, err }
    }
}
