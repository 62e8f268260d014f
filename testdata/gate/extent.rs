//! What belongs to a comparison and what does not: files that no commit has, submodules, merges, parts of a repository, clones
//! that lack something, and programs that the repository names.

use super::*;

#[test]
fn an_ignore_is_called_unused_only_where_all_that_it_is_about_is_scanned() {
    let tree = Tree::new(&[
        ("confscan.toml", "[[ignore]]\nrule = \"autoindex-on\"\nreason = \"r\"\n"),
        ("a/confscan.toml", "[[ignore]]\nrule = \"alias-traversal\"\nreason = \"r\"\n"),
        ("a/Dockerfile", "FROM a:1\n# confscan: ignore[explicit-root-user]\nUSER app\n"),
        ("b/Dockerfile", "FROM a:1\nUSER app\n"),
    ]);
    git(&tree, "", &["init", "--quiet"]);
    let all = ["a/Dockerfile", "a/confscan.toml", "confscan.toml"];
    for (args, expected) in [
        (&["."][..], &all[..]),
        (&["--root", ".", "a"], &all[..2]),
        (&["a/Dockerfile"], &[]),
        (&["b", "a/Dockerfile"], &[]),
        (&["b"], &[]),
    ] {
        let report = report(&tree, args);
        let unused = found(&report).into_iter().filter(|(rule, _)| rule == "suppression-unused");
        assert_eq!(unused.map(|(_, path)| path).collect::<Vec<_>>(), expected, "{args:?}");
    }
    assert_eq!(found(&report(&tree, &["a"])).len(), 2);
}

#[test]
fn git_merges_baselines_by_itself() {
    let tree = sample();
    tree.write(".gitattributes", &format!("{BASELINE} merge=union\n"));
    assert_eq!(tree.run(&["baseline"]).code, 0);
    let tree = committed(tree);
    for branch in ["z", "y"] {
        git(&tree, "", &["switch", "--quiet", "--create", branch, "main"]);
        tree.write(format!("{branch}/Dockerfile"), "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n");
        assert_eq!(tree.run(&["baseline"]).out, format!("{BASELINE}: 41 findings (1 added, 0 removed)\n"));
        commit(&tree, branch);
        git(&tree, "", &["commit", "--quiet", "--all", "--allow-empty", "--message", "baseline"]);
    }
    git(&tree, "", &["merge", "--quiet", "--no-edit", "z"]);
    assert_eq!(report(&tree, &[])["summary"]["known"], 42);
    assert_eq!(tree.run(&["--fail-on", "info"]).code, 0);
    // It is written as it should be when it is written again.
    fs::remove_dir_all(tree.0.join("z")).unwrap();
    assert_eq!(tree.run(&["baseline"]).out, format!("{BASELINE}: 41 findings (0 added, 1 removed)\n"));
    serde_json::from_str::<Value>(&tree.read(BASELINE)).expect("JSON");
}

#[test]
fn what_is_part_of_no_commit_is_no_part_of_a_change() {
    let tree = Tree::new(&[
        (".gitignore", ".env\nlocal/\n/id_rsa\n"),
        ("Dockerfile", "FROM python:3.13-slim\nCOPY . /app\nUSER 1000\nCMD [\"python\", \"a.py\"]\n"),
        ("compose.yaml", "services:\n  web:\n    build: .\n    env_file: .env\n"),
    ]);
    let tree = committed(tree);
    tree.write(".env", "GRAFANA_PASSWORD=123456\n");
    tree.write("id_rsa", "x\n");
    tree.write("local/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n");
    let alone = report(&tree, &[]);
    for rule in ["context-leaks-sensitive-files", "default-credentials", "explicit-root-user"] {
        assert!(found(&alone).iter().any(|(found, _)| found == rule), "{rule}: {alone}");
    }
    for args in [&[][..], &["local", ".env"]] {
        let compared = report(&tree, &[args, &["--diff-base", "HEAD"]].concat());
        assert_eq!((found(&compared), &compared["summary"]["fixed"]), (vec![], &0.into()), "{compared}");
    }
    // What is not ignored and not committed is work in progress.
    tree.write("new/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n");
    let compared = report(&tree, &["--diff-base", "HEAD"]);
    assert_eq!(found(&compared), [pair("explicit-root-user", "new/Dockerfile")]);
}

#[test]
fn a_submodule_is_compared_with_the_commit_that_the_other_state_has_of_it() {
    let bad = "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n";
    let tree = Tree::new(&[("lib/Dockerfile", bad), ("app/deep/Dockerfile", bad)]);
    for folder in ["lib", "app"] {
        git(&tree, folder, &["init", "--quiet"]);
        commit(&tree, folder);
    }
    let url = format!("file://{}", tree.0.join("lib").display());
    git(&tree, "app", &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &url, "parts/lib"]);
    commit(&tree, "app");
    let compared =
        |args: &[&str]| json(&tree.run_in("app", &[&["--format", "json", "--diff-base"], args].concat(), ""));
    let same = compared(&["HEAD"]);
    assert_eq!((found(&same), &same["summary"]["known"]), (vec![], &2.into()));
    // Another commit of it, with one more defect.
    tree.write("app/parts/lib/Dockerfile", &bad.replace("USER", "RUN chmod 777 /x\nUSER"));
    let new = [pair("world-writable-permission", "parts/lib/Dockerfile")];
    assert_eq!(found(&compared(&["HEAD"])), new);
    commit(&tree, "app/parts/lib");
    commit(&tree, "app");
    assert_eq!(found(&compared(&["HEAD~1"])), new);
    assert_eq!(found(&compared(&["HEAD~1", "parts"])).len(), 1);
    // Before it was there all of it is new.
    assert_eq!(found(&compared(&["HEAD~2"])).len(), 2);
    // A commit that the submodule's clone lacks.
    let lost = git(&tree, "app/parts/lib", &["rev-parse", "HEAD~1"]);
    let shallow = format!("file://{}", tree.0.join("app/parts/lib").display());
    fs::remove_dir_all(tree.0.join("app/parts/lib")).unwrap();
    git(
        &tree,
        "app/parts",
        &["clone", "--quiet", "--depth=1", &shallow.replace("app/parts/lib", "app/.git/modules/parts/lib"), "lib"],
    );
    let run = tree.run_in("app", &["--diff-base", "HEAD~1"], "");
    assert!(run.code == 2 && run.err.contains(&format!("`git -C parts/lib fetch origin {lost}` brings it")), "{run:?}");
}

#[test]
fn what_is_no_commit_is_said_to_be_none() {
    let tree = Tree::new(&[("Dockerfile", "FROM python:3.13-slim\nCMD [\"python\", \"a.py\"]\n")]);
    git(&tree, "", &["init", "--quiet"]);
    let refused = |reference: &str, expected: &str| {
        let run = tree.run(&[&format!("--diff-base={reference}")]);
        assert!(run.code == 2 && run.out.is_empty() && run.err.contains(expected), "{run:?}");
    };
    refused("HEAD", "there is no commit yet");
    commit(&tree, "");
    for (reference, expected) in [
        ("", "is no name of a commit"),
        ("--all", "is no name of a commit"),
        ("main..HEAD", "is a range: name one commit"),
        ("origin/main...HEAD", "is a range: name one commit"),
        ("HEAD:Dockerfile", "is no commit"),
        ("HEAD^{tree}", "is no commit"),
        ("v1.2", "(if it is a tag: `git fetch origin tag v1.2`)"),
    ] {
        refused(reference, expected);
    }
}

#[test]
fn nothing_to_scan_has_an_exit_code_of_its_own_and_wrong_usage_and_gaps_win_over_it() {
    let empty = Tree::new(&[("notes.txt", "x"), ("big/Dockerfile", &"# x\n".repeat(2_000))]);
    fs::create_dir(empty.0.join("none")).unwrap();
    for (args, code) in [
        (&["none"][..], 3),
        (&["none", "--allow-gaps", "--fail-on", "never"], 3),
        (&["none", "--skip-unknown"], 0),
        (&["notes.txt", "--skip-unknown"], 0),
        (&["notes.txt"], 2),
        (&["missing"], 2),
        (&["none", "--fail-on", "some"], 2),
        (&["big", "--max-file-size", "1K"], 2),
        (&["big", "--max-file-size", "1K", "--allow-gaps"], 1),
        (&["big", "--max-file-size", "1K", "--allow-gaps", "--fail-on", "never"], 0),
        (&["none", "--config", "missing.toml"], 2),
        (&["none", "--baseline", "missing.json"], 2),
        (&["baseline", "none"], 3),
        (&["explain", "missing"], 2),
        (&["--help"], 0),
    ] {
        let run = empty.run(args);
        assert_eq!(run.code, code, "{args:?} {run:?}");
    }
}

#[test]
fn a_shallow_clone_says_what_to_fetch() {
    let tree = Tree::new(&[("origin/Dockerfile", "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n")]);
    git(&tree, "origin", &["init", "--quiet"]);
    commit(&tree, "origin");
    let base = git(&tree, "origin", &["rev-parse", "HEAD"]);
    git(&tree, "origin", &["switch", "--quiet", "--create", "feature"]);
    tree.write("origin/Dockerfile", "FROM python:3.13-slim\nUSER root\nRUN chmod 777 /x\nCMD [\"python\", \"a.py\"]\n");
    commit(&tree, "origin");
    let url = format!("file://{}", tree.0.join("origin").display());
    for (number, reference) in ["main", "origin/main", &base].into_iter().enumerate() {
        let clone = format!("clone{number}");
        git(&tree, "", &["clone", "--quiet", "--depth=1", "--branch=feature", &url, &clone]);
        let args = ["--diff-base", reference, "--format", "json"];
        let run = tree.run_in(&clone, &args, "");
        assert!(run.code == 2 && run.out.is_empty(), "{run:?}");
        assert!(
            run.err.contains(&format!("there is no commit `{reference}` in this clone, which is shallow")),
            "{run:?}"
        );
        let command = run.err.split('`').nth(3).expect("a command");
        let fetch: Vec<&str> = command.strip_prefix("git ").expect("of git").split(' ').collect();
        assert_eq!(fetch[..3], ["fetch", "--depth=1", "origin"]);
        git(&tree, &clone, &fetch);
        let run = tree.run_in(&clone, &args, "");
        assert_eq!(found(&json(&run)), [pair("world-writable-permission", "Dockerfile")]);
    }
    // A clone without the contents fetches none by itself.
    git(&tree, "origin", &["config", "uploadpack.allowFilter", "true"]);
    git(&tree, "", &["clone", "--quiet", "--filter=blob:none", "--branch=feature", &url, "partial"]);
    let run = tree.run_in("partial", &["--diff-base", "origin/main", "--quiet"], "");
    assert!(run.code == 2 && run.out.is_empty() && run.err.contains("are not in this clone"), "{run:?}");
    let command = run.err.split('`').nth(1).expect("a command");
    git(&tree, "partial", &command.strip_prefix("git ").expect("of git").split(' ').collect::<Vec<_>>());
    let run = tree.run_in("partial", &["--diff-base", "origin/main", "--format", "json"], "");
    assert_eq!(found(&json(&run)), [pair("world-writable-permission", "Dockerfile")]);
}

#[cfg(unix)]
#[test]
fn asking_git_runs_nothing_that_the_repository_names() {
    let tree = sample();
    let compose = tree.read("compose.yaml");
    tree.write("compose.yaml", &format!("# confscan: ignore-file[privileged-container] -- why\n{compose}"));
    let tree = committed(tree);
    let ran = tree.0.join("ran");
    let touch = format!("touch {}", ran.display());
    for key in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "filter.x.clean",
        "filter.x.smudge",
        "diff.x.textconv",
        "core.sshCommand",
        "credential.helper",
        "alias.cat-file",
    ] {
        git(&tree, "", &["config", key, &touch]);
    }
    tree.write(".gitattributes", "* filter=x diff=x\n");
    for hook in ["post-index-change", "reference-transaction", "post-checkout"] {
        tree.write(format!(".git/hooks/{hook}"), &format!("#!/bin/sh\n{touch}\n"));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(tree.0.join(format!(".git/hooks/{hook}")), mode).unwrap();
    }
    assert_eq!(tree.run(&["--diff-base", "HEAD"]).code, 0);
    assert!(tree.run(&["--blame"]).out.contains("compose.yaml:1: privileged-container ×5: why (since "));
    let mut external = tree.command("", &["--diff-base", "HEAD", "--blame"]);
    external.env("GIT_EXTERNAL_DIFF", &touch).env("GIT_DIR", "/nowhere").env("GIT_INDEX_FILE", "/nowhere");
    assert_eq!(external.output().unwrap().status.code(), Some(0));
    assert!(!ran.exists());
    for (reference, problem) in [
        ("--diff-base=--output=x", "`--output=x` is no name of a commit"),
        ("--diff-base=", "`` is no name of a commit"),
        ("--diff-base=a\u{1b}[31m", "is no name of a commit"),
        ("--diff-base=HEAD;touch ran", "there is no commit `HEAD;touch ran` in this clone; `git fetch --all`"),
        ("--diff-base=nothing", "`git fetch origin +refs/heads/nothing:refs/remotes/origin/nothing`"),
        ("--diff-base=HEAD:compose.yaml", "`HEAD:compose.yaml` is no commit"),
    ] {
        let run = tree.run(&[reference]);
        assert!(run.code == 2 && run.err.contains(problem) && !run.err.contains('\u{1b}'), "{reference:?} {run:?}");
    }
    let bare = Tree::new(&[("Dockerfile", "FROM a:1\n")]);
    let run = bare.run(&["--diff-base", "HEAD"]);
    assert!(run.code == 2 && run.err.contains("not in the work tree of a git repository"), "{run:?}");
}
