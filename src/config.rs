//! How a scan is done.

use jiff::civil::Date;

use crate::exception::Ignore;

/// What a scan is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Also run the rules of the pedantic tier.
    pub pedantic: bool,
    /// The day that end-of-support dates are compared with.
    pub today: Date,
    /// Files with more bytes are reported, not read.
    pub max_file_size: u64,
    /// Exceptions besides those that stand in comments.
    pub ignores: Vec<Ignore>,
    /// Exceptions hide nothing.
    pub no_ignores: bool,
    /// An exception without a reason hides nothing.
    pub require_reason: bool,
}

impl Config {
    /// Files over 1 MiB are not read unless the user says otherwise.
    pub const MAX_FILE_SIZE: u64 = 1 << 20;

    /// The defaults, on the day `today`.
    pub fn new(today: Date) -> Self {
        Config {
            pedantic: false,
            today,
            max_file_size: Config::MAX_FILE_SIZE,
            ignores: Vec::new(),
            no_ignores: false,
            require_reason: false,
        }
    }
}
