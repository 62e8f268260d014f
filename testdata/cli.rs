//! Runs the program on small trees: which files are found, what is written where, and how it exits.

#[path = "support/tree.rs"]
mod tree;

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::process::{Command, Stdio};

use confscan::rules;
use confscan::source::ReadError;
use serde_json::Value;
use tree::Tree;

const LISTING: &str = "server {\n  autoindex on;\n}\n";
const TAG: &str = "Signature: 8a477f597d28d172789f06886806bc55\n";

/// Paths, each with its kind or with the reason for which it was skipped.
type Pairs = Vec<(String, String)>;

impl Tree {
    /// Path and kind of every file that is taken, path and reason of every one that is skipped (with `!` for a gap).
    fn files(&self, args: &[&str]) -> (Pairs, Pairs) {
        let run = self.run(&[&["files", "--format", "json"], args].concat());
        let list: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (skipped, taken): (Vec<&Value>, Vec<&Value>) =
            list["files"].as_array().unwrap().iter().partition(|file| file["kind"].is_null());
        let taken = taken.iter().map(|file| (text(&file["path"]), text(&file["kind"])));
        let skipped = skipped.iter().map(|file| {
            let gap = if file["gap"] == true { "!" } else { "" };
            (text(&file["path"]), format!("{gap}{}", text(&file["skipped"])))
        });
        (taken.collect(), skipped.collect())
    }

    fn taken(&self, args: &[&str]) -> Vec<String> {
        self.files(args).0.into_iter().map(|(path, _)| path).collect()
    }
}

fn pairs(list: &[(&str, &str)]) -> Pairs {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn configs_are_found_everywhere_but_in_other_peoples_folders() {
    let image = "FROM scratch\n";
    let tree = Tree::new(&[
        ("Dockerfile", image),
        (".devcontainer/Dockerfile", image),
        ("deploy/compose.yaml", "services:\n  a:\n    image: x\n"),
        ("deploy/web.conf", "[program:web]\ncommand=x\n"),
        ("deploy/site.conf", LISTING),
        ("deploy/other.conf", "key value\n"),
        ("deploy/.env", "A=1\n"),
        ("notes.txt", image),
        ("vendor/own/Dockerfile", image),
        ("env/Dockerfile", image),
        ("target/Dockerfile", image),
        (".ignore", "Dockerfile\n"),
        (".gitignore", "Dockerfile\n"),
        ("build/CACHEDIR.TAG", TAG),
        ("build/Dockerfile", image),
        ("untagged/CACHEDIR.TAG", "no signature\n"),
        ("untagged/Dockerfile", image),
        (".git/Dockerfile", image),
        ("web/node_modules/x/Dockerfile", image),
        ("go/vendor/modules.txt", ""),
        ("go/vendor/x/Dockerfile", image),
        ("ruby/vendor/bundle/Dockerfile", image),
        ("python/env/pyvenv.cfg", ""),
        ("python/env/Dockerfile", image),
        (".cargo/config.toml", ""),
        (".cargo/registry/Dockerfile", image),
        ("Dockerfile.d/readme", ""),
        ("Dockerfile.j2", "FROM {{ image }}\n"),
    ]);
    let (taken, skipped) = tree.files(&[]);
    assert_eq!(
        taken,
        pairs(&[
            (".devcontainer/Dockerfile", "dockerfile"),
            ("Dockerfile", "dockerfile"),
            ("deploy/.env", "dotenv"),
            ("deploy/compose.yaml", "compose"),
            ("deploy/site.conf", "nginx"),
            ("deploy/web.conf", "supervisor"),
            ("env/Dockerfile", "dockerfile"),
            ("target/Dockerfile", "dockerfile"),
            ("untagged/Dockerfile", "dockerfile"),
            ("vendor/own/Dockerfile", "dockerfile"),
        ])
    );
    assert_eq!(
        skipped,
        pairs(&[
            (".cargo/registry/", "dependency folder"),
            (".git/", "version control"),
            ("Dockerfile.j2", "template with places to fill in"),
            ("build/", "cache folder, by its CACHEDIR.TAG"),
            ("go/vendor/", "dependency folder"),
            ("python/env/", "Python environment"),
            ("ruby/vendor/bundle/", "dependency folder"),
            ("web/node_modules/", "dependency folder"),
        ])
    );
    assert_eq!(
        tree.taken(&["--gitignore"]),
        ["deploy/.env", "deploy/compose.yaml", "deploy/site.conf", "deploy/web.conf"]
    );
    // What is named is entered whatever it is called.
    assert_eq!(tree.taken(&["web/node_modules"]), ["web/node_modules/x/Dockerfile"]);
    assert_eq!(tree.taken(&["build"]), ["build/Dockerfile"]);
}

#[test]
fn large_files_are_reported_when_they_would_be_graded() {
    let padding = "# padding\n".repeat(200);
    let tree = Tree::new(&[
        ("Dockerfile", &format!("{padding}FROM x\n")),
        ("site.conf", &format!("{LISTING}{padding}")),
        ("other.conf", &format!("key value\n{padding}")),
        ("small.env", "A=1\n"),
    ]);
    let (taken, skipped) = tree.files(&["--max-file-size", "1K"]);
    assert_eq!(taken, pairs(&[("small.env", "dotenv")]));
    let expected =
        [("Dockerfile", "!2007 bytes, over the limit of 1024"), ("site.conf", "!2027 bytes, over the limit of 1024")];
    assert_eq!(skipped, pairs(&expected));
    assert_eq!(tree.taken(&["--max-file-size", "2007"]), ["Dockerfile", "small.env"]);
    assert_eq!(tree.files(&["Dockerfile", "--max-file-size", "1K"]).1, pairs(&expected[..1]));
    assert_eq!(tree.run(&["--max-file-size", "1K"]).code, 2);
    assert_eq!(tree.run(&["--max-file-size", "1K", "--allow-gaps", "--fail-on", "never"]).code, 0);
    assert_eq!(tree.run_in("", &["-", "--kind", "dotenv", "--max-file-size", "4"], "A=12\n").code, 2);
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_the_root_only_and_only_files_are_opened() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    let tree = Tree::new(&[
        ("outside/Dockerfile", "FROM x\n"),
        ("outside/deep/site.conf", LISTING),
        ("repo/docker/image", "FROM x\n"),
        ("repo/docker/real.conf", LISTING),
        ("repo/docker/web.env", "A=1\n"),
    ]);
    let repo = tree.0.join("repo");
    for (target, link) in [
        ("docker/image", "Dockerfile"),
        ("docker/image", "Dockerfile.second"),
        ("docker/real.conf", "link.conf"),
        ("../outside/Dockerfile", "Dockerfile.out"),
        ("../outside/deep", "deep"),
        ("../outside/deep/site.conf", "out.conf"),
        ("docker/nothing", "Dockerfile.dangling"),
        ("Dockerfile.loop", "Dockerfile.loop"),
        ("..", "up"),
        (".", "docker/self"),
        ("../docker/../../outside/Dockerfile", "docker/Dockerfile.through"),
        ("/dev/zero", "Dockerfile.zero"),
    ] {
        symlink(target, repo.join(link)).unwrap();
    }
    let _socket = UnixListener::bind(repo.join("web.sock")).unwrap();
    let fifo = Command::new("mkfifo").arg(repo.join("Dockerfile.fifo")).status().is_ok_and(|status| status.success());
    if fifo {
        symlink("Dockerfile.fifo", repo.join("Dockerfile.to-fifo")).unwrap();
    }
    let locked = repo.join("Dockerfile.locked");
    fs::write(&locked, "FROM x\n").unwrap();
    fs::create_dir(repo.join("closed")).unwrap();
    let close = |mode| {
        fs::set_permissions(&locked, fs::Permissions::from_mode(mode)).unwrap();
        fs::set_permissions(repo.join("closed"), fs::Permissions::from_mode(mode)).unwrap();
    };
    close(0);
    // Permissions do not stop root.
    let stopped = fs::read(&locked).is_err();
    let (mut taken, mut skipped) = tree.files(&["--root", "repo", "repo"]);
    close(0o700);
    if stopped {
        assert!(skipped.contains(&("closed/".to_owned(), "!permission denied".to_owned())), "{skipped:?}");
        assert!(skipped.contains(&("Dockerfile.locked".to_owned(), "!permission denied".to_owned())), "{skipped:?}");
    }
    taken.retain(|(path, _)| path != "Dockerfile.locked");
    skipped.retain(|(path, _)| !matches!(path.as_str(), "Dockerfile.locked" | "closed/"));
    assert_eq!(
        taken,
        pairs(&[("docker/image", "dockerfile"), ("docker/real.conf", "nginx"), ("docker/web.env", "dotenv")])
    );
    let mut expected = pairs(&[
        ("Dockerfile", "link to docker/image"),
        ("Dockerfile.dangling", "link to nothing"),
        ("Dockerfile.out", "!link out of the scan root"),
        ("Dockerfile.second", "link to docker/image"),
        ("Dockerfile.zero", "!link out of the scan root"),
        ("deep/", "link out of the scan root"),
        ("docker/Dockerfile.through", "!link out of the scan root"),
        ("docker/self/", "link to the folder docker/"),
        ("link.conf", "link to docker/real.conf"),
        ("out.conf", "link out of the scan root"),
        ("up/", "link out of the scan root"),
        ("web.sock", "not a regular file"),
    ]);
    if fifo {
        expected.push(("Dockerfile.fifo".to_owned(), "!not a regular file".to_owned()));
        expected.push(("Dockerfile.to-fifo".to_owned(), "link to Dockerfile.fifo".to_owned()));
    }
    expected.sort();
    let at = skipped.iter().position(|(path, _)| path == "Dockerfile.loop").expect("the loop is listed");
    assert!(skipped.remove(at).1.starts_with("!link that cannot be followed: "));
    assert_eq!(skipped, expected);
    // A link that the user names is what it leads to.
    assert_eq!(tree.taken(&["repo/deep"]), ["outside/deep/site.conf"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_or_act_on_a_terminal_are_shown_harmlessly() {
    use std::os::unix::ffi::OsStrExt as _;

    let tree = Tree::new(&[("Dockerfile.\u{1b}[31m\nred", "FROM x\n"), ("node_modules\u{202e}/.env", "A=1\n")]);
    tree.write(OsStr::from_bytes(b"caf\xe9/Dockerfile"), "FROM x\n");
    let run = tree.run(&["files"]);
    assert_eq!(
        run.out.lines().map(|line| line.split("  ").next().unwrap()).collect::<Vec<_>>(),
        ["Dockerfile.\\u{1b}[31m\\nred", "caf\u{fffd}/Dockerfile", "node_modules\\u{202e}/.env"]
    );
    let run = tree.run(&["Dockerfile.\u{1b}[0m"]);
    assert!(run.code == 2 && !run.err.contains('\u{1b}'), "{run:?}");
    // Two files with the same shown path: the second must not pass in silence.
    tree.write(OsStr::from_bytes(b"caf\xe8/Dockerfile"), "FROM y\n");
    assert_eq!(tree.files(&[]).1, pairs(&[("caf\u{fffd}/Dockerfile", "!another file is shown under the same path")]));
}

#[test]
fn named_files_are_always_read() {
    let tree = Tree::new(&[
        ("sub/image.txt", "FROM x\n"),
        ("sub/web.txt", LISTING),
        ("sub/vars", "A=1\n"),
        ("sub/Dockerfile", "FROM x\n"),
        ("other/.env", "A=1\n"),
        ("other/sub/Dockerfile", "FROM x\n"),
    ]);
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: &[Case] = &[
        (&["sub/image.txt", "sub/web.txt"], &[("sub/image.txt", "dockerfile"), ("sub/web.txt", "nginx")]),
        (&["--kind", "dotenv", "sub/vars"], &[("sub/vars", "dotenv")]),
        (&["--kind", "nginx", "./sub/../sub/Dockerfile"], &[("sub/Dockerfile", "nginx")]),
        // Paths are those that the current folder sees.
        (&["sub"], &[("sub/Dockerfile", "dockerfile")]),
        (&["sub", "other/sub"], &[("other/sub/Dockerfile", "dockerfile"), ("sub/Dockerfile", "dockerfile")]),
        (
            &["other", "sub/web.txt"],
            &[("other/.env", "dotenv"), ("other/sub/Dockerfile", "dockerfile"), ("sub/web.txt", "nginx")],
        ),
        // Named twice is read once, and as it was named.
        (
            &[".", "sub", "sub/web.txt", "sub/web.txt"],
            &[
                ("other/.env", "dotenv"),
                ("other/sub/Dockerfile", "dockerfile"),
                ("sub/Dockerfile", "dockerfile"),
                ("sub/web.txt", "nginx"),
            ],
        ),
    ];
    for (args, expected) in cases {
        assert_eq!(tree.files(args), (pairs(expected), vec![]), "{args:?}");
    }
    // A file outside of the current directory is under its own.
    let run = tree.run_in("other", &["files", "../sub/Dockerfile"], "");
    assert_eq!(run.out, "Dockerfile  dockerfile  named Dockerfile\n");
    for (args, message) in [
        (&["sub/vars"][..], "sub/vars: cannot tell what kind of config this is; say so with --kind"),
        (&["missing"], "missing: no such file or directory"),
        (&["--kind", "nginx", "sub"], "--kind says what a named file is; only directories are named"),
        (&["sub", "--stdin-filename", "x"], "--stdin-filename says what `-` is read as; `-` is not named"),
        (&["-"], "stdin: cannot tell what kind of config this is; say so with --kind"),
        (&["-", "--stdin-filename", "missing/compose.yaml"], "missing: no such file"),
    ] {
        let run = tree.run(args);
        assert_eq!((run.code, run.err.as_str()), (2, format!("confscan: {message}\n").as_str()), "{args:?}");
    }
}

#[test]
fn the_standard_input_is_a_file_of_the_name_that_is_given() {
    let tree = Tree::new(&[("sub/x", "")]);
    for (args, path) in [
        (&["-"][..], "stdin"),
        (&["-", "--kind", "nginx"], "stdin"),
        (&["-", "--stdin-filename", "sub/new.conf"], "sub/new.conf"),
        (&["-", "--stdin-filename", tree.0.join("sub/abs.conf").to_str().unwrap()], "sub/abs.conf"),
    ] {
        let run = tree.run_in("", &[args, &["--quiet", "--fail-on", "medium"]].concat(), LISTING);
        assert_eq!(run.code, 1, "{run:?}");
        assert!(run.out.starts_with(&format!("{path}:2:3: medium: ")), "{run:?}");
    }
    let run = tree.run_in("", &["files", "-", "--stdin-filename", "Dockerfile"], "");
    assert_eq!(run.out, "Dockerfile  dockerfile  named Dockerfile\n");
}

#[test]
fn the_exit_code_says_what_was_found() {
    let tree = Tree::new(&[("nginx.conf", LISTING), ("empty/notes.txt", "")]);
    let cases: &[(&[&str], i32)] = &[
        (&[], 0),
        (&["--fail-on", "medium"], 1),
        (&["--fail-on", "info"], 1),
        (&["--fail-on", "critical"], 0),
        (&["--fail-on", "never"], 0),
        (&["empty"], 3),
        (&["empty", "--fail-on", "never"], 3),
        (&["files"], 0),
        (&["files", "empty"], 3),
        (&["rules"], 0),
        (&["explain", "autoindex-on"], 0),
        (&["completions", "bash"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["explain", "autoindex-no"], 2),
        (&["--fail-on", "bad"], 2),
        (&["--format", "xml"], 2),
        (&["rules", "--format", "sarif"], 2),
        (&["--no-such-option"], 2),
        (&["missing"], 2),
        (&["--max-file-size", "x"], 2),
        (&["-o", "missing/x.json"], 2),
    ];
    for (args, code) in cases {
        let run = tree.run(args);
        assert_eq!(run.code, *code, "{args:?} {run:?}");
    }
    let run = tree.command("", &[]).env("SOURCE_DATE_EPOCH", "yesterday").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    tree.write("big/nginx.conf", &format!("{LISTING}{}", "#".repeat(99)));
    // A gap weighs more than a finding, and more than nothing.
    assert_eq!(tree.run(&["--fail-on", "info", "--max-file-size", "50"]).code, 2);
    assert_eq!(tree.run(&["--fail-on", "info", "--max-file-size", "50", "--allow-gaps"]).code, 1);
    assert_eq!(tree.run(&["big", "--max-file-size", "50"]).code, 2);
    // Nobody has to look for the reason in a report for programs.
    for (args, told) in [
        (&["big", "--format", "gitlab", "--max-file-size", "50"][..], true),
        (&["big", "-o", "report.txt", "--max-file-size", "50"], true),
        (&["big", "--quiet", "--max-file-size", "50"], true),
        (&["big", "--max-file-size", "50"], false),
        (&["big", "--format", "gitlab", "--max-file-size", "50", "--allow-gaps"], false),
        (&["big", "--format", "gitlab"], false),
    ] {
        let run = tree.run(args);
        let expected = "confscan: not everything was graded: 1 unreadable-file (--allow-gaps lets it pass)\n";
        assert_eq!(run.err, if told { expected } else { "" }, "{args:?}");
    }
}

#[test]
fn one_scan_writes_several_reports() {
    let tree = Tree::new(&[("src/nginx.conf", LISTING), ("old.json", "old")]);
    let run = tree.run(&["src", "-o", "json=old.json", "--output", "sarif=x.sarif"]);
    assert!(run.code == 0 && run.out.contains("autoindex-on"), "{run:?}");
    let json: Value = serde_json::from_str(&tree.read("old.json")).unwrap();
    assert_eq!(json["schema"], "confscan/1");
    let sarif: Value = serde_json::from_str(&tree.read("x.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    // An output without a format of its own takes the place of the standard output.
    let run = tree.run(&["src", "--color", "always", "-o", "report.txt"]);
    assert_eq!(run.out, "");
    let report = tree.read("report.txt");
    assert!(report.contains("autoindex-on") && !report.contains('\u{1b}'), "{report}");
    let run = tree.run(&["src", "-o", "json=-"]);
    assert_eq!(serde_json::from_str::<Value>(&run.out).unwrap()["findings"].as_array().map(Vec::len), Some(1));
    // One that cannot be written is no reason to lose the others, and is not passed over.
    let run = tree.run(&["src", "-o", "json=missing/x", "-o", "sarif=x.sarif", "-o", "junit=src"]);
    assert_eq!((run.code, run.err.lines().count()), (2, 2), "{run:?}");
    assert!(run.err.starts_with("confscan: missing/x: No such file") && run.out.contains("autoindex-on"), "{run:?}");
    // Two in one place would be neither.
    for (args, place) in [
        (&["-o", "json=-", "-o", "sarif=-"][..], "the standard output"),
        (&["--format", "json", "-o", "sarif=-"], "the standard output"),
        (&["-o", "-", "-o", "sarif=-"], "the standard output"),
        (&["-o", "json=x", "-o", "sarif=x"], "x"),
    ] {
        let run = tree.run(&[&["src"], args].concat());
        let expected = format!("confscan: several reports would be written to {place}\n");
        assert_eq!((run.code, run.out.as_str(), run.err), (2, "", expected), "{args:?}");
    }
    // Nothing is left beside the files.
    let mut names: Vec<String> =
        fs::read_dir(&tree.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["old.json", "report.txt", "src", "x.sarif"]);
}

#[cfg(unix)]
#[test]
fn an_output_replaces_files_behind_links_and_no_devices() {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    let tree = Tree::new(&[("src/nginx.conf", LISTING), ("real.json", "old")]);
    fs::set_permissions(tree.0.join("real.json"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.json", tree.0.join("link.json")).unwrap();
    assert_eq!(tree.run(&["src", "-o", "json=link.json", "-o", "sarif=/dev/null"]).code, 0);
    assert!(fs::symlink_metadata(tree.0.join("link.json")).unwrap().is_symlink());
    assert!(tree.read("real.json").contains("confscan/1"));
    assert_eq!(fs::metadata(tree.0.join("real.json")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn colour_follows_the_option_then_the_environment() {
    let tree = Tree::new(&[("nginx.conf", LISTING)]);
    for args in [&[][..], &["rules"], &["explain", "autoindex-on"]] {
        for (color, environment, expected) in [
            ("auto", None, false),
            ("always", None, true),
            ("always", Some(("NO_COLOR", "1")), true),
            ("never", Some(("CLICOLOR_FORCE", "1")), false),
            ("auto", Some(("CLICOLOR_FORCE", "1")), true),
        ] {
            let mut command = tree.command("", &[args, &["--color", color]].concat());
            command.envs(environment);
            let out = command.output().unwrap().stdout;
            assert_eq!(out.contains(&0x1b), expected, "{args:?} {color} {environment:?}");
        }
    }
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let tree = Tree::new(&[]);
    for number in 0..400 {
        tree.write(format!("site-{number}/nginx.conf"), LISTING);
    }
    for (args, code) in [(&["--fail-on", "medium"][..], 1), (&["files"], 0), (&["rules", "--format", "json"], 0)] {
        let mut child = tree.command("", args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // More than a pipe holds is on its way when the reader goes.
        let mut first = [0; 16];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn the_number_of_threads_cannot_be_seen() {
    let tree = Tree::new(&[]);
    for number in 0..200 {
        tree.write(format!("{}/{number}/nginx.conf", number % 7), LISTING);
        tree.write(format!("{}/{number}/node_modules/x", number % 5), "");
    }
    for args in [&["files"][..], &["--format", "json"], &["--format", "sarif"], &[]] {
        let one = tree.run(&[args, &["--threads", "1"]].concat());
        assert!(one.out.len() > 1000, "{one:?}");
        for threads in ["2", "7"] {
            assert_eq!(tree.run(&[args, &["--threads", threads]].concat()).out, one.out, "{args:?} {threads}");
        }
    }
}

#[test]
fn rules_are_listed_and_explained() {
    let tree = Tree::new(&[]);
    let list: Value = serde_json::from_str(&tree.run(&["rules", "--format", "json"]).out).unwrap();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), rules::RULES.len());
    for (entry, registered) in list.iter().zip(rules::RULES) {
        assert_eq!(entry["id"], registered.rule.id);
        assert_eq!(entry["severity"], registered.rule.severity.name());
        assert_eq!(entry["replaces"].as_array().map(Vec::len), Some(registered.rule.replaces.len()));
        for key in ["title", "confidence", "tier", "on", "tags", "fix"] {
            assert!(!entry[key].is_null(), "{key}");
        }
    }
    // A word of a name leads to it, too.
    for (asked, hint) in [("explicit-rot-user", "explicit-root-user"), ("hot-reload", "hot-reload-in-production")] {
        let run = tree.run(&["explain", asked]);
        let expected = format!("confscan: no rule {asked}; is it {hint}? (`confscan rules` lists them)\n");
        assert_eq!((run.code, run.err), (2, expected));
    }
    let text = tree.run(&["rules"]).out;
    for registered in rules::RULES {
        let rule = &registered.rule;
        assert_eq!(text.matches(&format!("  {} ", rule.id)).count(), 1, "{}", rule.id);
    }
    let page = tree.run(&["explain", "autoindex-on"]).out;
    assert!(page.starts_with("autoindex-on: ") && page.contains("\nHow to fix\n"), "{page}");
    let unknown = tree.run(&["explain", "autoindexon"]);
    assert_eq!(unknown.err, "confscan: no rule autoindexon; is it autoindex-on? (`confscan rules` lists them)\n");
}

#[test]
fn files_are_listed_in_columns_with_what_was_skipped() {
    let tree = Tree::new(&[
        ("nginx.conf", LISTING),
        ("a/Dockerfile", "FROM x\n"),
        ("node_modules/x", ""),
        ("b/Dockerfile.x", &"#".repeat(99)),
    ]);
    assert_eq!(
        tree.run(&["files", "--max-file-size", "50"]).out,
        "a/Dockerfile  dockerfile  named Dockerfile\n\
         nginx.conf    nginx       named nginx.conf\n\
         \n\
         skipped\n\
         b/Dockerfile.x  99 bytes, over the limit of 50 (not graded)\n\
         node_modules/   dependency folder\n"
    );
}

#[cfg(unix)]
#[test]
fn files_that_configs_refer_to_are_read_inside_of_the_root_only() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new(&[
        ("outside/secret", "s"),
        ("repo/Dockerfile", "FROM x\n"),
        ("repo/conf/a", "a"),
        ("repo/conf/large", &"x".repeat(99)),
    ]);
    let repo = tree.0.join("repo");
    symlink("../outside", repo.join("out")).unwrap();
    symlink("../../outside/secret", repo.join("conf/link")).unwrap();
    symlink("conf", repo.join("in")).unwrap();
    let options = confscan::walk::Options { max_file_size: 50, threads: 1, ..confscan::walk::Options::default() };
    let sources = confscan::walk::sources(std::slice::from_ref(&repo), &options, &|| ()).unwrap();
    let store = sources.store();
    let too_large = || ReadError::TooLarge { size: 99, limit: 50 };
    for (path, expected) in [
        ("conf/a", Ok(b"a".to_vec())),
        ("./conf/a", Ok(b"a".to_vec())),
        ("in/a", Ok(b"a".to_vec())),
        ("conf", Err(ReadError::NotAFile)),
        ("conf/large", Err(too_large())),
        ("conf/missing", Err(ReadError::Missing)),
        ("conf/a/b", Err(ReadError::Missing)),
        ("conf/link", Err(ReadError::Outside)),
        ("out/secret", Err(ReadError::Outside)),
        ("../outside/secret", Err(ReadError::Outside)),
        ("conf/../conf/a", Err(ReadError::Outside)),
        ("/etc/passwd", Err(ReadError::Outside)),
    ] {
        assert_eq!(store.read(path), expected, "{path}");
    }
    assert!(matches!(store.read("conf/\0"), Err(ReadError::Io(_))));
    assert_eq!(store.list("conf"), ["a", "large", "link"]);
    assert_eq!(store.list(""), ["Dockerfile", "conf/", "in/", "out/"]);
    for path in ["out", "..", "/", "missing", "conf/a"] {
        assert_eq!(store.list(path), [""; 0], "{path}");
    }
}

#[test]
fn a_file_that_is_referred_to_and_too_large_is_a_gap() {
    let tree = Tree::new(&[
        ("compose.yaml", "services:\n  a:\n    image: acme/a:1\n    env_file: a.vars\n"),
        ("a.vars", &format!("A={}\n", "x".repeat(2_000))),
    ]);
    let run = tree.run(&["--quiet", "--fail-on", "never", "--max-file-size", "1K"]);
    assert!(
        run.code == 2 && run.out.contains("a.vars:1:1: high: ") && run.out.contains("[unreadable-file]"),
        "{run:?}"
    );
    assert_eq!(tree.run(&["--fail-on", "never"]).code, 0);
}
