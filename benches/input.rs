//! What the benches read: a synthetic repository, and the repositories of `testdata/repos`; with `CONFSCAN_SHARED` naming a
//! folder that holds `corpus/`, that instead.

use std::env;
use std::path::{Path, PathBuf};

use confscan::config::Config;
use confscan::source::Sources;
use confscan::walk;

use crate::estate::{self, Plan};

/// Configs of the synthetic repository.
const CONFIGS: usize = 500;

/// The folders that are read.
pub fn roots() -> Vec<PathBuf> {
    if let Some(shared) = env::var_os("CONFSCAN_SHARED") {
        return vec![Path::new(&shared).join("corpus")];
    }
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("estate-{CONFIGS}"));
    if !made.is_dir() {
        let plan = Plan { configs_per_mille: 1000, ..Plan::of(CONFIGS) };
        estate::write(plan, &made).expect("the synthetic repository can be written");
    }
    vec![made, Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/repos")]
}

/// The configs in those folders.
pub fn read(roots: &[PathBuf]) -> Sources {
    walk::sources(roots, &walk::Options::default(), &|| {}).expect("the folders can be read")
}

/// The settings of a scan, on a day that does not change.
pub fn config() -> Config {
    Config::new(jiff::civil::date(2026, 11, 1))
}
