//! Secrets that are written in several places.

use super::{Cx, owner};
use crate::container::{Env, Environment};
use crate::finding::{Confidence, Finding, Severity};
use crate::project::repeated::{Place, Repeated, shown};

/// Places that a finding names.
const NAMED: usize = 8;

pub(in crate::rules) fn secret_duplicated(env: &Env, cx: &mut Cx) {
    let project = cx.project;
    let span = shown(env, cx.sources);
    let Some(repeated) = project.repeated.get(&span) else { return };
    let Some(first) = repeated.first().filter(|first| first.span == span && repeated.from_development().is_none())
    else {
        return;
    };
    let count = repeated.used().count();
    let message = format!("the secret in `{}`{} is written in {count} places", first.name, of(env));
    let finding = cx.report(span, message);
    finding
        .help("write it once, outside of the repository, and refer to it: `${NAME:?}`, or one secret that is mounted");
    others(finding, repeated, first);
    if first.random {
        finding.confidence(Confidence::Certain);
    }
}

pub(in crate::rules) fn test_credentials_in_production(env: &Env, cx: &mut Cx) {
    let project = cx.project;
    let span = shown(env, cx.sources);
    let Some(repeated) = project.repeated.get(&span) else { return };
    let Some(live) = repeated.from_development().filter(|live| live.span == span) else { return };
    let other = repeated.used().find(|place| !place.environment.is_live() && place.span.file != span.file);
    let Some(other) = other else { return };
    let kind = if other.environment == Environment::Test { "tests use" } else { "development uses" };
    let message = format!("`{}`{} has the value that {kind}", live.name, of(env));
    let finding = cx.report(span, message);
    finding.help("give production a value of its own, from outside of the repository");
    // Where nothing says that it is production, it may be the base of both.
    if live.environment != Environment::Production && !live.random {
        finding.severity(Severity::Medium);
    }
    others(finding, repeated, live);
}

/// What a value belongs to, as a part of a sentence.
fn of(env: &Env) -> String {
    if env.scope.path.is_empty() { String::new() } else { format!(" of {}", owner(env)) }
}

/// Names the other places, and takes in what is said of each.
fn others(finding: &mut Finding, repeated: &Repeated, first: &Place) {
    finding.evidence(&first.name).contains("secret-in-environment", first.span);
    for place in repeated.used().filter(|place| place.span != first.span) {
        finding.contains("secret-in-environment", place.span);
    }
    for place in repeated.used().filter(|place| place.span != first.span).take(NAMED) {
        let environment = match place.environment {
            Environment::Unmarked => String::new(),
            other => format!(", for {}", other.name()),
        };
        finding.related(place.span, format!("`{}` has the same value{environment}", place.name));
    }
}
