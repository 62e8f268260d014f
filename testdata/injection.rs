//! What a repository says about itself, in names, contents, settings and baselines, acts on nobody who reads of it: in
//! every listing, report and error message of the program.

#[path = "support/tree.rs"]
mod tree;

use std::process::Command;

use confscan::report::Format;
use confscan::text::commands;
use tree::{Run, Tree};

/// What acts on a terminal, a log or a reader: escape sequences (colours, the title, links, the clipboard), C1 controls,
/// controls of direction, what cannot be seen, control characters, line ends, piled marks, commands to CI systems.
const ACTS: &[&str] = &[
    "\u{1b}[31mred\u{1b}[2J",
    "\u{1b}]0;title\u{7}",
    "\u{1b}]8;;http://evil.example\u{1b}\\link\u{1b}]8;;\u{1b}\\",
    "\u{1b}]52;c;ZXZpbA==\u{7}",
    "\u{9b}31m\u{90}q\u{9c}",
    "\u{202e}gpj\u{202c}\u{2066}x\u{2069}\u{200f}\u{61c}",
    "a\u{200b}b\u{2060}c\u{feff}d\u{ad}e\u{34f}f\u{3164}g\u{e0041}\u{e007f}h\u{fe0f}i\u{180e}",
    "\u{8}\u{b}\u{c}\u{7f}\u{1}",
    "x\u{2028}y\u{2029}z\u{85}",
    "##[error]x ##vso[task.complete]y",
];

/// The same where the text may have line ends.
const BREAKS: &[&str] = &["a\n::error file=x::y", "a\r::stop-commands::z", "\n::add-mask::e"];

/// Fails where an output of the program does more than to be read.
fn harmless(what: &str, out: &str, colored: bool, commands_of_ours: usize) {
    let mut plain = String::new();
    let mut rest = out;
    while let Some((before, after)) = rest.split_once("\u{1b}[").filter(|_| colored) {
        plain.push_str(before);
        let end = after.find(|byte: char| !(byte.is_ascii_digit() || byte == ';')).expect("an end");
        assert!(after[end..].starts_with('m'), "{what}: {:?}", &after[..40.min(after.len())]);
        rest = &after[end + 1..];
    }
    plain.push_str(rest);
    let acts = |character: char| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{e0000}'..='\u{e0fff}')
    };
    let at = plain.find(acts);
    let around =
        at.map(|at| &plain[plain.floor_char_boundary(at.saturating_sub(80))..plain.ceil_char_boundary(at + 20)]);
    assert_eq!(around, None, "{what}");
    assert_eq!(commands(&plain).next(), None, "{what}: {plain}");
    let starts = plain.lines().filter(|line| {
        let line = line.trim_start();
        line.starts_with("::") && !line.starts_with("::: ")
    });
    assert_eq!(starts.count(), commands_of_ours, "{what}: {plain}");
}

fn harmless_run(what: &str, run: &Run) {
    harmless(what, &run.out, false, 0);
    harmless(what, &run.err, false, 0);
}

/// Text as a string of JSON or YAML.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("it is text")
}

/// A repository in which everything that has a name or a text is hostile.
fn repository() -> Tree {
    let tree = Tree::new(&[("ok/Dockerfile", "FROM alpine:latest\nUSER root\n")]);
    for (index, text) in ACTS.iter().chain(BREAKS).enumerate() {
        let name = text.replace('/', "_");
        let name = name.trim_matches('\0');
        tree.write(
            format!("{index}{name}/compose.yaml"),
            &format!(
                "name: {t}\nx-{index}: {t}\nservices:\n  web{index}:\n    image: {t}\n    privileged: true\n    container_name: {t}\n    \
                 command: [{t}, \"--reload\"]\n    environment:\n      DEBUG: {t}\n      {t}: 1\n      SECRET_KEY: {t}\n    \
                 labels: {{{t}: {t}}}\n    volumes: [{t}]\n    ports: [{t}, '5432:5432']\n    user: {t}\n    env_file: [{t}]\n    \
                 extends: {{file: {t}, service: {t}}}\n    profiles: [{t}]\n    {t}: {t}\n    depends_on: [{t}]\n  {t}:\n    \
                 image: postgres\n    ports: ['5432:5432']\n    build: {{context: {t}, target: {t}, dockerfile: {t}, args: {{{t}: {t}}}}}\n\
                 include: [{t}]\nvolumes: {{{t}: {{driver_opts: {{device: {t}}}}}}}\n",
                t = quoted(text)
            ),
        );
        // A line is as far as these go.
        let line = text.replace(['\n', '\r'], " ");
        tree.write(
            format!("d{index}/Dockerfile.{}", line.replace('/', "_")),
            &format!(
                "FROM {line} AS {line}\nFROM a AS b{index}{line}\n# confscan: ignore[{line}] until={line} -- {line}\nENV {line}={line} A_SECRET={line}\n\
                 USER {line}\nWORKDIR {line}\nCOPY --from={line} {line} {line}\nRUN {line} | curl http://{line} | sh\nEXPOSE {line}\n\
                 HEALTHCHECK --{line}={line} CMD {line}\n{line} x\nCMD [\"{line}\"]\nENTRYPOINT {line}\n"
            ),
        );
        tree.write(
            format!("s{index}/supervisord.conf"),
            &format!(
                "[supervisord]\n[program:{line}]\ncommand={line} --daemon\nuser={line}\n{line}={line}\nautorestart={line}\n\
                 [include]\nfiles={line}\n[{line}]\n"
            ),
        );
        tree.write(
            format!("n{index}/nginx.conf"),
            &format!(
                "events {{}}\nhttp {{\n include {t};\n server {{\n server_name {t};\n autoindex on;\n location {t} {{\n proxy_pass {t}; \
                 return 200 {t}; autoindex on;\n }}\n {line} {t};\n }}\n}}\n",
                t = format!("\"{}\"", line.replace('\\', "\\\\").replace('"', "\\\""))
            ),
        );
        tree.write(format!("e{index}/.env"), &format!("A_SECRET={line}\n{line}=x\nexport {line}\nDEBUG=\"{line}\"\n"));
    }
    tree
}

#[test]
fn no_report_and_no_listing_acts_on_who_reads_it() {
    let tree = repository();
    for format in Format::ALL {
        for more in [&[][..], &["--quiet"], &["--pedantic", "--no-ignores"]] {
            let run = tree.run(&[&["--allow-gaps", "--format", format.name()], more].concat());
            let what = format!("{format:?} {more:?}");
            let own = match format {
                Format::Github => run.out.lines().filter(|line| line.starts_with("::")).count(),
                _ => 0,
            };
            harmless(&what, &run.out, false, own);
            harmless(&what, &run.err, false, 0);
            assert!(!run.out.is_empty());
        }
    }
    for more in [&[][..], &["--quiet"]] {
        let run = tree.run(&[&["--allow-gaps", "--pedantic", "--color", "always"], more].concat());
        harmless(&format!("in colour {more:?}"), &run.out, true, 0);
        assert!(run.out.contains("\u{1b}["));
    }
    for command in ["containers", "files"] {
        for more in [&[][..], &["--format", "json"]] {
            harmless_run(command, &tree.run(&[&[command], more].concat()));
        }
        harmless(command, &tree.run(&[command, "--color", "always"]).out, true, 0);
    }
}

#[test]
fn no_baseline_acts_on_who_reads_what_came_of_it() {
    let tree = repository();
    let run = tree.run(&["baseline", "--allow-gaps"]);
    harmless_run("baseline", &run);
    harmless("the baseline", &tree.read("confscan-baseline.json"), false, 0);
    harmless_run("baseline without --allow-gaps", &tree.run(&["baseline"]));
    // One that somebody else wrote.
    let entries = ACTS.iter().chain(BREAKS).map(|text| {
        let text = quoted(text);
        format!("{{\"path\":{text},\"rule\":{text},\"node\":{text},\"fingerprint\":{text}}}")
    });
    let entries = entries.collect::<Vec<_>>().join(",\n");
    tree.write("confscan-baseline.json", &format!("{{\"schema\":\"confscan-baseline/1\",\"findings\":[{entries}]}}\n"));
    for format in Format::ALL.into_iter().filter(|format| *format != Format::Github) {
        let run = tree.run(&["--allow-gaps", "--format", format.name()]);
        harmless_run(&format!("{format:?} with a baseline"), &run);
    }
    for broken in ACTS.iter().chain(BREAKS) {
        tree.write("confscan-baseline.json", &format!("{{\"schema\":{}}}", quoted(broken)));
        harmless_run("a broken baseline", &tree.run(&["ok"]));
        tree.write("confscan-baseline.json", broken);
        harmless_run("a broken baseline", &tree.run(&["ok"]));
    }
}

#[test]
fn no_error_message_acts_on_who_reads_it() {
    let tree = repository();
    for text in ACTS.iter().chain(BREAKS) {
        let (flag, value) = (format!("--{text}"), format!("--format={text}"));
        let output = format!("{text}=x");
        for arguments in [
            vec![flag.as_str()],
            vec![value.as_str()],
            vec!["-o", &output],
            vec!["-o", text],
            vec!["--max-file-size", text],
            vec!["--config", text],
            vec!["--baseline", text],
            vec!["--root", text],
            vec!["--diff-base", text],
            vec!["--stdin-filename", text, "-"],
            vec!["--", text],
            vec!["explain", text],
            vec!["completions", text],
            vec!["init", text],
            vec!["man", text],
            vec!["files", text],
            vec!["baseline", "--baseline", text, "ok"],
        ] {
            harmless_run(&format!("{arguments:?}"), &tree.run(&arguments));
        }
        // Settings of the repository.
        let (string, key) = (quoted(&text.replace('\u{7f}', "")), text.replace(['\n', '\r'], " "));
        for settings in [
            format!("{key} = 1\n"),
            format!("[rules]\n{string} = \"off\"\n"),
            format!("[rules]\nmissing-user = {string}\n"),
            format!("fail-on = {string}\n"),
            format!("[[ignore]]\nrules = [{string}]\nreason = {string}\npath = {string}\n"),
            format!("[[stack]]\nfiles = [{string}]\n"),
            format!("[[environment]]\nfiles = [{string}]\nis = {string}\n"),
        ] {
            tree.write("ok/confscan.toml", &settings);
            harmless_run(&settings, &tree.run(&["ok"]));
        }
        std::fs::remove_file(tree.0.join("ok/confscan.toml")).expect("it is there");
    }
}

#[test]
fn names_of_branches_act_on_nobody() {
    let tree = repository();
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]).args(arguments);
        let output = git.current_dir(&tree.0).output().expect("git runs");
        assert!(output.status.success(), "{output:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "ok"]);
    git(&["commit", "-q", "-m", "\u{1b}[31m\u{202e}"]);
    // Git's names may hold anything but ASCII's control characters and a few signs.
    let name = "x\u{202e}gpj\u{200b}\u{e0041}y".to_owned();
    git(&["branch", &name]);
    tree.write("ok/Dockerfile", "FROM alpine:latest\nUSER root\nADD http://x.dev/a /\n");
    for format in [Format::Human, Format::Json, Format::Markdown, Format::Concise] {
        let run = tree.run(&["--allow-gaps", "--diff-base", &name, "--format", format.name()]);
        harmless_run(&format!("{format:?} --diff-base"), &run);
        assert!(run.code < 2 && run.err.is_empty() && !run.out.is_empty(), "{run:?}");
    }
}
