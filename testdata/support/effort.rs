//! What work costs, and whether that grows with its size or with the square of it.
//!
//! The clock tells neither: tests run side by side, on machines that do other things as well. CPU time is nearer to it, and
//! two sizes in one process are nearer still, because what slows the machine down slows both.

use std::fs;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How much larger the larger size is.
const FACTOR: usize = 4;
/// How many times the cost it may have: linear work has [`FACTOR`] times the cost, quadratic work the square of that.
const MOST: u32 = 7;
/// What is too little to be measured.
const NOTHING: Duration = Duration::from_millis(60);
/// Measurements of a size: nothing makes work cheaper than it is, so that the least of them is the truest.
const TRIES: usize = 6;

/// The CPU time that `work` takes, on a thread of its own with a stack of that many bytes, where everything that it does in
/// parallel runs as well.
pub fn cost(stack: usize, work: impl FnOnce() + Send) -> Duration {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(stack).build();
    pool.expect("a thread can be started").install(|| {
        let start = used();
        work();
        used().saturating_sub(start)
    })
}

/// Asserts that what `work` costs on each of the cases that `cases` makes of `size` grows no faster than that number.
pub fn assert_linear<I: Send + Sync>(
    size: usize,
    stack: usize,
    cases: impl Fn(usize) -> Vec<(String, I)>,
    work: impl Fn(&I) + Sync,
) {
    let (small, large) = (cases(size / FACTOR), cases(size));
    assert_eq!(small.len(), large.len());
    for ((name, small), (_, large)) in small.iter().zip(&large) {
        if let Err(costs) = grows_linearly(stack, || work(small), || work(large)) {
            panic!("{name}: {costs}");
        }
    }
}

/// Whether the larger work, [`FACTOR`] times as much, costs no more than in proportion; what both cost where it does.
pub fn grows_linearly(stack: usize, small: impl Fn() + Sync, large: impl Fn() + Sync) -> Result<(), String> {
    let (mut least_small, mut least_large) = (Duration::MAX, Duration::MAX);
    for _ in 0..TRIES {
        least_large = least_large.min(cost(stack, &large));
        if least_large <= NOTHING {
            return Ok(());
        }
        // Measured twice as often: where the smaller one seems dear, the larger one seems cheap.
        least_small = least_small.min(cost(stack, &small)).min(cost(stack, &small));
        if least_large <= least_small * MOST {
            return Ok(());
        }
    }
    Err(format!("{FACTOR} times as much costs {least_large:?}, not {least_small:?}"))
}

/// The CPU time of the calling thread; where the system does not tell, the time that has passed.
fn used() -> Duration {
    /// What the time is counted from.
    static START: OnceLock<Instant> = OnceLock::new();
    // What a thread has used is counted up when it gives way.
    thread::yield_now();
    let scheduled = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let used = scheduled.and_then(|text| text.split_whitespace().next()?.parse().ok());
    used.map_or_else(|| START.get_or_init(Instant::now).elapsed(), Duration::from_nanos)
}
