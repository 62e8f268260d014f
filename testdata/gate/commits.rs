//! What git knows: another commit to compare with, and since when exceptions stand.

use super::*;

#[test]
fn with_a_commit_only_what_the_change_introduced_is_red() {
    let tree = committed(sample());
    git(&tree, "", &["switch", "--quiet", "--create", "feature"]);
    let run = tree.run(&["--diff-base", "main", "--fail-on", "info"]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.out.contains("No new findings") && run.out.contains("40 known findings not shown: compared with main (")
    );

    // A new defect, in a file that was also moved and whose lines moved: red with exactly that one, committed or not.
    let compose = tree.read("compose.yaml");
    let new = format!("# a comment\n\n{}", compose.replace("  app3:\n", "  app3:\n    pid: host\n"));
    fs::remove_file(tree.0.join("compose.yaml")).unwrap();
    tree.write("deploy/compose.yaml", &new);
    let expected = [pair("host-pid-namespace", "deploy/compose.yaml")];
    for _ in 0..2 {
        let found_now = report(&tree, &["--diff-base", "main"]);
        assert_eq!(found(&found_now), expected);
        assert_eq!((&found_now["summary"]["known"], &found_now["summary"]["fixed"]), (&40.into(), &0.into()));
        assert_eq!(tree.run(&["--diff-base", "main"]).code, 1);
        if !git(&tree, "", &["status", "--porcelain"]).is_empty() {
            commit(&tree, "");
        }
    }

    // What others do on the base meanwhile is not laid to the change.
    git(&tree, "", &["switch", "--quiet", "main"]);
    tree.write("api/Dockerfile", "FROM python:3.13-slim\nCMD python app.py\n");
    commit(&tree, "");
    git(&tree, "", &["switch", "--quiet", "feature"]);
    let run = tree.run(&["--diff-base", "main", "--format", "json"]);
    assert_eq!(found(&json(&run)), expected);
    assert!(run.out.contains("(where HEAD parted from main)"));

    // Fixed, and one that was known, too.
    tree.write("deploy/compose.yaml", &compose);
    tree.write("edge/.env", "GRAFANA_PASSWORD=${X}\n");
    let run = tree.run(&["--diff-base", "main", "--fail-on", "info"]);
    assert!(
        run.code == 0 && run.out.ends_with("fixed or ignored by now:\n  edge/.env: default-credentials\n"),
        "{run:?}"
    );

    // An ignore that goes lays open what it hid; together with a baseline, what either knows is known.
    let ignored = "FROM python:3.13-slim\n# confscan: ignore[explicit-root-user]\nUSER root\nCMD python app.py\n";
    tree.write("api/Dockerfile", ignored);
    commit(&tree, "");
    tree.write("api/Dockerfile", &ignored.replace("# confscan", "# "));
    let expected = [pair("explicit-root-user", "api/Dockerfile")];
    assert_eq!(found(&report(&tree, &["--diff-base", "HEAD"])), expected);
    tree.write(BASELINE, &json_of_baseline(&tree));
    assert_eq!(found(&report(&tree, &["--diff-base", "HEAD"])), []);
    assert_eq!(found(&report(&tree, &["--diff-base", "HEAD", "--no-baseline"])), expected);
}

fn json_of_baseline(tree: &Tree) -> String {
    assert_eq!(tree.run(&["baseline", "--baseline", "elsewhere.json"]).code, 0);
    let text = tree.read("elsewhere.json");
    fs::remove_file(tree.0.join("elsewhere.json")).unwrap();
    text
}

#[test]
fn the_other_commit_is_scanned_as_the_directory_is() {
    let tree = sample();
    let bad = "FROM python:3.13-slim\nUSER root\nCMD [\"python\", \"a.py\"]\n";
    tree.write("node_modules/x/Dockerfile", bad);
    tree.write("vendor/ours/Dockerfile", bad);
    tree.write("gen/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    tree.write("gen/Dockerfile", bad);
    tree.write("caf\u{e9}/\u{e9}/Dockerfile", bad);
    tree.write("big/Dockerfile", &format!("{bad}{}", "# padding\n".repeat(2_000)));
    tree.write("conf/image.txt", bad);
    tree.write("web/compose.yaml", "services:\n  w:\n    image: acme/w:1\n    env_file: ../conf/w.vars\n");
    tree.write("conf/w.vars", "GRAFANA_PASSWORD=123456\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        symlink("conf/image.txt", tree.0.join("Dockerfile")).unwrap();
        symlink("../conf", tree.0.join("web/conf")).unwrap();
        symlink("/etc/passwd", tree.0.join("web/Dockerfile")).unwrap();
        symlink("loop.Dockerfile", tree.0.join("loop.Dockerfile")).unwrap();
    }
    let tree = committed(tree);
    for args in [
        &[][..],
        &["--pedantic"],
        &["--max-file-size", "1K"],
        &["edge"],
        &["edge", "jobs"],
        &["edge/nginx.conf", "compose.yaml"],
        &["--kind", "dockerfile", "conf/image.txt"],
        &["node_modules"],
    ] {
        let alone = report(&tree, args);
        let total = alone["summary"]["findings"].as_u64().unwrap();
        let compared = report(&tree, &[args, &["--allow-gaps", "--diff-base", "HEAD"]].concat());
        let summary = &compared["summary"];
        let numbers = ["findings", "known", "fixed"].map(|key| summary[key].as_u64().unwrap());
        assert_eq!(numbers, [0, total, 0], "{args:?} {compared}");
        assert!(total > 0, "{args:?}");
    }
    // What `.gitignore` matches in either is left out in both: a folder, and what is taken in again.
    tree.write(".gitignore", "caf*/\nbig/*\n!big/Dockerfile\n*.conf\n");
    tree.write("edge/.gitignore", "!nginx.conf\n");
    commit(&tree, "");
    let all = report(&tree, &[])["summary"]["findings"].as_u64().unwrap();
    let some = report(&tree, &["--gitignore"])["summary"]["findings"].as_u64().unwrap();
    assert!(some < all, "{some} {all}");
    let summary = report(&tree, &["--gitignore", "--allow-gaps", "--diff-base", "HEAD"])["summary"].clone();
    let numbers = ["findings", "known", "fixed"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(numbers, [0, some, 0]);
    // A single file that was moved is known by its content, and what is gone beside it is not laid to it.
    fs::create_dir_all(tree.0.join("moved")).unwrap();
    fs::rename(tree.0.join("edge/nginx.conf"), tree.0.join("moved/nginx.conf")).unwrap();
    fs::remove_file(tree.0.join("jobs/supervisord.conf")).unwrap();
    let summary = report(&tree, &["moved/nginx.conf", "--diff-base", "HEAD"])["summary"].clone();
    let numbers = ["findings", "known", "fixed"].map(|key| summary[key].as_u64().unwrap());
    assert!(numbers[0] == 0 && numbers[1] > 0 && numbers[2] == 0, "{summary}");
    // A folder that the other commit did not have, and the standard input.
    tree.write("new/Dockerfile", bad);
    assert_eq!(found(&report(&tree, &["new", "--diff-base", "HEAD"])).len(), 1);
    let args = ["-", "--stdin-filename", "api/Dockerfile", "--diff-base", "HEAD", "--format", "json"];
    let run =
        tree.run_in("", &args, &tree.read("api/Dockerfile").replace("CMD python", "RUN chmod 777 /x\nCMD python"));
    assert_eq!(found(&json(&run)), [pair("world-writable-permission", "api/Dockerfile")]);
}

#[test]
fn exceptions_have_the_age_that_they_name_or_that_git_knows() {
    let tree = Tree::new(&[]);
    git(&tree, "", &["init", "--quiet"]);
    let dated = |day: &str| {
        git(&tree, "", &["add", "--all", "--force"]);
        let date = format!("{day}T12:00:00Z");
        let mut command = Command::new("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "x"]);
        let output = command.current_dir(&tree.0).env("GIT_AUTHOR_DATE", &date).env("GIT_COMMITTER_DATE", &date);
        assert!(output.output().unwrap().status.success());
    };
    let root = "USER root\nCMD [\"python\", \"a.py\"]\n";
    let head = "FROM python:3.13-slim\n# confscan: ignore[explicit-root-user]";
    tree.write("a/Dockerfile", &format!("{head} -- drops it\n{root}"));
    tree.write("b/Dockerfile", &format!("{head} since=2026-10-02 -- said\n{root}"));
    dated("2025-11-01");
    tree.write("confscan.toml", "[[ignore]]\nrule = \"explicit-root-user\"\npath = \"c/*\"\nreason = \"why\"\n");
    tree.write("c/Dockerfile", &format!("FROM python:3.13-slim\n{root}"));
    dated("2026-10-01");
    // Not committed: a line above moves the first, and a new one.
    tree.write("a/Dockerfile", &format!("# x\n{}", tree.read("a/Dockerfile")));
    tree.write("d/Dockerfile", &format!("{head} -- new\n{root}"));
    let ages = |folder: &str, args: &[&str]| -> Vec<(String, Value, bool)> {
        let run = tree.run_in(folder, &[&["--format", "json"], args].concat(), "");
        let report = json(&run);
        let suppressed = report["suppressed"].as_array().unwrap().iter();
        let path = |it: &Value| it["location"]["path"].as_str().unwrap().to_owned();
        suppressed.map(|it| (path(it), it["age_days"].clone(), it["age_at_least"] == true)).collect()
    };
    let expected = |ages: [Option<u32>; 4]| -> Vec<(String, Value, bool)> {
        let paths = ["a/Dockerfile", "b/Dockerfile", "c/Dockerfile", "d/Dockerfile"];
        paths
            .iter()
            .zip(ages)
            .map(|(path, age)| (path.to_string(), age.map_or(Value::Null, Value::from), false))
            .collect()
    };
    // Without git what is written, with it the rest; the day of the scan is 2026-11-01.
    assert_eq!(ages("", &[]), expected([None, Some(30), None, None]));
    assert_eq!(ages("", &["--blame"]), expected([Some(365), Some(30), Some(31), Some(0)]));
    let human = tree.run(&["--blame"]).out;
    assert!(human.contains("a/Dockerfile:3: explicit-root-user: drops it (since 2025-11-01, 365 days)\n"), "{human}");
    let summary = tree.run(&["--blame", "--format", "markdown"]).out;
    assert!(summary.contains("| why | since 2026-10-01, 31 days |"), "{summary}");
    // An entry is as young as its youngest line.
    tree.write("confscan.toml", &tree.read("confscan.toml").replace("why", "another"));
    assert_eq!(ages("", &["--blame"])[2].1, 0);
    // A clone that does not reach back far enough.
    git(&tree, "", &["checkout", "--quiet", "."]);
    let url = format!("file://{}", tree.0.display());
    git(&tree, "", &["clone", "--quiet", "--depth=1", &url, "shallow"]);
    assert_eq!(ages("shallow", &["--blame"])[0], ("a/Dockerfile".to_owned(), 31.into(), true));
    let human = tree.run_in("shallow", &["--blame"], "").out;
    assert!(human.contains("drops it (before 2026-10-01, at least 31 days)"), "{human}");
    let bare = Tree::new(&[("Dockerfile", "FROM a:1\n")]);
    let run = bare.run(&["--blame"]);
    assert!(run.code == 2 && run.err.contains("not in the work tree of a git repository"), "{run:?}");
    // What is no date hides nothing.
    tree.write("b/Dockerfile", &format!("{head} since=yesterday -- said\n{root}"));
    assert!(tree.run(&["--quiet"]).out.contains("`since=` is not followed by a date"));
}
