//! confscan: a security posture scanner for container configs.
//!
//! [`scan`] takes the files of a repository and gives a report. The front ends under [`syntax`] turn text into models
//! whose every value knows where it was written, [`project`] joins them into containers, and the [`rules`] grade those.

pub mod command;
pub mod config;
pub mod container;
pub mod engine;
pub mod explain;
pub mod finding;
pub mod listing;
pub mod project;
pub mod report;
pub mod rules;
pub mod secret;
pub mod source;
pub mod syntax;
pub mod text;
pub mod walk;

pub use engine::scan;
