//! confscan: a security posture scanner for container configs.
//!
//! [`scan`] takes the files of a repository and gives a report. The front ends under [`syntax`] turn text into models
//! whose every value knows where it was written, [`project`] joins them into containers, and the [`rules`] grade those.

#![forbid(unsafe_code)]

pub mod baseline;
#[cfg(test)]
mod broken;
pub mod command;
pub mod config;
pub mod container;
#[cfg(test)]
#[path = "../testdata/support/effort.rs"]
mod effort;
pub mod engine;
mod escape;
pub mod exception;
pub mod explain;
pub mod few;
pub mod finding;
pub mod git;
pub mod limit;
pub mod listing;
pub mod outline;
pub mod policy;
pub mod project;
pub mod redact;
pub mod report;
pub mod rules;
pub mod secret;
pub mod source;
pub mod suppress;
pub mod syntax;
pub mod text;
pub mod walk;

use config::Config;
use project::Project;
use report::Report;
use source::Sources;
use suppress::Applied;

/// Reads, joins and grades the files of `sources`: the one pipeline that every way of using confscan goes through.
///
/// # Panics
/// As [`redact::secrets`].
pub fn scan(mut sources: Sources, config: &Config) -> Report {
    config.files.register(&mut sources);
    let project = Project::build_with(&mut sources, &config.files);
    let secrets = redact::secrets(&project, &sources);
    let findings = engine::grade(&project, &sources, config, &secrets);
    let Applied { findings, suppressed, exceptions, failures } =
        suppress::apply(findings, &project, &sources, config, &secrets.spans);
    let findings = engine::grade_exceptions(&exceptions, &failures, findings, &project, &sources, config, &secrets);
    let (no_ignores, today) = (config.no_ignores, config.today);
    Report {
        sources,
        project,
        findings,
        secrets: secrets.spans,
        known_secrets: secrets.known,
        suppressed,
        exceptions,
        no_ignores,
        today: Some(today),
        ..Report::default()
    }
}
