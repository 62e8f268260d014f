//! What the rules are told by whoever runs them: the part of a configuration that they see.
//!
//! The configuration knows the rules by their names, so the rules must not know the configuration.

use jiff::civil::Date;

use crate::container::Environment;
use crate::finding::{Rule, Severity};

/// What is said of a rule at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whether the rule runs.
    pub runs: bool,
    /// The severity that is set.
    pub severity: Option<Severity>,
    /// It is said for the very environment, so what the rule makes of development and test does not matter.
    pub exact: bool,
}

/// What the rules are told.
pub trait Policy: Sync {
    /// The day that end-of-support dates are compared with.
    fn today(&self) -> Date;

    /// Whether [`Policy::setting`] depends on the path.
    fn knows_paths(&self) -> bool;

    /// What is made of `rule` in the file at `path` where that runs in `environment`.
    fn setting(&self, rule: &Rule, path: &str, environment: Environment) -> Setting;

    /// Whether the file at `path` may use an image, named in full (`docker.io/library/postgres`); nothing where nobody
    /// says which images are trusted.
    fn trusts(&self, path: &str, image: &str) -> Option<bool>;
}
