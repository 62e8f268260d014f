//! Real secrets in files that are there to be copied and filled in.

use super::Cx;
use super::text::{named_by, place_of};
use crate::finding::{Confidence, Finding};
use crate::secret::{Formats, Verdict, files, name, value};
use crate::source::{Kind, Span, Text};
use crate::syntax::Document;
use crate::syntax::compose::template::Template;

const OWN: &str =
    "leave the value empty, or write what is to be put in (`<your token>`); replace it where it is in use";

pub(in crate::rules) fn example_file_holds_real_secret(document: &Document, cx: &mut Cx) {
    let file = document.file();
    let source = cx.sources.get(file);
    if !files::is_to_fill_in(&source.path, source.kind == Kind::Dotenv) {
        return;
    }
    for token in cx.project.formats(file).tokens.iter().filter(|token| !token.sample) {
        let named = named_by(&source.text, token.range.start).map(|name| format!("`{name}` of "));
        let message = format!("{}the example is {}", named.unwrap_or_default(), token.kind);
        let span = place_of(token, file, &source.text);
        let finding = cx.report(span, message);
        finding.help(OWN).confidence(Confidence::Certain).evidence(token.kind).contains("hardcoded-secret-value", span);
    }
    match document {
        Document::Dotenv(dotenv) => {
            for entry in &dotenv.entries {
                if let Some(template) = &entry.value {
                    variable(entry.name.as_str(), template, cx);
                }
            }
        }
        Document::Compose(compose) => {
            for pair in compose.services.iter().flat_map(|service| &service.environment) {
                if let Some(value) = &pair.value {
                    variable(&pair.key.value, &value.template, cx);
                }
            }
        }
        _ => {}
    }
}

/// Judges the value of a variable: only one that no person made up can be anything but an example.
fn variable(name: &str, template: &Template, cx: &mut Cx) {
    let Some(shape) = name::shape(name) else { return };
    // What a password is checked with is no password.
    if name.split('_').any(|word| ["HASH", "SHA", "SHA1", "SHA256", "SHA512", "MD5", "BCRYPT"].contains(&word)) {
        return;
    }
    let literal = |text: &Text| {
        let known = Formats::are_in(text.as_str());
        // Vendors mark the samples in their documentation so.
        let sample = text.as_str().to_ascii_lowercase().contains("example");
        !known && !sample && value::judge(shape, text.as_str()) == Verdict::Secret { random: true }
    };
    let found = match template.literal() {
        Some(_) => literal(&template.raw).then_some(template.raw.span),
        None => template.literal_defaults().find(|text| literal(text)).map(|text| text.span),
    };
    let Some(span) = found.filter(|span| !span.is_empty()) else { return };
    let project = cx.project;
    let place = if cx.text(template.raw.span).contains('\n') { span } else { template.raw.span };
    let finding = cx.report(place, format!("`{name}` of the example has a value that looks real"));
    finding.help(OWN).evidence(name).contains("secret-in-environment", place);
    used(finding, place, project);
}

/// Shows where else the value is.
fn used(finding: &mut Finding, place: Span, project: &crate::project::Project) {
    let Some(repeated) = project.repeated.get(&place) else { return };
    for other in repeated.used().filter(|other| other.span != place).take(4) {
        finding.confidence(Confidence::Certain).related(other.span, "it is in use here");
    }
}
