//! The documents agree with the program.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use confscan::finding::{Severity, Tier};
use confscan::rules::RULES;

const START: &str = "<!-- rules: written by `UPDATE=1 cargo test --test docs` -->\n";
const END: &str = "<!-- end of rules -->\n";

#[test]
fn the_readme_lists_every_rule() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let start = text.find(START).expect("the marker before the rules") + START.len();
    let end = text.find(END).expect("the marker behind the rules");
    let table = table();
    if text[start..end] != table && env::var_os("UPDATE").is_some() {
        fs::write(&file, format!("{}{table}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert!(text[start..end] == table, "README.md lists other rules: UPDATE=1 rewrites the table");
}

fn table() -> String {
    let mut table = String::from("| rule | severity | what it finds |\n|---|---|---|\n");
    for severity in Severity::ALL {
        for registered in RULES.iter().filter(|registered| registered.rule.severity == severity) {
            let rule = &registered.rule;
            let tier = if rule.tier == Tier::Pedantic { " (pedantic)" } else { "" };
            writeln!(table, "| [`{0}`](rules/{0}.md) | {1}{tier} | {2} |", rule.id, severity.name(), rule.title)
                .unwrap();
        }
    }
    table
}

#[test]
fn titles_fit_a_line_and_tools_are_named_with_their_ids() {
    for registered in RULES {
        let rule = &registered.rule;
        assert!(rule.title.len() <= 90 && !rule.title.ends_with('.'), "{}: title {:?}", rule.id, rule.title);
        for replaced in rule.replaces {
            let (tool, id) =
                replaced.split_once(':').unwrap_or_else(|| panic!("{}: {replaced} is no tool:id", rule.id));
            let lower =
                tool.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
            assert!(lower && !id.is_empty(), "{}: {replaced} is no tool:id", rule.id);
        }
        assert!(rule.tags.len() <= 10, "{}: GitHub shows ten tags", rule.id);
    }
}

#[test]
fn every_rule_says_why_and_what_to_do() {
    for registered in RULES {
        let rule = &registered.rule;
        assert!(rule.page.contains("\n## How to fix\n"), "{}: no `## How to fix`", rule.id);
    }
}
