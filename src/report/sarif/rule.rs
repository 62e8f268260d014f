//! Rules as SARIF describes them.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_sarif::sarif::{MultiformatMessageString, PropertyBag, ReportingConfiguration, ReportingDescriptor};

use crate::finding::{Confidence, Rule, Severity};
use crate::report::words::{clip, page_url};

/// Tags that GitHub takes of one rule.
const TAGS: usize = 20;
/// Characters that GitHub takes of a description.
const DESCRIPTION: usize = 1024;

/// The description of a rule whose worst finding is of `severity`: GitHub takes the severity of an alert from its rule
/// alone, and what a rule weighs here depends on environments and settings.
pub(super) fn descriptor(rule: &Rule, severity: Severity) -> ReportingDescriptor {
    let (summary, page) = (summary(rule), page(rule));
    let level = match rule.severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    };
    let text = |text: &str| MultiformatMessageString::builder().text(text).build();
    let help = format!("{summary}\nconfscan explain {} says more.", rule.id);
    ReportingDescriptor::builder()
        .id(rule.id)
        .short_description(text(&clip(rule.title, DESCRIPTION)))
        .full_description(text(&clip(&summary, DESCRIPTION)))
        .help(MultiformatMessageString::builder().text(help).markdown(page).build())
        .help_uri(page_url(rule.id))
        .default_configuration(ReportingConfiguration::builder().level(level).build())
        .properties(properties(rule, severity))
        .build()
}

fn properties(rule: &Rule, severity: Severity) -> PropertyBag {
    let precision = match rule.confidence {
        Confidence::Certain => "very-high",
        Confidence::Likely => "high",
        Confidence::Guess => "medium",
    };
    let mut properties = BTreeMap::from([("precision".to_owned(), Value::from(precision))]);
    let mut tags = Vec::new();
    match security_severity(rule, severity) {
        // Its presence makes an alert a security alert, which "security" among the tags says again.
        Some(severity) => {
            properties.insert("security-severity".to_owned(), Value::from(severity));
            tags.push("security".to_owned());
        }
        None => {
            let severity = if rule.gap { "error" } else { "recommendation" };
            properties.insert("problem.severity".to_owned(), Value::from(severity));
        }
    }
    tags.extend(rule.tags.iter().map(|tag| tag_name(tag)).filter(|tag| tag != "security"));
    tags.truncate(TAGS);
    let mut bag = PropertyBag::builder().additional_properties(properties).build();
    bag.tags = (!tags.is_empty()).then_some(tags);
    bag
}

/// A number inside GitHub's band for the severity (critical over 9.0, high from 7.0, medium from 4.0, low over 0.0).
/// Advice and gaps have none: they are no security alerts.
fn security_severity(rule: &Rule, severity: Severity) -> Option<&'static str> {
    match severity {
        _ if rule.gap => None,
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.5"),
        Severity::Info => None,
    }
}

/// A tag as GitHub knows it: `CWE-250` is `external/cwe/cwe-250`.
fn tag_name(tag: &str) -> String {
    match tag.strip_prefix("CWE-") {
        // GitHub writes the number with three digits at least.
        Some(number) => format!("external/cwe/cwe-{number:0>3}"),
        None => tag.to_owned(),
    }
}

/// The page up to its examples: those are tests as much as they are documentation.
fn page(rule: &Rule) -> &str {
    let examples = ["\n## Bad", "\n## Good", "\n## Fixed"];
    let end = examples.iter().filter_map(|heading| rule.page.find(heading)).min().unwrap_or(rule.page.len());
    let page = rule.page[..end].trim();
    if page.is_empty() { rule.title } else { page }
}

/// The first paragraph of the page.
fn summary(rule: &Rule) -> String {
    let mut paragraphs = page(rule).split("\n\n").map(str::trim);
    let first = paragraphs.find(|text| !text.is_empty() && !text.starts_with(['#', '`']));
    first.unwrap_or(rule.title).lines().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::{Development, Tier};

    const RULE: Rule = Rule {
        id: "explicit-root-user",
        title: "The container starts as root",
        on: "Container",
        severity: Severity::High,
        confidence: Confidence::Likely,
        tier: Tier::Default,
        development: Development::Same,
        gap: false,
        tags: &["CWE-250", "CWE-79", "security", "CIS-Docker-4.1"],
        replaces: &[],
        page: "## Why\n\nRoot in the container\nis root.\n\n## Fix\n\nAdd USER.\n\n## Bad\n\n```\nFROM x\n```\n",
    };

    fn properties_of(rule: &Rule) -> Value {
        serde_json::to_value(descriptor(rule, rule.severity)).expect("it serialises")["properties"].take()
    }

    #[test]
    fn a_rule_is_described_by_its_page_without_the_examples() {
        let descriptor = descriptor(&RULE, RULE.severity);
        let help = descriptor.help.expect("there is help");
        assert_eq!(help.markdown.as_deref(), Some("## Why\n\nRoot in the container\nis root.\n\n## Fix\n\nAdd USER."));
        assert_eq!(descriptor.full_description.expect("described").text, "Root in the container is root.");
        let bare = super::descriptor(&Rule { page: "", ..RULE }, RULE.severity);
        assert_eq!(bare.full_description.expect("described").text, RULE.title);
    }

    #[test]
    fn severity_and_confidence_become_githubs_properties() {
        for (severity, gap, expected) in [
            (Severity::Critical, false, json!("9.5")),
            (Severity::High, false, json!("8.0")),
            (Severity::Medium, false, json!("5.5")),
            (Severity::Low, false, json!("2.5")),
            (Severity::Info, false, Value::Null),
            (Severity::High, true, Value::Null),
        ] {
            let properties = properties_of(&Rule { severity, gap, ..RULE });
            assert_eq!(properties["security-severity"], expected, "{severity:?}");
            assert_eq!(properties["precision"], "high");
            assert_eq!(properties["problem.severity"].is_null(), !expected.is_null());
        }
    }

    #[test]
    fn tags_are_githubs_and_no_more_than_it_takes() {
        let tags = &properties_of(&RULE)["tags"];
        assert_eq!(*tags, json!(["security", "external/cwe/cwe-250", "external/cwe/cwe-079", "CIS-Docker-4.1"]));
        let many = properties_of(&Rule { tags: &["x"; 40], ..RULE });
        assert_eq!(many["tags"].as_array().map(Vec::len), Some(TAGS));
    }

    #[test]
    fn a_description_is_cut_to_what_github_takes() {
        let page = String::leak("é".repeat(2000));
        let description = descriptor(&Rule { page, ..RULE }, RULE.severity).full_description.expect("described");
        assert_eq!(description.text.chars().count(), DESCRIPTION);
    }
}
