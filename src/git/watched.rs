//! A running git that is ended when it does not answer: what lies in `.git` may be a FIFO.

use std::io::{self, Read};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// Longest time that one answer may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running program.
pub struct Watched {
    child: Arc<Mutex<Child>>,
    /// Told when an answer is waited for, and when it came.
    watch: Sender<()>,
    gave_up: Arc<AtomicBool>,
}

impl Watched {
    /// Starts `command`, and ends it when an answer takes longer than `patience`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn start(command: &mut Command, patience: Duration) -> io::Result<Watched> {
        let child = Arc::new(Mutex::new(command.spawn()?));
        let gave_up = Arc::new(AtomicBool::new(false));
        let (watch, told) = channel();
        let (watched, giving_up) = (child.clone(), gave_up.clone());
        thread::spawn(move || {
            while told.recv().is_ok() {
                if told.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                    giving_up.store(true, Ordering::Relaxed);
                    let _ = watched.lock().unwrap_or_else(PoisonError::into_inner).kill();
                    let _ = told.recv();
                }
            }
        });
        Ok(Watched { child, watch, gave_up })
    }

    /// Its pipes, for the first who asks.
    pub fn pipes(&self) -> (Option<ChildStdin>, Option<ChildStdout>) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        (child.stdin.take(), child.stdout.take())
    }

    /// Does `work`, which waits for an answer.
    pub fn wait_for<T>(&self, work: impl FnOnce() -> T) -> T {
        // The thread that listens ends with `self`.
        let _ = self.watch.send(());
        let done = work();
        let _ = self.watch.send(());
        done
    }

    /// An error, in the words for an answer that was waited for in vain if it comes from that.
    pub fn explain(&self, error: io::Error) -> io::Error {
        if self.gave_up.load(Ordering::Relaxed) { io::ErrorKind::TimedOut.into() } else { error }
    }

    /// Waits until it has ended, and gives how.
    fn ended(&self) -> io::Result<ExitStatus> {
        loop {
            // Not locked while it is waited for: it may have to be ended.
            if let Some(status) = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it, and gives how it ended.
    fn end(&self) -> io::Result<ExitStatus> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        match child.try_wait()? {
            Some(status) => Ok(status),
            None => {
                let _ = child.kill();
                child.wait()
            }
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// What `command` says and how it ends; of its standard output the first `most` bytes.
///
/// # Errors
/// Those of the system, and that there was no answer in `patience`.
pub fn answer(command: &mut Command, most: u64, patience: Duration) -> io::Result<Output> {
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let watched = Watched::start(command, patience)?;
    let errors = watched.child.lock().unwrap_or_else(PoisonError::into_inner).stderr.take();
    let (_, out) = watched.pipes();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let read = watched.wait_for(|| {
        thread::scope(|scope| {
            // Nobody must wait for the other pipe to be emptied.
            let errors = scope.spawn(|| errors.map_or(Ok(0), |errors| errors.take(most).read_to_end(&mut stderr)));
            let read = out.map_or(Ok(0), |out| out.take(most).read_to_end(&mut stdout));
            if read.as_ref().is_ok_and(|&read| read as u64 == most) {
                watched.end()?;
            }
            let _ = errors.join();
            read
        })
    });
    read.map_err(|error| watched.explain(error))?;
    let status = watched.wait_for(|| watched.ended())?;
    if watched.gave_up.load(Ordering::Relaxed) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(Output { status, stdout, stderr })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn who_does_not_answer_is_ended() {
        let patience = Duration::from_millis(200);
        let silent = answer(&mut shell("exec sleep 600"), 100, patience);
        assert_eq!(silent.map_err(|error| error.kind()).map(|output| output.status), Err(io::ErrorKind::TimedOut));
        let watched = Watched::start(shell("exec sleep 600").stdout(Stdio::piped()), patience).unwrap();
        let (_, mut out) = watched.pipes();
        let read = watched.wait_for(|| out.as_mut().unwrap().read_to_end(&mut Vec::new()));
        assert_eq!((read.unwrap(), watched.gave_up.load(Ordering::Relaxed)), (0, true));
    }

    #[test]
    fn who_answers_is_heard_out_but_not_without_end() {
        let patience = Duration::from_secs(60);
        let loud = "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789 >&2; i=$((i+1)); done";
        let output = answer(&mut shell(&format!("{loud}; echo out; exit 3")), 1 << 20, patience).unwrap();
        assert_eq!(
            (output.status.code(), output.stdout.as_slice(), output.stderr.len()),
            (Some(3), &b"out\n"[..], 123_000)
        );
        let endless = answer(&mut shell("while :; do echo x; done"), 1000, patience).unwrap();
        assert_eq!((endless.stdout.len(), endless.status.success()), (1000, false));
    }
}
