//! Broken and nasty inputs through everything that reads what others wrote: nothing panics, nothing takes long, and what
//! comes out holds what `support/invariants.rs` says.
//!
//! The inputs are made from the examples of the rules' pages and the repositories of `testdata/repos`, and from the files
//! of the corpus where `CONFSCAN_SHARED` names its folder. It is what the fuzz targets of `fuzz/` do, without their
//! coverage and on any toolchain. `CONFSCAN_FUZZ_SECONDS` says how long it goes on, `CONFSCAN_FUZZ_SEED` makes other
//! inputs, `CONFSCAN_FUZZ_TARGETS` names the targets, separated by commas.

#[path = "support/any_bytes.rs"]
mod any_bytes;
#[path = "support/effort.rs"]
mod effort;
#[path = "support/invariants.rs"]
mod invariants;
#[path = "support/mutations.rs"]
mod mutations;
#[path = "support/seeds.rs"]
mod seeds;
#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use any_bytes::{TARGETS, Target};
use mutations::{Random, dictionary, mutated};
use seeds::Seeds;

/// How long all of the targets take together where nothing else is asked for.
const SECONDS: u64 = 4;
/// Stack of the threads that read inputs, in bytes.
const STACK: usize = 2 << 20;
/// CPU time that no input may take: the largest has 48 KiB, and the tests are not optimised.
const TOO_LONG: Duration = Duration::from_secs(20);
/// What no input takes that comes to an end, however slow the machine.
const HANGS: Duration = Duration::from_secs(300);

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, which is no number")))
}

/// What became of the inputs of a target.
enum Said {
    /// An input is about to be tried.
    Next(Vec<u8>),
    /// It is in order, and took so much CPU time.
    Fine(Duration),
    /// It is not.
    Broken,
}

/// Tries inputs until the time is over.
fn attack((name, target): Target, index: u64, inputs: &[Vec<u8>], seed: u64, time: Duration, said: &Sender<Said>) {
    let words = dictionary(name);
    let start = Instant::now();
    for round in 0u64.. {
        if start.elapsed() >= time {
            break;
        }
        // Every round stands for itself, so that it is the same however far the time goes.
        let mut random = Random(seed ^ (index << 56) ^ (round << 8));
        let bytes = mutated(inputs, &words, &mut random);
        if said.send(Said::Next(bytes.clone())).is_err() {
            break;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| effort::cost(STACK, || target(&bytes))));
        let broken = outcome.is_err();
        if said.send(outcome.map_or(Said::Broken, Said::Fine)).is_err() || broken {
            break;
        }
    }
}

/// Keeps an input that broke something.
fn keep(name: &str, bytes: &[u8], what: &str, seed: u64) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    let path = folder.join(format!("{name}-{seed:x}"));
    fs::create_dir_all(&folder).and_then(|()| fs::write(&path, bytes)).expect("the input can be kept");
    format!(
        "{name} {what}: {} (CONFSCAN_FUZZ_SEED={seed}); in fuzz/regressions/{name} it is tried again by every test",
        path.display()
    )
}

#[test]
fn no_mutation_breaks_what_reads_it() {
    let seed = number("CONFSCAN_FUZZ_SEED").unwrap_or(20_261_101);
    let seconds = number("CONFSCAN_FUZZ_SECONDS").unwrap_or(SECONDS);
    let named = env::var("CONFSCAN_FUZZ_TARGETS").unwrap_or_default();
    let named: Vec<&str> = named.split(',').filter(|name| !name.is_empty()).collect();
    let targets: Vec<(u64, Target)> = (0..).zip(TARGETS.iter().copied()).collect();
    let targets: Vec<_> =
        targets.into_iter().filter(|(_, (name, _))| named.is_empty() || named.contains(name)).collect();
    assert!(!targets.is_empty(), "{named:?} are no targets");
    let seeds = Seeds::read();
    // A whole scan takes longer than a parser, and there is more in it to break.
    let share = |name: &str| if name == "scan" { 4 } else { 1 };
    let shares: u32 = targets.iter().map(|(_, (name, _))| share(name)).sum();
    for (index, target) in targets {
        let name = target.0;
        let time = Duration::from_secs(seconds) * share(name) / shares;
        let inputs = seeds.of(name);
        assert!(!inputs.is_empty(), "{name} has nothing to start from");
        let (said, hears) = mpsc::channel();
        let worker = thread::spawn(move || attack(target, index, &inputs, seed, time, &said));
        let (mut current, mut tried) = (Vec::new(), 0);
        loop {
            match hears.recv_timeout(HANGS) {
                Ok(Said::Next(bytes)) => current = bytes,
                Ok(Said::Fine(cost)) if cost < TOO_LONG => tried += 1,
                Ok(Said::Fine(_)) => panic!("{}", keep(name, &current, "takes too long", seed)),
                Ok(Said::Broken) => panic!("{}", keep(name, &current, "breaks", seed)),
                // The thread ends with the process.
                Err(RecvTimeoutError::Timeout) => panic!("{}", keep(name, &current, "hangs", seed)),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        worker.join().unwrap_or_else(|_| panic!("the inputs of {name} cannot be made"));
        eprintln!("{name}: {tried} inputs");
        assert!(tried > 0, "{name} was not tried");
    }
}

#[test]
fn what_once_broke_is_in_order() {
    for (name, target) in TARGETS {
        for (path, bytes) in regressions(name) {
            let outcome = catch_unwind(|| effort::cost(STACK, || target(&bytes)));
            let Ok(cost) = outcome else { panic!("{}", path.display()) };
            assert!(cost < TOO_LONG, "{} takes {cost:?}", path.display());
        }
    }
}

#[test]
fn patterns_that_fit_almost_everything_take_linear_time() {
    let cases = |size: usize| {
        let hard = "*a?".repeat(size);
        let mut files: Vec<(String, Vec<u8>)> = vec![
            (".dockerignore".to_owned(), format!("{hard}b\n").repeat(250).into_bytes()),
            (
                "Dockerfile".to_owned(),
                format!("FROM a\nCOPY . .\n{}", format!("COPY {hard}b /x\n").repeat(100)).into_bytes(),
            ),
            (
                "b.Dockerfile".to_owned(),
                format!("FROM a\nCOPY --exclude={hard}c {} /x\n", ". ".repeat(50)).into_bytes(),
            ),
        ];
        for number in 100..130 {
            let folder = format!("{number}{}", "a".repeat(200));
            files.push((format!("{}/id_rsa", vec![folder.as_str(); 15].join("/")), b"x".to_vec()));
        }
        vec![("patterns".to_owned(), files)]
    };
    effort::assert_linear(1_300, STACK, cases, |files| any_bytes::scan_files(files));
}

/// The inputs that once broke a target.
fn regressions(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/regressions").join(target);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("the entries can be read").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).expect("it can be read"))).collect()
}

#[test]
fn every_target_is_one_of_cargo_fuzz() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("the manifest can be read");
    for (name, _) in TARGETS {
        let program = fs::read_to_string(folder.join(format!("fuzz_targets/{name}.rs"))).unwrap_or_default();
        assert!(program.contains(&format!("any_bytes::{name}(bytes)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    let programs = fs::read_dir(folder.join("fuzz_targets")).expect("the targets can be listed").count();
    assert_eq!(programs, TARGETS.len());
}

/// Writes what the fuzz targets start from into the folder that `CONFSCAN_FUZZ_CORPUS` names, a folder for each.
#[test]
fn every_target_has_something_to_start_from() {
    let folder = env::var_os("CONFSCAN_FUZZ_CORPUS").map(PathBuf::from);
    let seeds = Seeds::read();
    for (name, _) in TARGETS {
        let mut inputs = seeds.of(name);
        assert!(!inputs.is_empty(), "{name}");
        let Some(folder) = folder.as_ref().map(|folder| folder.join(name)) else { continue };
        inputs.extend(regressions(name).into_iter().map(|(_, bytes)| bytes));
        fs::create_dir_all(&folder).expect("the folder can be made");
        for (number, bytes) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:05}")), bytes).expect("the input can be written");
        }
    }
}
