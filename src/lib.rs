//! confscan: a security posture scanner for container configs.
//!
//! `scan` takes the files of a repository and gives a report; the front ends under [`syntax`] turn text into models
//! whose every value knows where it was written, `project` joins them into containers, and the rules grade those.

pub mod command;
pub mod source;
pub mod syntax;
