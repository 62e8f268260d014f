//! The gate over the life of a repository: what is known stays green, what is new is red, what is fixed goes.

#[path = "gate/commits.rs"]
mod commits;
#[path = "gate/extent.rs"]
mod extent;
#[path = "support/pages.rs"]
mod pages;
#[path = "support/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;
use tree::{Run, Tree};

const BASELINE: &str = "confscan-baseline.json";

/// A repository with forty findings, in every format.
fn sample() -> Tree {
    let services: String = (1..=5)
        .map(|number| {
            format!(
                "  app{number}:\n    image: acme/app{number}:latest\n    ports:\n    - \"800{number}:80\"\n    privileged: true\n"
            )
        })
        .collect();
    let servers: String = (1..=2)
        .map(|number| {
            format!(
                "  server {{\n    listen 80;\n    server_name s{number}.example;\n    location /files {{\n      autoindex on;\n      \
                 alias /srv/files/;\n    }}\n  }}\n"
            )
        })
        .collect();
    Tree::new(&[
        ("compose.yaml", &format!("services:\n{services}")),
        (
            "api/Dockerfile",
            "FROM python:3.13-slim\nRUN curl http://example.org/a.sh | sh\nUSER root\nCMD python app.py\n",
        ),
        ("edge/nginx.conf", &format!("events {{}}\nhttp {{\n{servers}}}\n")),
        ("edge/.env", "GRAFANA_PASSWORD=123456\n"),
        (
            "jobs/supervisord.conf",
            "[supervisord]\nnodaemon=true\n\n[program:a]\ncommand=/bin/a\nuser=root\nx=y\ny=z\nz=x\n",
        ),
    ])
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

fn report(tree: &Tree, args: &[&str]) -> Value {
    json(&tree.run(&[&["--format", "json"], args].concat()))
}

/// Rule and path of every finding.
fn found(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["rule"]), text(&finding["location"]["path"]))).collect()
}

fn pair(rule: &str, path: &str) -> (String, String) {
    (rule.to_owned(), path.to_owned())
}

#[test]
fn with_a_baseline_only_what_is_new_is_red_and_what_is_fixed_is_pruned() {
    let tree = sample();
    assert_eq!(found(&report(&tree, &[])).len(), 40);
    assert_eq!(tree.run(&[]).code, 1);
    // What is written is sorted, one finding on a line, and says nothing of lines or values.
    let run = tree.run(&["baseline"]);
    assert_eq!((run.code, run.out.as_str()), (0, "confscan-baseline.json: 40 findings (40 added, 0 removed)\n"));
    let text = tree.read(BASELINE);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"path\"")).collect();
    assert_eq!((lines.len(), text.lines().count()), (40, 45));
    let bare: Vec<&str> = lines.iter().map(|line| line.trim_end_matches(',')).collect();
    let keys = |line: &str| {
        let entry: Value = serde_json::from_str(line).unwrap();
        let key = |name: &str| entry[name].as_str().unwrap().to_owned();
        assert_eq!(entry.as_object().unwrap().len(), 5, "{line}");
        assert_eq!(key("since"), "2026-11-01", "the day of the scan");
        (key("path"), key("rule"), key("node"), key("fingerprint"))
    };
    assert!(bare.iter().map(|line| keys(line)).is_sorted());
    assert!(!text.contains("123456") && !text.contains("\"line\""), "{text}");

    // Green, and it says what it is compared with.
    let run = tree.run(&["--fail-on", "info"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(
        run.out,
        "No new findings in 5 files and 6 containers.\n40 known findings not shown: compared with confscan-baseline.json (the oldest accepted on 2026-11-01, 0 days ago)\n"
    );
    assert_eq!(report(&tree, &["--no-baseline"])["summary"]["findings"], 40);

    // A new defect, and everything else moved: red with exactly that one.
    let compose = tree.read("compose.yaml");
    let moved = format!("# a comment\n\n{}", compose.replace("  app3:\n", "  app3:\n    pid: host\n"));
    tree.write("compose.yaml", &moved);
    let run = tree.run(&[]);
    assert!(run.code == 1 && run.out.contains("1 new finding in 1 file: 1 high"), "{run:?}");
    let new = report(&tree, &[]);
    assert_eq!(found(&new), [pair("host-pid-namespace", "compose.yaml")]);
    assert_eq!(new["summary"]["known"], 40);
    let sarif: Value = serde_json::from_str(&tree.run(&["--format", "sarif"]).out).unwrap();
    assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(1));

    // Fixed, and one that was known, too: green, said, and pruned.
    tree.write("compose.yaml", &compose);
    let nginx = tree.read("edge/nginx.conf");
    tree.write("edge/nginx.conf", &nginx.replacen("      autoindex on;\n", "", 1));
    let run = tree.run(&[]);
    assert_eq!(run.code, 0);
    let fixed = "1 finding of confscan-baseline.json fixed or ignored by now; `confscan baseline` takes them out:\n  \
                 edge/nginx.conf: autoindex-on (server s1.example/location /files)\n";
    assert!(run.out.ends_with(fixed), "{}", run.out);
    assert_eq!(report(&tree, &[])["comparisons"][0]["fixed"][0]["rule"], "autoindex-on");
    let run = tree.run(&["baseline"]);
    assert_eq!(run.out, "confscan-baseline.json: 39 findings (0 added, 1 removed)\n");
    let pruned = tree.read(BASELINE);
    let removed: BTreeSet<&str> = text.lines().filter(|line| !pruned.contains(line.trim_end_matches(','))).collect();
    assert_eq!(removed.len(), 1, "{removed:?}");
    let run = tree.run(&["--fail-on", "info"]);
    assert!(run.code == 0 && !run.out.contains("fixed"), "{run:?}");
    // Written again, it is the same.
    assert_eq!(tree.run(&["baseline"]).out, "confscan-baseline.json: 39 findings (0 added, 0 removed)\n");
    assert_eq!(tree.read(BASELINE), pruned);
}

#[test]
fn a_baseline_keeps_the_day_on_which_a_finding_was_accepted() {
    let tree = sample();
    assert_eq!(tree.run(&["baseline"]).code, 0);
    // A year ago, and one from before days were written.
    let text = tree.read(BASELINE).replace("2026-11-01", "2025-11-01");
    let bare = text.replacen(",\"since\":\"2025-11-01\"", "", 1);
    assert_eq!((text.lines().count(), text == bare), (45, false));
    tree.write(BASELINE, &bare);
    tree.write("new/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n");
    let run = tree.run(&["baseline"]);
    assert!(run.out.ends_with("(1 added, 0 removed)\n"), "{run:?}");
    let written = tree.read(BASELINE);
    let new: Vec<&str> = written.lines().filter(|line| !bare.contains(line.trim_end_matches(','))).collect();
    assert!(matches!(new[..], [only] if only.contains("new/Dockerfile") && only.contains("2026-11-01")), "{new:?}");
    let report = report(&tree, &[]);
    let known = report["known"].as_array().unwrap();
    let ages = |age: &Value| known.iter().filter(|finding| &finding["age_days"] == age).count();
    assert_eq!((ages(&365.into()), ages(&0.into()), ages(&Value::Null)), (39, 1, 1));
    let human = tree.run(&[]).out;
    assert!(human.contains("json (the oldest accepted on 2025-11-01, 365 days ago)"), "{human}");
    tree.write("new/Dockerfile", "FROM python:3.13-slim\nUSER app\nCMD [\"python\", \"a.py\"]\n");
    let fixed = self::report(&tree, &[])["comparisons"][0]["fixed"][0].clone();
    assert_eq!((&fixed["since"], &fixed["path"]), (&"2026-11-01".into(), &"new/Dockerfile".into()));
    tree.write(BASELINE, &bare.replacen("2025-11-01", "hunter2", 1));
    let run = tree.run(&[]);
    assert!(run.code == 2 && run.err.contains("not a baseline (line") && !run.err.contains("hunter2"), "{run:?}");
}

#[test]
fn a_baseline_says_nothing_about_what_was_not_scanned() {
    let tree = sample();
    assert_eq!(tree.run(&["baseline", "--pedantic"]).code, 0);
    let all = report(&tree, &["--pedantic"]);
    let total = all["summary"]["known"].as_u64().unwrap();
    assert!(total > 40, "{total}");
    for (args, known) in [
        // Rules that do not run, files that are scanned alone, and a part of the directories find nothing fixed.
        (&[][..], 40),
        (&["edge/nginx.conf"], 5),
        (&["edge", "jobs"], 10),
    ] {
        let report = report(&tree, args);
        assert_eq!((&report["summary"]["known"], &report["summary"]["fixed"]), (&known.into(), &0.into()), "{args:?}");
    }
    // Written from less, the rest of it stays.
    let before = tree.read(BASELINE);
    assert_eq!(tree.run(&["baseline", "edge", "jobs", "--baseline", BASELINE]).code, 0);
    assert_eq!(tree.read(BASELINE), before);
    tree.write("edge/.env", "GRAFANA_PASSWORD=${X}\n");
    fs::remove_file(tree.0.join("api/Dockerfile")).unwrap();
    let run = tree.run(&["baseline", "edge", "jobs", "--baseline", BASELINE]);
    assert!(run.out.ends_with("(0 added, 1 removed)\n"), "{run:?}");
    let run = tree.run_in("edge", &["baseline", "--root", "..", "../jobs", "--allow-gaps"], "");
    let written = fs::canonicalize(tree.0.join(BASELINE)).unwrap();
    assert!(run.out.starts_with(&format!("{}: ", written.display())), "{run:?}");
    let run = tree.run(&["baseline", "edge/nginx.conf"]);
    assert!(run.code == 2 && run.err.contains("a baseline is of directories"), "{run:?}");
}

#[test]
fn a_baseline_is_not_written_from_a_part_and_not_read_when_it_is_none() {
    let tree = sample();
    tree.write("bad/nginx.conf", "server {\n  listen 80\n}\n");
    let run = tree.run(&["baseline"]);
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert!(run.err.contains("was not written") && run.err.contains("  bad/nginx.conf: nginx refuses"), "{run:?}");
    assert!(!tree.0.join(BASELINE).exists());
    assert_eq!(tree.run(&["baseline", "--allow-gaps"]).code, 0);
    // What is not graded stays a gap although it is known, and every report says where it is until it is accepted.
    assert_eq!((tree.run(&[]).code, tree.run(&["--allow-gaps"]).code), (2, 0));
    assert_eq!(report(&tree, &[])["summary"]["complete"], false);
    let run = tree.run(&[]);
    assert!(run.out.contains("1 new or ungraded finding in 1 file"), "{run:?}");
    for format in ["human", "concise", "github", "gitlab", "junit", "checkstyle", "markdown", "sarif"] {
        let [open, accepted] =
            [&[][..], &["--allow-gaps"]].map(|args| tree.run(&[&["--format", format], args].concat()).out);
        assert!(open.contains("parse-error") && open.contains("bad/nginx.conf"), "{format}: {open}");
        assert_eq!(
            accepted.contains("bad/nginx.conf"),
            ["markdown", "sarif", "junit"].contains(&format),
            "{format}: {accepted}"
        );
    }
    assert_eq!(tree.run(&["baseline", "--allow-gaps"]).out, format!("{BASELINE}: 41 findings (0 added, 0 removed)\n"));

    let empty = Tree::new(&[("notes.txt", "")]);
    let run = empty.run(&["baseline"]);
    assert!(run.code == 3 && run.err.contains("was not written") && !empty.0.join(BASELINE).exists(), "{run:?}");

    for (text, problem) in [("", "not a baseline"), ("{\"schema\":\"other/1\"}", "schema is not confscan-baseline/1")] {
        tree.write(BASELINE, text);
        for args in [&[][..], &["baseline", "--allow-gaps"]] {
            let run = tree.run(args);
            assert!(run.code == 2 && run.err.contains(problem) && run.out.is_empty(), "{args:?} {run:?}");
        }
        assert_eq!(tree.read(BASELINE), text, "it is not overwritten");
    }
    assert_eq!(tree.run(&["--no-baseline", "--allow-gaps"]).code, 1);
    let run = tree.run(&["--baseline", "missing.json"]);
    assert!(run.code == 2 && run.err.contains("missing.json"), "{run:?}");
}

#[cfg(unix)]
#[test]
fn a_baseline_of_the_repository_is_not_followed_out_of_it() {
    let tree = Tree::new(&[("secret", "hunter2"), ("repo/Dockerfile", "FROM a:1\nUSER root\n")]);
    std::os::unix::fs::symlink("../secret", tree.0.join("repo").join(BASELINE)).unwrap();
    for args in [&[][..], &["baseline"]] {
        let run = tree.run_in("repo", args, "");
        assert!(run.code == 2 && run.err.contains("not a regular file"), "{run:?}");
    }
    assert_eq!(tree.read("secret"), "hunter2");
}

#[test]
fn the_exit_code_weighs_findings_gaps_ignores_the_baseline_and_how_sure_it_is() {
    // Whether there is a high finding, which is likely, and what is done about it; whether there is a gap, and what is
    // done about that.
    let ignored = "# confscan: ignore[explicit-root-user] -- drops it\n";
    for (finding, gap) in Known::ALL.into_iter().flat_map(|known| [(known, false), (known, true)]) {
        let tree = Tree::new(&[]);
        let user = "USER root\nCMD [\"python\", \"a.py\"]\n";
        let head = "FROM python:3.13-slim\n";
        if gap {
            tree.write("nginx.conf", "server {\n  listen 80\n}\n");
        }
        match finding {
            Known::None => tree.write("Dockerfile", &format!("{head}{}", user.replace("root", "app"))),
            Known::New | Known::Baseline | Known::Commit => tree.write("Dockerfile", &format!("{head}{user}")),
            Known::Ignored | Known::Audited => tree.write("Dockerfile", &format!("{head}{ignored}{user}")),
            Known::Guess => {
                tree.write("Dockerfile", "FROM acme/app:1\nCMD [\"app\"]\n");
                tree.write("confscan.toml", "rules.missing-user = 'critical'\n");
                let report = report(&tree, &["--allow-gaps"]);
                assert_eq!(report["findings"][0]["confidence"], "guess", "{report}");
                assert_eq!(report["findings"][0]["severity"], "critical");
            }
        }
        if finding == Known::Baseline {
            assert_eq!(tree.run(&["baseline", "--allow-gaps"]).code, 0);
        }
        let tree = if finding == Known::Commit { committed(tree) } else { tree };
        for (allow_gaps, fail_on, sure) in options() {
            let mut args = vec!["--fail-on", fail_on];
            args.extend(allow_gaps.then_some("--allow-gaps"));
            args.extend((finding == Known::Audited).then_some("--no-ignores"));
            args.extend((finding == Known::Commit).then_some(["--diff-base", "HEAD"]).into_iter().flatten());
            args.extend(sure.map(|_| "--min-confidence"));
            args.extend(sure);
            // A gap is a high finding of its own, unless it is known, however sure it has to be.
            let known = matches!(finding, Known::Baseline | Known::Commit);
            let shown = sure != Some("certain");
            let counts = matches!(finding, Known::New | Known::Audited) && shown || gap && !known;
            let expected = match fail_on {
                _ if gap && !allow_gaps => 2,
                "high" | "medium" if counts => 1,
                _ => 0,
            };
            let run = tree.run(&args);
            assert_eq!(run.code, expected, "{finding:?} gap {gap} {args:?}: {run:?}");
            if sure.is_none() {
                // What fails is in the report, whatever its format.
                let concise = tree.run(&[&args[..], &["--format", "concise"]].concat());
                assert!(concise.code == expected && (expected == 0 || !concise.out.is_empty()), "{args:?} {concise:?}");
            }
        }
    }
}

/// What becomes of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// There is none.
    None,
    New,
    /// It is critical, but a guess.
    Guess,
    Ignored,
    /// Ignored, but ignores are not to count.
    Audited,
    Baseline,
    /// The commit that the scan is compared with has it.
    Commit,
}

impl Known {
    const ALL: [Known; 7] =
        [Known::None, Known::New, Known::Guess, Known::Ignored, Known::Audited, Known::Baseline, Known::Commit];
}

/// Whether gaps are allowed, `--fail-on`, and `--min-confidence` where it is given.
fn options() -> impl Iterator<Item = (bool, &'static str, Option<&'static str>)> {
    [false, true].into_iter().flat_map(|allow| {
        ["high", "medium", "critical", "never"].into_iter().flat_map(move |fail_on| {
            [None, Some("guess"), Some("likely"), Some("certain")].into_iter().map(move |sure| (allow, fail_on, sure))
        })
    })
}

#[test]
fn what_is_not_sure_enough_is_counted_and_neither_shown_nor_taken_for_fixed() {
    let tree = Tree::new(&[
        ("Dockerfile", "FROM acme/app:1\nCMD [\"app\"]\n"),
        ("api/Dockerfile", "FROM acme/app:1\nRUN chmod 777 /x\nUSER app\nCMD [\"app\"]\n"),
        ("confscan.toml", "min-confidence = 'certain'\n"),
    ]);
    let all = [pair("missing-user", "Dockerfile"), pair("world-writable-permission", "api/Dockerfile")];
    assert_eq!(found(&report(&tree, &["--min-confidence", "guess"])), all);
    let quiet = tree.run(&["--min-confidence=guess", "--quiet"]);
    assert!(quiet.out.lines().next().is_some_and(|line| line.ends_with("[missing-user] (guess)")), "{quiet:?}");
    assert!(quiet.out.lines().nth(1).is_some_and(|line| line.ends_with("[world-writable-permission]")), "{quiet:?}");
    let sure = report(&tree, &[]);
    assert_eq!((found(&sure), &sure["summary"]["unsure"]), (all[1..].to_vec(), &1.into()));
    for format in ["human", "github", "markdown"] {
        let run = tree.run(&["--format", format]);
        assert!(run.out.contains("1 finding not shown: less sure than `min-confidence` asks for"), "{run:?}");
    }
    let log: Value = serde_json::from_str(&tree.run(&["--format", "sarif"]).out).unwrap();
    assert_eq!(log["runs"][0]["results"].as_array().map(Vec::len), Some(1));

    // A baseline holds them whatever is shown, and what is known is not fixed because it is not shown.
    assert_eq!(tree.run(&["baseline"]).out, "confscan-baseline.json: 2 findings (2 added, 0 removed)\n");
    for level in ["certain", "guess"] {
        let known = report(&tree, &["--min-confidence", level]);
        let numbers = ["findings", "known", "fixed", "unsure"].map(|key| known["summary"][key].as_u64().unwrap());
        assert_eq!(numbers, [0, 2, 0, 0], "{level}");
    }
    assert_eq!(tree.run(&["baseline"]).out, "confscan-baseline.json: 2 findings (0 added, 0 removed)\n");
    let committed = committed(tree);
    let known = report(&committed, &["--no-baseline", "--diff-base", "HEAD"]);
    let numbers = ["findings", "known", "fixed", "unsure"].map(|key| known["summary"][key].as_u64().unwrap());
    assert_eq!(numbers, [0, 2, 0, 0]);
    // Something that was not graded is said however sure it has to be.
    committed.write("bad/nginx.conf", "server {\n  listen 80\n}\n");
    assert_eq!(found(&report(&committed, &["--min-confidence=certain"])), [pair("parse-error", "bad/nginx.conf")]);
}

#[test]
fn every_exception_is_listed_with_its_reason_and_its_last_day() {
    let tree = Tree::new(&[
        (
            "Dockerfile",
            "FROM python:3.13-slim\n# confscan: ignore[explicit-root-user] until=2026-11-30 -- drops it, see \u{1b}[31m#12\nUSER root\nCMD [\"python\", \"a.py\"]\n",
        ),
        ("nginx.conf", "# confscan: ignore-file[autoindex-on]\nserver {\n  autoindex on;\n}\n"),
    ]);
    // The day of the scan is 2026-11-01.
    let run = tree.run(&["--fail-on", "info"]);
    assert_eq!(run.code, 0, "{run:?}");
    let expected = "2 findings ignored:\n  Dockerfile:2: explicit-root-user: drops it, see \\u{1b}[31m#12 (until 2026-11-30, 29 days \
                    left)\n  nginx.conf:1: autoindex-on: no reason given\n";
    assert!(run.out.ends_with(expected), "{}", run.out);
    let report = report(&tree, &[]);
    let listed: Vec<(&str, &Value, &Value, &Value, u64)> = report["suppressed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (it["kind"].as_str().unwrap(), &it["reason"], &it["until"], &it["days_left"], it["line"].as_u64().unwrap())
        })
        .collect();
    let reason = Value::from("drops it, see \u{1b}[31m#12");
    assert_eq!(listed[0], ("comment", &reason, &"2026-11-30".into(), &29.into(), 2));
    assert_eq!(listed[1], ("file-comment", &Value::Null, &Value::Null, &Value::Null, 1));

    let results = |args: &[&str]| -> Vec<Value> {
        let run = tree.run(&[&["--format", "sarif"], args].concat());
        let log: Value = serde_json::from_str(&run.out).unwrap();
        log["runs"][0]["results"].as_array().unwrap().clone()
    };
    assert_eq!(results(&[]).len(), 0);
    let marked = results(&["--sarif-include-suppressed"]);
    assert_eq!(marked.len(), 2);
    assert_eq!(marked[0]["suppressions"][0]["kind"], "inSource");
    assert_eq!(marked[0]["suppressions"][0]["status"], "accepted");
    assert_eq!(marked[0]["suppressions"][0]["justification"], "drops it, see \\u{1b}[31m#12");

    // One of the configuration is none in the source.
    let external = Tree::new(&[
        ("Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n"),
        ("confscan.toml", "[[ignore]]\nrule = 'explicit-root-user'\nreason = 'drops it'\nuntil = 2026-11-30\n"),
    ]);
    let run = external.run(&["--format", "sarif", "--sarif-include-suppressed"]);
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let suppressions = log["runs"][0]["results"][0]["suppressions"].clone();
    let expected = serde_json::json!([{"kind": "external", "status": "accepted", "justification": "drops it"}]);
    assert_eq!((run.code, suppressions), (0, expected));

    let audit = tree.run(&["--no-ignores"]);
    assert!(audit.code == 1 && audit.out.contains("2 findings would be ignored without `--no-ignores`:"), "{audit:?}");
    let strict = tree.run(&["--require-reason", "--quiet", "--fail-on", "medium"]);
    assert!(strict.code == 1 && strict.out.contains("[suppression-without-reason]"), "{strict:?}");
    assert!(strict.out.contains("[autoindex-on]") && !strict.out.contains("[explicit-root-user]"), "{strict:?}");
}

/// Runs git in a folder of `tree`, with nothing of the machine's settings.
fn git(tree: &Tree, folder: &str, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
        .args(args)
        .current_dir(tree.0.join(folder))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(tree: &Tree, folder: &str) {
    git(tree, folder, &["add", "--all", "--force"]);
    git(tree, folder, &["commit", "--quiet", "--message", "x"]);
}

/// A committed repository.
fn committed(tree: Tree) -> Tree {
    git(&tree, "", &["init", "--quiet"]);
    commit(&tree, "");
    tree
}

#[test]
fn every_command_of_the_pages_does_what_they_say() {
    let origin = Tree::new(&[("origin/services/Dockerfile", "FROM python:3.13-slim\nCMD python app.py\n")]);
    git(&origin, "origin", &["init", "--quiet"]);
    commit(&origin, "origin");
    git(&origin, "origin", &["switch", "--quiet", "--create", "feature"]);
    origin.write("origin/services/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"app.py\"]\n");
    commit(&origin, "origin");
    let url = format!("file://{}", origin.0.join("origin").display());
    git(&origin, "", &["clone", "--quiet", "--branch=feature", &url, "clone"]);
    for (page, codes) in [
        // Before the baseline is written the scan is red, and each page starts with none.
        ("docs/suppressions.md", &[1, 1, 0, 1][..]),
        ("docs/gate.md", &[0; 11]),
    ] {
        let commands = pages::commands(page);
        let seen: Vec<i32> = commands
            .iter()
            .map(|command| match command.split_once(' ').unwrap_or((command, "")) {
                ("git", rest) => {
                    git(&origin, "clone", &rest.split(' ').collect::<Vec<_>>());
                    0
                }
                ("confscan", rest) => {
                    let args: Vec<&str> = rest.split(' ').filter(|word| !word.is_empty()).collect();
                    origin.run_in("clone", &args, "").code
                }
                _ => panic!("{command}"),
            })
            .collect();
        assert_eq!(seen, codes, "{commands:?}");
    }
    // The examples of the pages hide what they say, and nothing of them is unused.
    let text = pages::read("docs/suppressions.md");
    let fence = |language: &str| {
        let start = text.split(&format!("```{language}\n")).nth(1).expect("a fence");
        start.split("```").next().expect("its text").to_owned()
    };
    let tree = Tree::new(&[("Dockerfile", &fence("dockerfile")), ("compose.yaml", &fence("yaml"))]);
    let report = report(&tree, &["--require-reason"]);
    assert_eq!(report["summary"]["suppressed"], 3);
    let about = |(rule, _): &(String, String)| rule.starts_with("suppression-") || rule == "explicit-root-user";
    assert!(!found(&report).iter().any(about), "{report}");
}
