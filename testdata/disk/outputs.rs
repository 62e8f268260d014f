//! What is written where there is no room, where nobody reads, and where something else lies already.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::tree::{Run, Tree};

/// A tree with a finding of high severity.
fn sample() -> Tree {
    let tree = Tree::new(&[("repo/Dockerfile", "FROM debian:13\nUSER root\nCMD [\"python\", \"a.py\"]\n")]);
    for number in 0..40 {
        tree.write(format!("repo/{number}/Dockerfile"), "FROM debian:13\nUSER root\nCMD [\"python\", \"a.py\"]\n");
    }
    tree
}

/// The names in a folder of the tree.
fn names(tree: &Tree, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(tree.0.join(folder)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs `script` in the tree; `$CONFSCAN` is the program.
fn shell(tree: &Tree, script: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(&tree.0).env("CONFSCAN", env!("CARGO_BIN_EXE_confscan"));
    tree.finish(command)
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_an_error_of_every_command() {
    let tree = sample();
    fs::create_dir(tree.0.join("repo/new")).unwrap();
    for args in [
        "",
        "--format json",
        "--format sarif",
        "--quiet",
        "--fail-on never",
        "files",
        "files --format json",
        "containers",
        "rules",
        "rules --format json",
        "explain missing-user",
        "man",
        "completions zsh",
        "init new",
        "baseline",
        "--help",
        "files --help",
        "--version",
    ] {
        let run = shell(&tree, &format!("cd repo && \"$CONFSCAN\" {args} > /dev/full"));
        let said = "confscan: standard output: No space left on device (os error 28)\n";
        assert_eq!((run.code, run.err.as_str()), (2, said), "{args}");
        fs::remove_file(tree.0.join("repo/confscan-baseline.json")).ok();
    }
    for output in ["/dev/full", "json=/dev/full"] {
        let run = tree.run(&["repo", "-o", output]);
        assert_eq!((run.code, run.err.as_str()), (2, "confscan: /dev/full: No space left on device (os error 28)\n"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_or_closed_standard_error_costs_neither_the_report_nor_the_exit_code() {
    let tree = sample();
    fs::create_dir(tree.0.join("empty")).unwrap();
    for (args, code) in
        [("repo", 1), ("repo --fail-on never", 0), ("empty -o json=x.json", 3), ("missing", 2), ("--no", 2)]
    {
        for end in ["2> /dev/full", "2>&-"] {
            let run = shell(&tree, &format!("\"$CONFSCAN\" {args} {end}"));
            assert_eq!(run.code, code, "{args} {end}");
            assert_eq!(run.out.contains("explicit-root-user"), args.starts_with("repo"), "{args} {end}");
        }
    }
    assert!(tree.read("x.json").contains("confscan/1"));
}

#[cfg(unix)]
#[test]
fn a_reader_that_is_gone_stops_the_writing_and_not_the_verdict() {
    let tree = sample();
    for (args, code) in [
        ("repo", 1),
        ("repo --format json -o sarif=x.sarif", 1),
        ("repo --fail-on never", 0),
        ("files repo", 0),
        ("--help", 0),
    ] {
        for reader in ["head -n 1 > first", "true"] {
            let run = shell(&tree, &format!("{{ \"$CONFSCAN\" {args}; echo $? > code; }} | {reader}"));
            assert_eq!(
                (run.code, tree.read("code").trim(), run.err.as_str()),
                (0, code.to_string().as_str(), ""),
                "{args}"
            );
        }
    }
    let log: Value = serde_json::from_str(&tree.read("x.sarif")).expect("the other report is whole");
    assert_eq!(log["version"], "2.1.0");
}

#[cfg(unix)]
#[test]
fn where_there_is_no_room_the_old_report_stays_and_nothing_else() {
    let tree = sample();
    for file in ["out/report.json", "out/confscan-baseline.json"] {
        tree.write(file, "old");
    }
    tree.write("out/known.json", "{\"schema\":\"confscan-baseline/1\",\"findings\":[]}");
    let known = tree.read("out/known.json");
    // Files of one block of 512 or 1024 bytes; without the signal of the limit the program sees the error.
    let limit = "trap '' XFSZ; ulimit -f 1;";
    for args in ["repo -o json=out/report.json", "repo -o out/new.txt", "baseline repo --baseline out/known.json"] {
        let run = shell(&tree, &format!("{limit} \"$CONFSCAN\" {args}"));
        assert!(run.code == 2 && run.err.contains(": File too large"), "{args} {run:?}");
    }
    assert_eq!(names(&tree, "out"), ["confscan-baseline.json", "known.json", "report.json"]);
    assert_eq!((tree.read("out/report.json"), tree.read("out/known.json")), ("old".to_owned(), known));
    for (args, folder) in [("init fresh", "fresh"), ("man pages", "pages")] {
        fs::create_dir(tree.0.join(folder)).unwrap();
        let run = shell(&tree, &format!("{limit} \"$CONFSCAN\" {args}"));
        assert!(run.code == 2 && run.err.contains(": File too large"), "{args} {run:?}");
        for name in names(&tree, folder) {
            assert!(fs::metadata(tree.0.join(folder).join(&name)).unwrap().len() < 1024, "{name} is cut off");
        }
    }
    assert_eq!(names(&tree, "fresh"), [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_file_system_is_a_clear_error() {
    let tree = sample();
    fs::create_dir(tree.0.join("full")).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=8k", "tmpfs"])
        .arg(tree.0.join("full"))
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        return eprintln!("skipped: no file system can be mounted here");
    }
    tree.write("full/report.json", "old");
    let runs = ["repo -o json=full/report.json", "repo -o json=full/new.json"].map(|args| {
        let args: Vec<&str> = args.split(' ').collect();
        tree.run(&args)
    });
    let (left, old) = (names(&tree, "full"), tree.read("full/report.json"));
    assert!(Command::new("umount").arg(tree.0.join("full")).status().unwrap().success());
    for run in runs {
        assert!(run.code == 2 && run.err.contains("No space left on device"), "{run:?}");
    }
    assert_eq!((left, old.as_str()), (vec!["report.json".to_owned()], "old"));
}

#[cfg(unix)]
#[test]
fn a_scan_that_is_ended_while_it_writes_leaves_a_whole_report() {
    let tree = sample();
    let whole = tree.run(&["repo", "-o", "json=report.json", "--fail-on", "never"]);
    assert_eq!(whole.code, 0, "{whole:?}");
    let mut cut = 0;
    for delay in 0..40 {
        let mut child = tree.command("", &["repo", "-o", "json=report.json"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(delay * 3));
        let signal = if delay % 2 == 0 { "-TERM" } else { "-KILL" };
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
        cut += u32::from(child.wait().unwrap().code().is_none());
        let report: Value = serde_json::from_str(&tree.read("report.json")).expect("it is whole");
        assert_eq!(report["summary"]["files"], 41);
    }
    assert!(cut > 0, "none was ended in time");
}

#[test]
fn two_reports_do_not_take_the_same_place() {
    let tree = sample();
    tree.write("sub/x", "");
    for args in [
        &["-o", "a.txt", "-o", "json=./a.txt"][..],
        &["-o", "json=sub/../a.txt", "-o", "sarif=a.txt"],
        &["-o", "json=-", "-o", "sarif=-"],
        #[cfg(unix)]
        &["-o", "json=-", "-o", "sarif=/dev/stdout"],
    ] {
        let run = tree.run(&[args, &["repo"]].concat());
        assert!(
            run.code == 2 && run.out.is_empty() && run.err.contains("several reports would be written to"),
            "{args:?} {run:?}"
        );
    }
    assert_eq!(names(&tree, ""), ["repo", "sub"]);
}

#[cfg(unix)]
#[test]
fn an_output_is_what_it_was_before() {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _, symlink};

    let tree = sample();
    // A FIFO is written to.
    assert!(Command::new("mkfifo").arg(tree.0.join("fifo")).status().unwrap().success());
    let run = shell(&tree, "cat fifo > read & \"$CONFSCAN\" repo -o json=fifo > /dev/null; code=$?; wait; exit $code");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(fs::symlink_metadata(tree.0.join("fifo")).unwrap().file_type().is_fifo());
    assert!(tree.read("read").contains("confscan/1"));
    // A link to nothing is replaced, and a file keeps its permissions.
    symlink("nowhere/x", tree.0.join("dangling")).unwrap();
    tree.write("kept", "");
    fs::set_permissions(tree.0.join("kept"), fs::Permissions::from_mode(0o604)).unwrap();
    assert_eq!(tree.run(&["repo", "-o", "json=dangling", "-o", "sarif=kept", "--fail-on", "never"]).code, 0);
    assert!(fs::symlink_metadata(tree.0.join("dangling")).unwrap().is_file());
    assert_eq!(fs::metadata(tree.0.join("kept")).unwrap().permissions().mode() & 0o777, 0o604);
    // What is written to already is written on.
    let run = shell(&tree, "{ echo first; \"$CONFSCAN\" repo -o json=/dev/stdout; } > both");
    assert_eq!(run.code, 1, "{run:?}");
    let both = tree.read("both");
    assert!(both.starts_with("first\n{") && both.trim_end().ends_with('}'), "{both}");
    let run = shell(&tree, "{ echo first >&2; \"$CONFSCAN\" repo -o json=/dev/stderr > /dev/null; } 2> both");
    assert_eq!(run.code, 1, "{run:?}");
    assert!(tree.read("both").starts_with("first\n{"));
    for (file, said) in
        [("nowhere/x", "No such file"), ("repo", "directory"), ("repo/", "directory"), ("kept/x", "ot a directory")]
    {
        let run = tree.run(&["repo", "-o", file]);
        assert!(run.code == 2 && run.out.is_empty() && run.err.contains(said), "{file} {run:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_of_the_repository_leads_no_report_out_of_it() {
    use std::os::unix::fs::symlink;

    let tree = sample();
    tree.write("outside/file", "kept");
    tree.write("repo/inside/file", "old");
    for (target, link) in [
        ("../outside/file", "file.json"),
        ("../outside", "folder"),
        ("/dev/null", "device"),
        ("inside/file", "inner"),
        ("inside", "inner-folder"),
    ] {
        symlink(target, tree.0.join("repo").join(link)).unwrap();
    }
    symlink("repo", tree.0.join("way-in")).unwrap();
    let out = |folder: &str, scanned: &str, file: &str| {
        tree.run_in(folder, &[scanned, "-o", &format!("json={file}"), "--fail-on", "never"], "")
    };
    for (folder, scanned) in [("repo", "."), ("", "repo"), ("", "way-in")] {
        for file in ["file.json", "folder/file", "folder/new", "device"] {
            let file = Path::new(if folder.is_empty() { scanned } else { "" }).join(file);
            let run = out(folder, scanned, file.to_str().unwrap());
            assert!(
                run.code == 2 && run.err.contains("a link in the scanned folder leads out of it"),
                "{file:?} {run:?}"
            );
        }
    }
    let run = tree.run_in("repo", &["baseline", "--baseline", "folder/known.json"], "");
    assert!(run.code == 2 && run.err.contains("leads out of it"), "{run:?}");
    assert_eq!((names(&tree, "outside"), tree.read("outside/file")), (vec!["file".to_owned()], "kept".to_owned()));
    // Inside of it, and where the user's own links lead, a link is what it leads to.
    for file in ["inner", "inner-folder/new"] {
        assert_eq!(out("repo", ".", file).code, 0, "{file}");
    }
    assert!(
        tree.read("repo/inside/file").contains("confscan/1") && tree.read("repo/inside/new").contains("confscan/1")
    );
}
