//! The shape of the JSON report. These types are the contract that `docs/json.md` describes: they change only as it says.

use std::borrow::Cow;

use serde::Serialize;

/// The program that wrote the report.
#[derive(Serialize)]
pub(super) struct Tool {
    pub name: &'static str,
    pub version: &'static str,
}

/// Numbers.
#[derive(Serialize)]
pub(super) struct Summary {
    pub findings: usize,
    pub critical: usize,
    pub high: usize,
    pub medium: usize,
    pub low: usize,
    pub info: usize,
    pub containers: usize,
    pub files: usize,
    pub skipped: usize,
    pub suppressed: usize,
    pub known: usize,
    pub fixed: usize,
    pub unsure: usize,
    pub errors: usize,
    pub complete: bool,
}

/// A range of a file.
#[derive(Serialize)]
pub(super) struct Location<'a> {
    pub path: &'a str,
    pub line: u32,
    pub column: u32,
    pub end_line: u32,
    pub end_column: u32,
}

/// A line of a file.
#[derive(Serialize)]
pub(super) struct Place<'a> {
    pub path: &'a str,
    pub line: u32,
}

/// A finding.
#[derive(Serialize)]
pub(super) struct Finding<'a> {
    pub rule: &'a str,
    pub title: &'a str,
    pub severity: &'static str,
    pub confidence: &'static str,
    pub message: &'a str,
    pub location: Location<'a>,
    pub snippet: String,
    pub related: Vec<Related<'a>>,
    pub chain: Vec<Related<'a>>,
    pub help: Option<&'a str>,
    pub container: Option<&'a str>,
    pub also: &'a [String],
    pub stacks: Vec<Vec<&'a str>>,
    pub environment: &'static str,
    pub node: &'a str,
    pub fingerprint: &'a str,
    pub fix: Option<Fix>,
}

/// What a fix changes: there are none yet.
#[derive(Serialize)]
pub(super) enum Fix {}

/// A place that explains a finding.
#[derive(Serialize)]
pub(super) struct Related<'a> {
    pub message: &'a str,
    pub location: Location<'a>,
}

/// What would run.
#[derive(Serialize)]
pub(super) struct Container<'a> {
    pub name: Cow<'a, str>,
    pub stack: Vec<&'a str>,
    pub stack_name: Option<Cow<'a, str>>,
    pub active_profiles: Option<Vec<Cow<'a, str>>>,
    pub service: Option<Cow<'a, str>>,
    pub stage: Option<String>,
    pub dockerfile: Option<&'a str>,
    pub target: Option<Cow<'a, str>>,
    pub origin: Origin<'a>,
    pub partial: bool,
    pub environment: Environment<'a>,
    pub image: Option<Image<'a>>,
    pub base: Option<Image<'a>>,
    pub user: Fact<'a>,
    pub healthcheck: Healthcheck<'a>,
    pub command: Option<Command<'a>>,
    pub ports: Vec<Port<'a>>,
    pub processes: Vec<Process<'a>>,
    pub supervisor: Vec<&'a str>,
    pub nginx: Vec<&'a str>,
    pub mounts: Vec<Mount<'a>>,
    pub profiles: Vec<Cow<'a, str>>,
    pub gaps: Vec<Gap<'a>>,
}

/// An image reference.
#[derive(Serialize)]
pub(super) struct Image<'a> {
    #[serde(rename = "ref")]
    pub reference: Cow<'a, str>,
    pub decided_by: Place<'a>,
}

/// Whether a health check runs.
#[derive(Serialize)]
pub(super) struct Healthcheck<'a> {
    pub present: Option<bool>,
    pub source: &'static str,
    pub decided_by: Option<Place<'a>>,
}

/// What the engine starts.
#[derive(Serialize)]
pub(super) struct Command<'a> {
    pub value: String,
    pub decided_by: Place<'a>,
}

/// A mount.
#[derive(Serialize)]
pub(super) struct Mount<'a> {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub source: Option<Cow<'a, str>>,
    pub target: Option<Cow<'a, str>>,
    pub read_only: bool,
    pub decided_by: Place<'a>,
}

/// Something that is referred to and not in sight.
#[derive(Serialize)]
pub(super) struct Gap<'a> {
    pub kind: &'static str,
    pub target: Cow<'a, str>,
    pub reason: &'static str,
    pub decided_by: Place<'a>,
}

/// Where a container comes from.
#[derive(Serialize)]
pub(super) struct Origin<'a> {
    pub kind: &'static str,
    pub path: &'a str,
    pub line: u32,
}

/// Where a container runs.
#[derive(Serialize)]
pub(super) struct Environment<'a> {
    pub value: &'static str,
    pub reason: Cow<'a, str>,
    pub decided_by: Option<Place<'a>>,
}

/// A fact about a container.
#[derive(Serialize)]
pub(super) struct Fact<'a> {
    pub value: Option<Cow<'a, str>>,
    pub known: bool,
    pub source: &'static str,
    pub decided_by: Option<Place<'a>>,
}

/// A published port.
#[derive(Serialize)]
pub(super) struct Port<'a> {
    pub host_ip: Option<&'a str>,
    pub published: Option<String>,
    pub target: String,
    pub protocol: &'a str,
    pub reach: &'static str,
    pub decided_by: Place<'a>,
}

/// A process.
#[derive(Serialize)]
pub(super) struct Process<'a> {
    pub origin: &'static str,
    pub name: Option<Cow<'a, str>>,
    pub programs: Vec<Cow<'a, str>>,
    pub user: Option<Cow<'a, str>>,
    pub command: String,
    pub decided_by: Place<'a>,
}

/// A file that was read, or a path that was not.
#[derive(Serialize)]
pub(super) struct File<'a> {
    pub path: &'a str,
    pub kind: Option<&'static str>,
    pub why: Option<&'a str>,
    pub skipped: Option<&'a str>,
    pub gap: bool,
}

/// A finding that an exception hides.
#[derive(Serialize)]
pub(super) struct Suppressed<'a> {
    pub rule: &'a str,
    pub severity: &'static str,
    pub message: &'a str,
    pub location: Location<'a>,
    pub container: Option<&'a str>,
    pub node: &'a str,
    pub fingerprint: &'a str,
    pub kind: &'static str,
    pub path: Option<&'a str>,
    pub line: Option<u32>,
    pub reason: Option<&'a str>,
    pub since: Option<String>,
    pub age_days: Option<i32>,
    pub age_at_least: bool,
    pub until: Option<&'a str>,
    pub days_left: Option<i32>,
}

/// A finding that was known before.
#[derive(Serialize)]
pub(super) struct Known<'a> {
    pub rule: &'a str,
    pub severity: &'static str,
    pub path: &'a str,
    pub line: u32,
    pub node: &'a str,
    pub fingerprint: &'a str,
    pub since: Option<String>,
    pub age_days: Option<i32>,
}

/// What the scan was compared with.
#[derive(Serialize)]
pub(super) struct Comparison<'a> {
    pub kind: &'static str,
    pub name: &'a str,
    pub known: usize,
    pub fixed: Vec<Fixed<'a>>,
}

/// A finding that was known and is found no more.
#[derive(Serialize)]
pub(super) struct Fixed<'a> {
    pub rule: &'a str,
    pub path: &'a str,
    pub node: &'a str,
    pub fingerprint: &'a str,
    pub since: Option<String>,
}

/// Something that was not graded.
#[derive(Serialize)]
pub(super) struct Error<'a> {
    pub rule: &'a str,
    pub message: &'a str,
    pub path: &'a str,
    pub line: u32,
}
