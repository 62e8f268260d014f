//! nginx's own tokenizer against ours, directive by directive, over configs of public projects; and which files of
//! those projects are recognised as nginx configs.
//!
//! The files and what nginx makes of them are in the folder that the environment variable `CONFSCAN_SHARED` names:
//! `corpus/` and `oracle/nginx.jsonl`.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use confscan::source::{FileId, Source};
use confscan::syntax::nginx::{self, Directive};
use confscan::syntax::supervisor;

/// The folder of the corpus and of the real programs' readings; `None`, said aloud, where it is not named.
fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CONFSCAN_SHARED").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: CONFSCAN_SHARED is not set");
    }
    folder
}

/// What nginx's tokenizer says of one file.
#[derive(serde::Deserialize)]
struct Reading {
    #[serde(rename = "f")]
    path: String,
    ok: bool,
    /// A line for each directive: `S` or `B` and its words in hexadecimal (`-` for an empty one), `E` where a block
    /// ends.
    #[serde(default, rename = "t")]
    directives: String,
}

fn readings(folder: &Path) -> Vec<Reading> {
    let list = std::fs::read_to_string(folder.join("oracle/nginx.jsonl")).expect("the list of readings");
    list.lines().map(|line| serde_json::from_str(line).expect("a reading")).collect()
}

fn source(folder: &Path, path: &str) -> Source {
    let bytes = std::fs::read(folder.join("corpus").join(path)).expect(path);
    Source::from_bytes(path, bytes)
}

/// Our directives in the notation of the readings.
fn dump(directives: &[Directive], recoded: bool, out: &mut String) {
    for directive in directives {
        out.push(if directive.block.is_some() { 'B' } else { 'S' });
        let arguments = directive.arguments.iter().map(|argument| argument.text.as_str());
        for word in std::iter::once(directive.name.as_str()).chain(arguments) {
            out.push(' ');
            if word.is_empty() {
                out.push('-');
            }
            let bytes: Vec<u8> = if recoded { word.chars().map(|c| c as u8).collect() } else { word.into() };
            for byte in bytes {
                write!(out, "{byte:02x}").expect("writing to a string");
            }
        }
        out.push('\n');
        if let Some(block) = &directive.block {
            dump(&block.directives, recoded, out);
            out.push_str("E\n");
        }
    }
}

#[test]
fn every_directive_is_what_nginx_reads() {
    let Some(folder) = shared() else { return };
    let mut same = 0;
    let mut directives = 0;
    let mut differences = Vec::new();
    for reading in readings(&folder) {
        let source = source(&folder, &reading.path);
        let config = nginx::parse_source(FileId(0), &source);
        if !reading.ok {
            if config.errors.is_empty() {
                differences.push(format!("{}: nginx refuses it, we do not", reading.path));
            }
            continue;
        }
        let mut ours = String::new();
        dump(&config.directives, source.recoded, &mut ours);
        let (ours, theirs) = (ours.trim_end(), reading.directives.trim_end());
        if ours == theirs && config.errors.is_empty() {
            same += 1;
            directives += config.walk().count();
        } else {
            let line = ours.lines().zip(theirs.lines()).position(|(a, b)| a != b);
            differences.push(format!("{}: line {line:?}, errors {:?}", reading.path, config.errors));
        }
    }
    eprintln!("{same} files with {directives} directives are the same");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(same >= 488, "only {same} files were compared");
}

/// Files of the corpus that are not nginx configs although nginx's tokenizer takes them: they hold comments only.
fn says_nothing(source: &Source) -> bool {
    nginx::parse(FileId(0), &source.text).directives.is_empty()
}

#[test]
fn nginx_configs_are_recognised_by_their_content_and_nothing_else_is() {
    let Some(folder) = shared() else { return };
    let corpus = folder.join("corpus");
    let configs: HashSet<String> = readings(&folder).into_iter().map(|reading| reading.path).collect();
    let mut wrong = Vec::new();
    let (mut nginx_files, mut supervisor_files, mut others) = (0, 0, 0);
    for entry in ignore::WalkBuilder::new(&corpus).standard_filters(false).build().flatten() {
        let path = entry.path();
        let Some(relative) = path.strip_prefix(&corpus).ok().and_then(Path::to_str) else { continue };
        let Ok(bytes) = std::fs::read(path) else { continue };
        let source = Source::from_bytes(relative, bytes);
        let is_nginx = configs.contains(relative) && !says_nothing(&source);
        if nginx::looks_like(&source.text) != is_nginx {
            wrong.push(format!("{relative}: an nginx config: {is_nginx}"));
        }
        // A Dockerfile may hold a supervisord config in a heredoc; it is told by its name.
        let is_supervisor = relative.contains("supervisor");
        let looks_so = supervisor::looks_like(&source.text);
        if looks_so && is_nginx {
            wrong.push(format!("{relative}: an nginx config, and taken for one of supervisord"));
        }
        if !looks_so && is_supervisor && relative.ends_with(".conf") {
            wrong.push(format!("{relative}: not taken for a supervisord config"));
        }
        nginx_files += usize::from(is_nginx);
        supervisor_files += usize::from(looks_so);
        others += usize::from(!is_nginx && !looks_so);
    }
    eprintln!("{nginx_files} nginx configs, {supervisor_files} supervisord configs, {others} other files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
