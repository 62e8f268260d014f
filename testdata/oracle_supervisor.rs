//! Supervisor's own reading of small configs against ours. The cases, with what Supervisor makes of them, were
//! written by `testdata/oracle_supervisor.py`.

use std::collections::BTreeMap;

use confscan::source::{FileId, Span, Spanned, Text};
use confscan::syntax::supervisor::{self, Setting, Supervisor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    configs: Vec<Config>,
    environments: Vec<Environment>,
    booleans: Vec<Boolean>,
}

#[derive(Deserialize)]
struct Config {
    text: String,
    /// Nothing where Supervisor refuses the text.
    sections: Option<BTreeMap<String, BTreeMap<String, String>>>,
}

#[derive(Deserialize)]
struct Environment {
    text: String,
    /// Nothing where Supervisor refuses the text.
    variables: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
struct Boolean {
    text: String,
    value: Option<bool>,
}

/// The cases; those of the file that `CONFSCAN_SUPERVISOR_CASES` names, where it is set.
fn cases() -> Cases {
    let text = match std::env::var_os("CONFSCAN_SUPERVISOR_CASES") {
        Some(path) => std::fs::read_to_string(path).expect("the cases"),
        None => include_str!("supervisor/cases.json").to_owned(),
    };
    serde_json::from_str(&text).expect("cases")
}

fn sections(config: &Supervisor) -> BTreeMap<String, BTreeMap<String, String>> {
    let options = |section: &supervisor::Section| {
        section.options.iter().map(|option| (option.name.value.clone(), option.value.value.clone())).collect()
    };
    config.sections.iter().map(|section| (section.name.value.clone(), options(section))).collect()
}

#[test]
fn every_section_and_option_is_what_supervisor_reads() {
    for case in cases().configs {
        let config = supervisor::parse(FileId(0), &case.text);
        match case.sections {
            Some(expected) => {
                assert!(config.errors.is_empty(), "{:?}: {:?}", case.text, config.errors);
                let mut found = sections(&config);
                // Python has the section DEFAULT whether it is written or not.
                found.retain(|name, options| name != "DEFAULT" || !options.is_empty());
                assert_eq!(found, expected, "{:?}", case.text);
            }
            None => assert!(!config.errors.is_empty(), "{:?} is refused", case.text),
        }
    }
}

#[test]
fn environments_are_split_as_supervisor_does() {
    for case in cases().environments {
        let place = |end| Span::new(FileId(0), 0..end);
        let setting = Setting {
            name: Spanned::new("environment".to_owned(), place(0)),
            value: Text::verbatim(&case.text, place(case.text.len())),
        };
        let environment = setting.environment();
        match case.variables {
            Some(expected) => {
                assert_eq!(environment.error, None, "{:?}", case.text);
                let found: BTreeMap<_, _> =
                    environment.variables.into_iter().map(|(name, value)| (name.value, value.value)).collect();
                assert_eq!(found, expected, "{:?}", case.text);
            }
            None => assert!(environment.error.is_some(), "{:?} is refused", case.text),
        }
    }
}

#[test]
fn booleans_are_those_of_supervisor() {
    for case in cases().booleans {
        let config = supervisor::parse(FileId(0), &format!("[a]\nk={}", case.text));
        assert_eq!(config.sections[0].options[0].as_bool(), case.value, "{:?}", case.text);
    }
}
