//! confscan: a security posture scanner for container configs.
//!
//! [`scan`] takes the files of a repository and gives a report. The front ends under [`syntax`] turn text into models
//! whose every value knows where it was written, [`project`] joins them into containers, and the [`rules`] grade those.

#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod container;
pub mod engine;
pub mod explain;
pub mod finding;
pub mod listing;
pub mod project;
pub mod redact;
pub mod report;
pub mod rules;
pub mod secret;
pub mod source;
pub mod syntax;
pub mod text;
pub mod walk;

use config::Config;
use project::Project;
use report::Report;
use source::Sources;

/// Reads, joins and grades the files of `sources`: the one pipeline that every way of using confscan goes through.
pub fn scan(mut sources: Sources, config: &Config) -> Report {
    config.files.register(&mut sources);
    let project = Project::build_with(&mut sources, &config.files);
    let secrets = redact::spans(&project, &sources);
    let findings = engine::grade(&project, &sources, config, &secrets);
    Report { sources, project, findings, secrets }
}
