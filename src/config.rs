//! How a scan is done: what the command line says, and what the `confscan.toml` files of the repository say.

mod error;
mod file;
mod pattern;
mod settings;
#[cfg(test)]
mod tests;
mod values;

use jiff::civil::Date;

use crate::container::Environment;
use crate::finding::{Confidence, Finding, Rule, Tier};
use crate::policy::{Policy, Setting};
use crate::project::path::below;

pub use error::Error;
pub use file::{File, Files, Folder, MAX_SIZE, NAME, text};
pub use pattern::{Globs, ImagePattern, Pattern, Trusted};
pub use settings::{
    At, Environments, FailOn, Ignore, Images, Level, Limits, Nginx, OneOrMany, Override, RuleName, Rules, Settings,
    Stack, Sure, Where,
};
pub use values::{ContainerFolder, Day, MaxFindings, RelativePath, Size, StackName, size};

/// A commented `confscan.toml` in which nothing is switched on.
pub const TEMPLATE: &str = include_str!("config/template.toml");

/// What a scan is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Also run the rules of the pedantic tier, whatever the files say.
    pub pedantic: bool,
    /// The least severity that fails the scan, whatever the files say.
    pub fail_on: Option<FailOn>,
    /// Findings that are less sure are neither shown nor fail the scan, whatever the files say.
    pub min_confidence: Option<Confidence>,
    /// The day that end-of-support dates are compared with.
    pub today: Date,
    /// The `confscan.toml` files.
    pub files: Files,
    /// Exceptions hide nothing.
    pub no_ignores: bool,
    /// An exception without a reason hides nothing.
    pub require_reason: bool,
    /// The directories that are scanned whole, as paths from the scan root: what lies elsewhere is seen in part, so that
    /// nothing can be said about what is missing there.
    pub whole: Vec<String>,
}

impl Config {
    /// Files over 1 MiB are not read unless the user says otherwise.
    pub const MAX_FILE_SIZE: u64 = 1 << 20;

    /// Findings of one rule that are listed of one file unless the user says otherwise: nobody reads as many, and the
    /// report of a generated file with 100,000 would take hundreds of megabytes.
    pub const MAX_FINDINGS: usize = 500;

    /// The defaults, on the day `today`.
    pub fn new(today: Date) -> Self {
        let files = Files::default();
        let whole = vec![String::new()];
        Config {
            pedantic: false,
            fail_on: None,
            min_confidence: None,
            today,
            files,
            no_ignores: false,
            require_reason: false,
            whole,
        }
    }

    /// Whether all that lies in the folder, or is the file, at `path` is scanned with all around it.
    pub fn sees_all_of(&self, path: &str) -> bool {
        self.whole.iter().any(|directory| below(path, directory).is_some())
    }

    /// Whether a rule may run somewhere.
    pub fn may_run(&self, rule: &Rule) -> bool {
        self.pedantic || rule.tier == Tier::Default || self.files.may_run(rule)
    }

    /// Findings of one rule that are listed of one file.
    pub fn max_findings(&self) -> usize {
        self.files.max_findings().unwrap_or(Self::MAX_FINDINGS)
    }

    /// Whether a finding in the file at `path` fails the scan. A guess never does.
    pub fn fails(&self, finding: &Finding, path: &str) -> bool {
        let least = self.fail_on.or_else(|| self.files.fail_on(path)).unwrap_or(FailOn::High).least();
        finding.confidence > Confidence::Guess && least.is_some_and(|least| finding.severity >= least)
    }

    /// Whether a finding in the file at `path` is sure enough to be shown. What was not graded is always said.
    pub fn shows(&self, finding: &Finding, path: &str) -> bool {
        let least = self.min_confidence.or_else(|| self.files.min_confidence(path)).unwrap_or(Confidence::Guess);
        finding.gap || finding.confidence >= least
    }
}

impl Policy for Config {
    fn today(&self) -> Date {
        self.today
    }

    fn knows_paths(&self) -> bool {
        !self.files.is_empty()
    }

    fn setting(&self, rule: &Rule, path: &str, environment: Environment) -> Setting {
        self.files.setting(rule, path, environment, self.pedantic)
    }

    fn trusts(&self, path: &str, image: &str) -> Option<bool> {
        self.files.trusts(path, image)
    }
}
