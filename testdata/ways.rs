//! The ways in: what each of them needs of the program, and the pages about them.

#[path = "support/pages.rs"]
mod pages;
#[path = "support/tree.rs"]
mod tree;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use tree::Tree;

const LISTING: &str = "server {\n  autoindex on;\n}\n";

/// Whether a program can be started here.
fn present(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The options that `text` has, by their names.
fn options(text: &str) -> BTreeSet<&str> {
    let words = text.split(|byte: char| !(byte.is_ascii_alphanumeric() || byte == '-'));
    words.filter(|word| word.starts_with("--") && word.len() > 2).collect()
}

#[test]
fn there_is_a_manual_page_of_every_command_with_every_option() {
    let tree = Tree::new(&[]);
    let help = tree.run(&["--help"]).out;
    let commands = help.split_once("Commands:\n").expect("a list of commands").1.split("\n\n").next().expect("it ends");
    let commands: Vec<&str> = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let commands: Vec<&str> = commands.into_iter().filter(|name| !name.is_empty() && *name != "help").collect();
    assert!(commands.contains(&"rules") && commands.contains(&"man"), "{commands:?}");
    assert_eq!(tree.run(&["man", "share/man1"]).code, 0);
    let pages = fs::read_dir(tree.0.join("share/man1")).unwrap().count();
    assert_eq!(pages, commands.len() + 1);
    for arguments in commands.iter().map(std::slice::from_ref).chain([&[][..]]) {
        let name = [&["confscan"], arguments].concat().join("-");
        let page = tree.read(&format!("share/man1/{name}.1"));
        let help = tree.run(&[arguments, &["--help"]].concat()).out;
        let plain = page.replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ");
        let missing: Vec<_> = options(&help).difference(&options(&plain)).copied().collect();
        assert!(missing.is_empty() && page.contains(&format!(".TH {name} 1")), "{name}: {missing:?}");
        if present("groff") {
            let file = tree.0.join(format!("share/man1/{name}.1"));
            let output = Command::new("groff").args(["-man", "-ww", "-z"]).arg(file).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{name}");
        }
    }
    assert_eq!(tree.run(&["man"]).out, tree.read("share/man1/confscan.1"));
    tree.write("file", "");
    let run = tree.run(&["man", "file"]);
    assert!(run.code == 2 && run.err.starts_with("confscan: file: "), "{run:?}");
}

#[test]
fn paths_are_those_of_the_root_whatever_is_named_in_it() {
    let tree = Tree::new(&[
        ("repo/services/web/nginx.conf", LISTING),
        ("repo/services/web/compose.yaml", "services:\n  web:\n    build: ../../images\n"),
        ("repo/images/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"app\"]\n"),
        ("repo/services/confscan.toml", "[rules]\nautoindex-on = \"critical\"\n"),
        ("other/nginx.conf", LISTING),
    ]);
    let found = |folder, args: &[&str]| {
        let run = tree.run_in(folder, &[&["--fail-on", "never", "--quiet"], args].concat(), LISTING);
        let about = |line: &&str| line.contains("autoindex-on") || line.contains("explicit-root-user");
        run.out
            .lines()
            .filter(about)
            .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let listing = "services/web/nginx.conf:2:3: critical:".to_owned();
    let both: Vec<String> = vec!["images/Dockerfile:2:6: high:".to_owned(), listing.clone()];
    assert_eq!(found("repo", &["--root", ".", "services/web"]), both);
    assert_eq!(found("repo/services", &["--root", "..", "web"]), both);
    assert_eq!(found("repo", &["--root", ".", "services/web/nginx.conf"]), vec![listing.clone()]);
    assert_eq!(found("repo/services/web", &["--root", "../..", "-", "--stdin-filename", "nginx.conf"]), vec![listing]);
    // Without it paths are those that the current folder sees, and nothing outside of what is named is read.
    assert_eq!(found("repo", &["services/web"]), both[1..]);
    assert_eq!(found("repo/services", &["web"]), ["web/nginx.conf:2:3: critical:"]);
    assert_eq!(found("repo/services/web", &["../../services"]), ["web/nginx.conf:2:3: critical:"]);
    // A repository below is the root, wherever it is looked at from.
    assert_eq!(found("", &["repo/services/web"]), ["repo/services/web/nginx.conf:2:3: critical:"]);
    tree.write("repo/.git/HEAD", "");
    assert_eq!(found("", &["repo/services/web"]), both[1..]);
    assert_eq!(
        found("", &["repo", "other"]),
        [
            "other/nginx.conf:2:3: medium:",
            "repo/images/Dockerfile:2:6: high:",
            "repo/services/web/nginx.conf:2:3: critical:"
        ]
    );
    for (args, message) in [
        (["--root", "repo", "other"], "confscan: other: not in the root repo\n"),
        (["--root", "missing", "other"], "confscan: missing: no such file\n"),
        (["--root", "other/nginx.conf", "other"], "confscan: other/nginx.conf: not a directory\n"),
    ] {
        let run = tree.run(&args);
        assert_eq!((run.code, run.err.as_str()), (2, message), "{args:?}");
    }
    // The baseline stands at the root.
    assert_eq!(tree.run_in("repo/services", &["baseline", "--root", "..", "web"], "").code, 0);
    assert!(tree.read("repo/confscan-baseline.json").contains("services/web/nginx.conf"));
    assert_eq!(tree.run_in("repo", &["--root", ".", "--fail-on", "info", "services/web"], "").code, 0);
}

#[test]
fn files_of_all_kinds_are_scanned_in_one_call_as_a_commit_hands_them_over() {
    let tree = Tree::new(&[
        ("--config=x/compose.yml", "services:\n  web:\n    image: nginx:1.29\n    privileged: true\n"),
        ("a b/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"app\"]\n"),
        ("nginx.conf", LISTING),
        ("notes.yml", "a: 1\n"),
        // By its content alone this would be one, but a scan of the folder passes over it.
        ("docker-notes.txt", LISTING),
    ]);
    let all =
        ["--quiet", "--skip-unknown", "--", "--config=x/compose.yml", "a b/Dockerfile", "nginx.conf", "notes.yml"];
    let run = tree.run(&all);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(!run.out.contains("docker-notes.txt"), "{run:?}");
    for path in ["--config=x/compose.yml:4:", "a b/Dockerfile:2:6:", "nginx.conf:2:3:"] {
        assert!(run.out.contains(path), "{path}: {run:?}");
    }
    // What is no config is nobody's mistake there, and neither is a commit without any.
    let run = tree.run(&["--skip-unknown", "notes.yml"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    assert!(tree.run(&["files", "--skip-unknown", "notes.yml"]).out.contains("notes.yml  no config"));
    assert_eq!(tree.run(&["notes.yml"]).code, 2);
    assert_eq!(tree.run(&["docker-notes.txt", "--fail-on", "medium"]).code, 1);
    assert_eq!(tree.run(&["--skip-unknown", "missing.yml"]).code, 2);
}

/// Runs a line of a page as a shell does that finds `confscan`.
fn shell(tree: &Tree, folder: &str, line: &str) -> i32 {
    let program = Path::new(env!("CARGO_BIN_EXE_confscan")).parent().unwrap().display().to_string();
    let path = format!("{}:{program}:{}", tree.0.join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", line]).current_dir(tree.0.join(folder)).env("PATH", path);
    command.env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main").env("PRE_COMMIT_HOME", tree.0.join("cache"));
    let output = command.output().unwrap();
    let code = output.status.code().unwrap();
    // 1 is what a scan says that finds something; anything else is explained.
    if code > 1 {
        eprintln!("{line}: {code}: {}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    code
}

fn git(tree: &Tree, folder: &str, line: &str) {
    let settings =
        "git -c user.name=x -c user.email=x@example.org -c commit.gpgsign=false -c protocol.file.allow=always";
    assert_eq!(shell(tree, folder, &format!("{settings} {line}")), 0, "git {line}");
}

fn program(tree: &Tree, name: &str, script: &str) {
    tree.write(format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    assert_eq!(shell(tree, "", &format!("chmod +x bin/{name}")), 0);
}

#[test]
#[cfg(unix)]
fn every_command_of_the_pages_about_the_ways_in_does_what_they_say() {
    let tree = Tree::new(&[("origin/services/Dockerfile", "FROM python:3.13-slim\nCMD [\"app\"]\n")]);
    git(&tree, "origin", "init --quiet --initial-branch main");
    git(&tree, "origin", "add .");
    git(&tree, "origin", "commit --quiet --message 1");
    git(&tree, "", "clone --quiet origin clone");
    tree.write("clone/services/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"app\"]\n");
    tree.write("clone/compose.yaml", "services:\n  web:\n    build: services\n");
    git(&tree, "clone", "add .");
    // Packages come from a registry: only that the version is this one is seen here.
    let version = env!("CARGO_PKG_VERSION");
    program(&tree, "pip", &format!("test \"$*\" = 'install confscan=={version}'"));
    let commits = present("pre-commit");
    if commits {
        // The hooks as they are, with the program of this build.
        let hooks = pages::read(".pre-commit-hooks.yaml").replace("language: python", "language: system");
        tree.write("hooks/.pre-commit-hooks.yaml", &hooks);
        git(&tree, "hooks", "init --quiet --initial-branch main");
        git(&tree, "hooks", "add .");
        git(&tree, "hooks", "commit --quiet --message 1");
        git(&tree, "hooks", &format!("tag pre-commit-v{version}"));
        let page = pages::read("docs/pre-commit.md");
        let example = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
        let url = format!("file://{}", tree.0.join("hooks").display());
        let settings = example.replace("https://github.com/confscan/confscan", &url);
        assert_ne!(settings, example);
        tree.write("clone/.pre-commit-config.yaml", &settings);
        git(&tree, "clone", "add .");
    } else {
        eprintln!("skipped: pre-commit is not installed, its command is not run");
    }
    for (page, codes) in [
        ("docs/prompt.md", &[0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0][..]),
        ("docs/gitlab.md", &[0, 1, 1, 0, 0, 1]),
        ("docs/github.md", &[0]),
        ("docs/pre-commit.md", &[1, 123]),
        ("docs/audit.md", &[0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let commands = pages::commands(page);
        let seen: Vec<i32> = commands
            .iter()
            .zip(codes)
            .map(|(line, code)| match line.starts_with("pre-commit ") && !commits {
                true => *code,
                false => shell(&tree, "clone", line),
            })
            .collect();
        assert_eq!((seen.as_slice(), commands.len()), (codes, codes.len()), "{page}: {commands:#?}");
    }
    for file in ["man1/confscan.1", "confscan.bash", "confscan.toml", "gl-sast-report.json", "summary.md", "audit.md"] {
        assert!(!tree.read(&format!("clone/{file}")).is_empty(), "{file}");
    }
    assert_eq!(tree.read("clone/again.json"), {
        assert_eq!(
            shell(&tree, "clone", "SOURCE_DATE_EPOCH=1793491200 confscan --fail-on never --format json > b.json"),
            0
        );
        tree.read("clone/b.json")
    });
}

#[test]
#[cfg(unix)]
fn every_command_of_the_readme_works_in_the_order_in_which_it_stands() {
    let tree = Tree::new(&[
        ("Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"app\"]\n"),
        ("services/nginx.conf", LISTING),
        ("compose.yaml", "services:\n  web:\n    build: .\n"),
    ]);
    git(&tree, "", "init --quiet --initial-branch main");
    git(&tree, "", "add .");
    git(&tree, "", "commit --quiet --message 1");
    let lines = pages::commands("README.md");
    // Those that build it take minutes, and are how this test came to run.
    let lines: Vec<&String> = lines.iter().filter(|line| !line.starts_with("cargo ")).collect();
    let seen: Vec<i32> = lines.iter().map(|line| shell(&tree, "", line)).collect();
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 1], "{lines:#?}");
}

#[test]
fn everything_that_names_a_version_names_this_one() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, text) in [
        (".pre-commit-hooks.yaml", format!("ghcr.io/confscan/confscan:{version} ")),
        ("pre-commit/pyproject.toml", format!("version = \"{version}\"\n")),
        ("pre-commit/pyproject.toml", format!("\"confscan=={version}\"")),
        ("docs/pre-commit.md", format!("rev: pre-commit-v{version}\n")),
        ("docs/prompt.md", format!("ghcr.io/confscan/confscan:{version}`")),
        ("docs/gitlab.md", format!("pip install confscan=={version}\n")),
        ("docs/github.md", format!("confscan/confscan@v{version} ")),
        ("README.md", format!("confscan/confscan@v{version} ")),
    ] {
        assert!(pages::read(file).contains(&text), "{file} does not have {text}");
    }
}
