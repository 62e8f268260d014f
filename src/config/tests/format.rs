//! The format as a JSON Schema, as documentation and as a template: all of them agree with the types.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::*;

const SCHEMA: &str = "docs/confscan.schema.json";
const GUIDE: &str = "docs/configuration.md";
const START: &str = "<!-- settings: written by `UPDATE=1 cargo test --lib config` -->\n";
const END: &str = "<!-- end of settings -->\n";

/// The JSON Schema of a `confscan.toml`.
fn schema() -> Value {
    let mut schema = schemars::schema_for!(Settings).to_value();
    without_null(&mut schema);
    schema["title"] = json!("confscan.toml");
    schema["$id"] = json!("https://raw.githubusercontent.com/confscan/confscan/main/docs/confscan.schema.json");
    schema
}

/// TOML has no null: what is not given is not there.
fn without_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [one] = &types[..] {
                    object["type"] = one.clone();
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
                choices.retain(|choice| choice["type"] != "null");
                if let [one] = &choices[..] {
                    let one = one.as_object().cloned().unwrap_or_default();
                    object.remove("anyOf");
                    for (key, value) in one {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            object.retain(|key, value| key != "default" || !value.is_null());
            object.values_mut().for_each(without_null);
        }
        Value::Array(list) => list.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// The settings of a table, each with its path and its schema.
fn settings(schema: &Value, table: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    for (key, setting) in table["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        found.push((path.clone(), setting.clone()));
        let reference = setting["$ref"].as_str().or(setting["items"]["$ref"].as_str());
        // The names of the rules are not settings.
        let reference = reference.filter(|name| !name.ends_with("/Rules"));
        if let Some(inner) = reference.and_then(|name| schema.pointer(name.trim_start_matches('#'))) {
            settings(schema, inner, &path, found);
        }
    }
}

fn all_settings() -> Vec<(String, Value)> {
    let (schema, mut found) = (schema(), Vec::new());
    settings(&schema, &schema, "", &mut found);
    found
}

/// Compares with the file of the repository, or writes it.
fn agrees(path: &str, expected: &str) {
    if repository_file(path) == expected {
        return;
    }
    assert!(std::env::var_os("UPDATE").is_some(), "{path} is not what the types say: UPDATE=1 rewrites it");
    // Other tests read it meanwhile.
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let beside = path.with_extension("new");
    std::fs::write(&beside, expected).and_then(|()| std::fs::rename(&beside, &path)).unwrap();
}

#[test]
fn the_schema_is_that_of_the_types() {
    agrees(SCHEMA, &format!("{:#}\n", schema()));
}

#[test]
fn the_guide_lists_every_setting() {
    let text = repository_file(GUIDE);
    let start = text.find(START).expect("the marker before the settings") + START.len();
    let end = text.find(END).expect("the marker behind the settings");
    let mut table = String::from("| setting | meaning |\n|---|---|\n");
    for (path, setting) in all_settings() {
        let description = setting["description"].as_str().unwrap_or_else(|| panic!("{path} has no description"));
        writeln!(table, "| `{path}` | {} |", description.replace('\n', " ").replace('|', "\\|")).unwrap();
    }
    agrees(GUIDE, &format!("{}{table}{}", &text[..start], &text[end..]));
}

/// TOML as JSON, dates as strings.
fn as_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => truth.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(list) => list.into_iter().map(as_json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, as_json(value))).collect(),
    }
}

/// Whether the schema takes a `confscan.toml`.
fn fits(validator: &jsonschema::Validator, text: &str) -> bool {
    let table: toml::Table = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    validator.is_valid(&as_json(toml::Value::Table(table)))
}

/// The template with everything switched on.
fn switched_on() -> String {
    let on = |line: &str| match line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', ':'])) {
        Some(setting) => setting.to_owned(),
        None => line.to_owned(),
    };
    TEMPLATE.lines().map(|line| on(line) + "\n").collect()
}

#[test]
fn what_init_writes_is_valid_and_shows_every_setting() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let on = switched_on();
    for text in [TEMPLATE, &on] {
        file("", text);
        assert!(fits(&validator, text), "{text}");
    }
    let bare = file("", TEMPLATE);
    assert!(bare.settings.rules.0.is_empty() && bare.settings.ignores.is_empty(), "nothing is switched on by itself");
    let mut shown = BTreeSet::new();
    let table: toml::Table = toml::from_str(&on).unwrap();
    paths(&as_json(toml::Value::Table(table)), "", &mut shown);
    for (path, _) in all_settings() {
        assert!(shown.contains(&path), "the template lacks {path}");
    }
}

/// The paths of the keys in `value`, lists left out.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    let empty = Map::new();
    for (key, inner) in value.as_object().unwrap_or(&empty) {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        paths(inner, &path, found);
        found.insert(path);
    }
    value.as_array().into_iter().flatten().for_each(|inner| paths(inner, path, found));
}

#[test]
fn the_examples_of_the_guide_are_valid() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let text = repository_file(GUIDE);
    let examples: Vec<&str> =
        text.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect();
    assert!(!examples.is_empty());
    for example in examples {
        file("sub", example);
        assert!(fits(&validator, example), "{example}");
    }
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for text in [
        "ruels = {}",
        "pedantic = 1",
        "fail-on = 'hgih'",
        "rules.missing-usr = 'off'",
        "rules.missing-user = 'of'",
        "[[override]]\npaths = ['x']",
        "[[stack]]\nname = 'x'",
        "[[stack]]\nfiles = []",
        "[stack]\nfiles = ['x']",
        "[[ignore]]\nreason = 'x'",
        "[[ignore]]\nrule = 'missing-usr'",
        "environments.live = []",
        "images.trusted = 'x'",
        "limits.max-file-size = '1G'",
        "limits.max-file-size = -1",
    ] {
        assert!(!fits(&validator, text), "{text}");
        refusal(text);
    }
    for text in [
        "rules.missing-user = 'off'",
        "environments.test = 'x'",
        "environments.test = ['x', 'y']",
        "[[ignore]]\nrule = ['missing-user', 'host-network']",
        "limits.max-file-size = 1024",
        "limits.max-file-size = '512 KiB'",
    ] {
        assert!(fits(&validator, text), "{text}");
        file("", text);
    }
}
