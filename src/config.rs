//! How a scan is done: what the command line says, and what the `confscan.toml` files of the repository say.

mod error;
mod file;
mod pattern;
mod settings;

use jiff::civil::Date;

pub use error::Error;
pub use file::{File, Files, Folder, MAX_SIZE, NAME, Setting, text};
pub use pattern::{Globs, ImagePattern, Pattern, Trusted};
pub use settings::{
    At, ContainerFolder, Day, Environments, FailOn, Ignore, Images, Level, Limits, Nginx, OneOrMany, Override,
    RelativePath, RuleName, Rules, Settings, Size, Stack, Where, size,
};

/// What a scan is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Also run the rules of the pedantic tier, whatever the files say.
    pub pedantic: bool,
    /// The day that end-of-support dates are compared with.
    pub today: Date,
    /// Files with more bytes are reported, not read.
    pub max_file_size: u64,
    /// The `confscan.toml` files.
    pub files: Files,
}

impl Config {
    /// Files over 1 MiB are not read unless the user says otherwise.
    pub const MAX_FILE_SIZE: u64 = 1 << 20;

    /// The defaults, on the day `today`.
    pub fn new(today: Date) -> Self {
        Config { pedantic: false, today, max_file_size: Config::MAX_FILE_SIZE, files: Files::default() }
    }
}
