//! Turns the pages under `rules/` into the rule table.
//!
//! Only the front matter is split here and pasted as tokens, so that rustc is the schema: a misspelt severity, a
//! missing or an unknown key, or a page without a function does not compile, and a function without a page is dead
//! code, which is denied.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

/// Keys that a page may leave out, with what they then are.
const DEFAULTS: [(&str, &str); 4] =
    [("tier", "Default"), ("development", "Same"), ("gap", "false"), ("replaces", "[]")];

fn main() {
    println!("cargo::rerun-if-changed=rules");
    let mut pages: Vec<_> =
        fs::read_dir("rules").expect("rules/ is there").map(|entry| entry.unwrap().path()).collect();
    pages.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages.sort();
    let mut table = String::from("&[\n");
    for page in &pages {
        let id = page.file_stem().unwrap().to_str().expect("a rule id is ASCII");
        let text = fs::read_to_string(page).unwrap();
        rule(&mut table, id, &text).unwrap_or_else(|problem| panic!("{}: {problem}", page.display()));
    }
    table.push(']');
    let out = env::var_os("OUT_DIR").unwrap();
    fs::write(Path::new(&out).join("rules.rs"), table).unwrap();
}

fn rule(table: &mut String, id: &str, text: &str) -> Result<(), String> {
    let text = text.strip_prefix("---\n").ok_or("no front matter")?;
    let (front, body) = text.split_once("\n---\n").ok_or("the front matter has no end")?;
    let mut keys: Vec<(&str, &str)> = Vec::new();
    for line in front.lines() {
        let (key, value) = line.split_once(':').ok_or_else(|| format!("no colon in {line:?}"))?;
        keys.push((key.trim(), value.trim()));
    }
    for default in DEFAULTS {
        if !keys.iter().any(|(key, _)| *key == default.0) {
            keys.push(default);
        }
    }
    let mut check = None;
    write!(table, "Registered {{ rule: Rule {{ id: {id:?}, page: {:?}", body.trim_start()).unwrap();
    for (key, value) in keys {
        match key {
            "title" => write!(table, ", title: {value:?}"),
            "on" => {
                check = Some(value);
                write!(table, ", on: {value:?}")
            }
            "severity" => write!(table, ", severity: Severity::{value}"),
            "confidence" => write!(table, ", confidence: Confidence::{value}"),
            "tier" => write!(table, ", tier: Tier::{value}"),
            "development" => write!(table, ", development: Development::{value}"),
            "tags" | "replaces" => {
                let inner = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                let inner = inner.ok_or_else(|| format!("{key} is not a list"))?;
                let list: Vec<&str> = inner.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
                write!(table, ", {key}: &{list:?}")
            }
            _ => write!(table, ", {key}: {value}"),
        }
        .unwrap();
    }
    let check = check.ok_or("no key `on`")?;
    writeln!(table, " }}, check: Check::{check}({}) }},", id.replace('-', "_")).unwrap();
    Ok(())
}
