//! Counts allocations: per parser, for the join, the whole scan and the reports, in calls and bytes for each KiB of config.
//! `cargo bench --bench allocations` prints a table.

mod estate;
mod input;

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use confscan::project::Project;
use confscan::report::{self, Format};
use confscan::source::{FileId, Kind, Source};
use confscan::syntax;

/// The system's allocator, which counts what is asked of it.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    CALLS.fetch_add(1, Relaxed);
    BYTES.fetch_add(bytes, Relaxed);
}

// SAFETY: everything is handed on to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the conditions of this function, which are those of the other.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Prints what `work` asks of the allocator for `size` bytes of config, the second time that it is done: what is made once
/// for a process is there by then.
fn measure<T>(name: &str, size: usize, mut work: impl FnMut() -> T) {
    drop(black_box(work()));
    let before = (CALLS.load(Relaxed), BYTES.load(Relaxed));
    let made = black_box(work());
    let (calls, bytes) = (CALLS.load(Relaxed) - before.0, BYTES.load(Relaxed) - before.1);
    drop(made);
    let kib = size as f64 / 1024.0;
    println!("| {name} | {kib:.0} | {calls} | {:.0} | {:.1} |", calls as f64 / kib, bytes as f64 / size.max(1) as f64);
}

fn main() {
    // One thread, so that the numbers do not depend on how work is shared.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
    pool.expect("there is no pool yet");
    let (roots, config) = (input::roots(), input::config());
    let sources = input::read(&roots);
    let all: usize = sources.iter().map(|(_, source)| source.text.len()).sum();
    println!("| what | KiB of config | allocations | per KiB | bytes per byte |\n|---|---:|---:|---:|---:|");
    for kind in [Kind::Dockerfile, Kind::Compose, Kind::Supervisor, Kind::Nginx, Kind::Dotenv] {
        let files: Vec<(FileId, &Source)> = sources.iter().filter(|(_, source)| source.kind == kind).collect();
        let size = files.iter().map(|(_, source)| source.text.len()).sum();
        measure(&format!("parse {}", kind.name()), size, || {
            files.iter().map(|(id, source)| syntax::parse(*id, source)).collect::<Vec<_>>()
        });
    }
    let mut inputs: Vec<_> = (0..4).map(|_| input::read(&roots)).collect();
    let mut next = || inputs.pop().expect("there are as many as are asked for");
    measure("parse and join", all, || {
        let mut sources = next();
        (Project::build(&mut sources), sources)
    });
    measure("scan", all, || confscan::scan(next(), &config));
    let report = confscan::scan(sources, &config);
    for format in Format::ALL {
        measure(&format!("report {}", format.name()), all, || {
            report::write(&report, format, &report::Options::default(), &mut io::sink())
        });
    }
}
