//! What the rules find: rules' metadata, findings, and the identity that survives edits.

use std::collections::HashMap;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::container::Environment;
use crate::container::facet::Scope;
use crate::few::Few;
use crate::source::Span;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Advice.
    Info,
    /// Hardening, or likely trouble.
    Low,
    /// A clear weakening, or the service will fail.
    Medium,
    /// One more step is needed for harm, or a secret or control is lost for sure.
    High,
    /// Whoever reaches the port or writes one file gets the host, code execution or the secrets.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

    /// The name used in output and options.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Something that decides it is not known.
    Guess,
    /// True unless something out of sight says otherwise.
    Likely,
    /// It stands in the files.
    Certain,
}

impl Confidence {
    /// Every value, the surest first.
    pub const ALL: [Confidence; 3] = [Confidence::Certain, Confidence::Likely, Confidence::Guess];

    /// The name used in output, options and settings.
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Guess => "guess",
            Confidence::Likely => "likely",
            Confidence::Certain => "certain",
        }
    }
}

/// Whether a rule runs unless it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Always.
    Default,
    /// Only with `--pedantic`.
    Pedantic,
}

/// What a rule makes of a development or test container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Development {
    /// The same as of any other.
    Same,
    /// No more than low.
    Low,
    /// Nothing: it is about production only.
    Silent,
}

/// A rule's metadata: the front matter of its page.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case name; never changes.
    pub id: &'static str,
    /// One line that says what is found.
    pub title: &'static str,
    /// The kind of node that its check takes, as the page names it.
    pub on: &'static str,
    /// Severity unless the check says otherwise.
    pub severity: Severity,
    /// Confidence unless the check says otherwise.
    pub confidence: Confidence,
    /// Whether it runs by default.
    pub tier: Tier,
    /// What becomes of it in development and test containers.
    pub development: Development,
    /// A finding of it means that something was not graded.
    pub gap: bool,
    /// `CWE-250`, `CIS-Docker-4.1`, `OWASP-Docker-2`, topic words.
    pub tags: &'static [&'static str],
    /// Checks of other tools that it covers, as `tool:id`.
    pub replaces: &'static [&'static str],
    /// The page behind its front matter, Markdown.
    pub page: &'static str,
}

/// A place and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What; empty for a primary label, where the finding's message says it.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad, after the environment was taken into account.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What is wrong, one sentence without its full stop.
    pub message: String,
    /// Where: the first is the line to change, the others are context.
    pub labels: Vec<Label>,
    /// The steps that prove it, in their order, where it takes more than one line.
    pub chain: Few<Label>,
    /// Findings of other rules that this one contains, by rule and primary place; once the checks have run, those that
    /// there were.
    pub contained: Few<(&'static str, Span)>,
    /// The primary place in the text inside the file, where it is one of such a text.
    pub inside: Option<Span>,
    /// What to do, one line.
    pub help: Option<String>,
    /// Name of the container that it is about.
    pub container: Option<String>,
    /// Names of further containers that the same line decides it for, sorted, the first of many.
    pub also: Few<String>,
    /// The stacks that it is seen through, as indices into the project's, the first of many.
    pub stacks: Few<usize>,
    /// Something was not graded because of it.
    pub gap: bool,
    /// Where that container runs.
    pub environment: Environment,
    /// Logical path in the file of the primary label: service, stage, program, server and location.
    pub node: String,
    /// The node that the check graded, which may stand in another file.
    pub about: Option<Scope>,
    /// What was found, normalised: no line numbers, no wording, no secret.
    pub evidence: String,
    /// Identity over time, 32 hexadecimal digits: see [`identify`].
    pub fingerprint: String,
}

impl Finding {
    /// The line to change.
    pub fn primary(&self) -> Span {
        self.labels[0].span
    }
}

/// More places than are listed of what one rule finds in one file.
#[derive(Clone, Debug)]
pub struct Unlisted {
    /// Id of the rule.
    pub rule: &'static str,
    /// How many places are listed.
    pub listed: usize,
    /// The first place that is not.
    pub first: Span,
    /// How many are not.
    pub count: usize,
    /// The worst severity among them.
    pub worst: Severity,
}

/// Gives every finding its fingerprint: rule, path, logical path, evidence and the ordinal among equals, in the order
/// of the findings. Line numbers and wording have no part in it.
pub fn identify<'a>(findings: &mut [Finding], path: impl Fn(Span) -> &'a str + Sync) {
    let hash = |finding: &Finding| {
        let mut hash = Sha256::new();
        for part in [finding.rule.id, path(finding.primary()), &finding.node, &finding.evidence] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut identity = [0; 16];
        identity.copy_from_slice(&hash.finalize()[..16]);
        identity
    };
    let identities: Vec<[u8; 16]> = findings.par_iter().map(hash).collect();
    let mut seen: HashMap<[u8; 16], u32> = HashMap::new();
    for (finding, identity) in findings.iter_mut().zip(identities) {
        let ordinal = seen.entry(identity).or_default();
        // Equals differ by their number, counted in the order of the findings.
        let number = u128::from_be_bytes(identity).wrapping_add(u128::from(*ordinal));
        *ordinal += 1;
        finding.fingerprint = format!("{number:032x}");
    }
}
