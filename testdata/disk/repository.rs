//! Comparing with a commit of a repository whose author means harm.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::tree::{Run, Tree};

const IMAGE: &str = "FROM debian:13\nUSER root\nCMD [\"python\", \"a.py\"]\n";

/// Runs git in a folder of the tree, with nothing of the machine's settings, and gives what it says.
fn git(tree: &Tree, folder: &str, args: &[&str], stdin: &[u8]) -> String {
    use std::io::Write as _;

    let mut child = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"])
        .args(["-c", "core.fsync=none", "-c", "protocol.file.allow=always"])
        .args(args)
        .current_dir(tree.0.join(folder))
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git runs");
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn committed(files: &[(&str, &str)]) -> Tree {
    let tree = Tree::new(files);
    git(&tree, "", &["init", "--quiet"], b"");
    git(&tree, "", &["add", "--all"], b"");
    git(&tree, "", &["commit", "--quiet", "--message=x"], b"");
    tree
}

fn executable(path: PathBuf, text: &str) {
    fs::write(&path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn compare(tree: &Tree, args: &[&str]) -> Run {
    tree.finish(tree.command("", &[&["--diff-base", "HEAD", "--quiet"], args].concat()))
}

#[test]
fn nothing_that_the_repository_names_runs_and_nothing_is_fetched() {
    let source = committed(&[("Dockerfile", IMAGE), ("old/Dockerfile", IMAGE)]);
    let ran = source.0.join("ran");
    let touch = format!("touch {}", ran.display());
    // A clone that lacks every file, so that git would fetch them from where its settings say, with what they say.
    let url = format!("file://{}", source.0.display());
    git(&source, "", &["config", "uploadpack.allowFilter", "true"], b"");
    let clone = ["clone", "--quiet", "--filter=blob:none", "--no-checkout", &url, "clone"];
    git(&source, "", &clone, b"");
    let program = source.0.join("evil");
    executable(program.clone(), &format!("#!/bin/sh\n{touch}\n"));
    let evil = program.to_str().unwrap();
    for (key, value) in [
        ("remote.origin.url", format!("ext::{evil}")),
        ("remote.origin.uploadpack", evil.to_owned()),
        ("remote.origin.vcs", "evil".to_owned()),
        ("protocol.allow", "always".to_owned()),
        ("protocol.ext.allow", "always".to_owned()),
        ("protocol.file.allow", "always".to_owned()),
        ("core.fsmonitor", evil.to_owned()),
        ("core.sshCommand", evil.to_owned()),
        ("core.gitProxy", evil.to_owned()),
        ("core.askPass", evil.to_owned()),
        ("core.pager", evil.to_owned()),
        ("core.editor", evil.to_owned()),
        ("core.alternateRefsCommand", evil.to_owned()),
        ("core.hooksPath", source.0.join("hooks").display().to_string()),
        ("credential.helper", format!("!{evil}")),
        ("diff.external", evil.to_owned()),
        ("diff.x.command", evil.to_owned()),
        ("diff.x.textconv", evil.to_owned()),
        ("filter.x.process", evil.to_owned()),
        ("filter.x.smudge", evil.to_owned()),
        ("filter.x.clean", evil.to_owned()),
        ("filter.x.required", "true".to_owned()),
        ("gpg.program", evil.to_owned()),
        ("log.showSignature", "true".to_owned()),
        ("alias.cat-file", format!("!{evil}")),
        ("alias.ls-tree", format!("!{evil}")),
        ("uploadpack.packObjectsHook", evil.to_owned()),
        ("submodule.recurse", "true".to_owned()),
    ] {
        git(&source, "clone", &["config", key, &value], b"");
    }
    fs::write(source.0.join("clone/.gitattributes"), "* filter=x diff=x\n").unwrap();
    fs::write(source.0.join("clone/Dockerfile"), IMAGE).unwrap();
    fs::create_dir(source.0.join("hooks")).unwrap();
    for hook in ["post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman", "pre-auto-gc"] {
        executable(source.0.join("hooks").join(hook), &format!("#!/bin/sh\n{touch}\n"));
        executable(source.0.join("clone/.git/hooks").join(hook), &format!("#!/bin/sh\n{touch}\n"));
    }
    // The git of the machine, and one that knows nothing of `GIT_NO_LAZY_FETCH`, as before 2.45.
    let path = std::env::var("PATH").unwrap();
    let mut programs = std::env::split_paths(&path).map(|folder| folder.join("git"));
    let real = programs.find(|path| path.is_file()).expect("there is a git");
    fs::create_dir(source.0.join("bin")).unwrap();
    executable(
        source.0.join("bin/git"),
        &format!(
            "#!/bin/sh\nunset GIT_NO_LAZY_FETCH\necho x >> {}\nexec {} \"$@\"\n",
            source.0.join("called").display(),
            real.display()
        ),
    );
    executable(source.0.join("bin/git-remote-evil"), &format!("#!/bin/sh\n{touch}\n"));
    executable(source.0.join("clone/git"), &format!("#!/bin/sh\n{touch}\n"));
    for before in ["".to_owned(), format!("{}:", source.0.join("bin").display()), ".::".to_owned(), "./:".to_owned()] {
        let mut command = source.command("clone", &["--diff-base", "HEAD"]);
        command.env("PATH", format!("{before}{path}")).env("GIT_EXTERNAL_DIFF", evil).env("GIT_SSH_COMMAND", evil);
        let run = source.finish(command);
        let said = "are not in this clone; `git fetch --refetch --no-filter origin";
        assert!(run.code == 2 && run.err.contains(said), "{before} {run:?}");
        assert!(!ran.exists(), "{before}: a program ran");
    }
    assert!(source.0.join("called").exists(), "the other git was called");
    // The canary sings when one of them is run.
    assert!(Command::new(evil).status().unwrap().success() && ran.exists());
}

#[test]
fn a_repository_in_the_files_of_another_one_is_not_asked() {
    let tree = Tree::new(&[("bare/Dockerfile", IMAGE)]);
    git(&tree, "", &["init", "--quiet", "--bare", "bare"], b"");
    let ran = tree.0.join("ran");
    executable(tree.0.join("evil"), &format!("#!/bin/sh\ntouch {}\n", ran.display()));
    for (key, value) in [("core.bare", "false"), ("core.worktree", "..")] {
        git(&tree, "bare", &["config", "--file", "config", key, value], b"");
    }
    let run = tree.finish(tree.command("bare", &["--diff-base", "HEAD"]));
    assert!(run.code == 2 && run.err.contains("not in the work tree of a git repository"), "{run:?}");
    assert!(!ran.exists());
}

/// A commit made of a tree, whatever may be in it.
fn commit_tree(tree: &Tree, entries: &[(&str, &str, Vec<u8>)]) {
    let list: Vec<u8> = entries
        .iter()
        .flat_map(|(mode, object, name)| {
            let kind = match *mode {
                "040000" => "tree",
                "160000" => "commit",
                _ => "blob",
            };
            [format!("{mode} {kind} {object}\t").as_bytes(), name, b"\0"].concat()
        })
        .collect();
    let made = git(tree, "", &["mktree", "-z", "--missing"], &list);
    let commit = git(tree, "", &["commit-tree", &made, "-m", "x"], b"");
    git(tree, "", &["update-ref", "HEAD", &commit], b"");
}

fn blob(tree: &Tree, content: &[u8]) -> String {
    git(tree, "", &["hash-object", "-w", "--stdin"], content)
}

#[test]
fn whatever_a_commit_holds_the_comparison_ends() {
    let tree = committed(&[("Dockerfile", IMAGE)]);
    let image = blob(&tree, IMAGE.as_bytes());
    let huge = blob(&tree, &vec![b'#'; 64 << 20]);
    let link = |target: &str| blob(&tree, target.as_bytes());
    let long = "x/../".repeat(700);
    let (up, zero, looped, long) = (link("../../Dockerfile"), link("/dev/zero"), link("loop.Dockerfile"), link(&long));
    let elsewhere = "0123456789012345678901234567890123456789";
    let mut entries: Vec<(&str, &str, Vec<u8>)> = vec![
        ("100644", &image, b"Dockerfile".to_vec()),
        ("100644", &image, b"Dockerfile.\x1b[31m\nred".to_vec()),
        ("100644", &image, b"caf\xe9.Dockerfile".to_vec()),
        ("120000", &up, b"up.Dockerfile".to_vec()),
        ("120000", &zero, b"zero.Dockerfile".to_vec()),
        ("120000", &looped, b"loop.Dockerfile".to_vec()),
        ("120000", &huge, b"huge.Dockerfile".to_vec()),
        ("160000", elsewhere, b"module".to_vec()),
        ("160000", elsewhere, b"compose.yaml".to_vec()),
    ];
    // A file that is large and costs nothing, many times over.
    let names: Vec<String> = (0..2_000).map(|number| format!("{number:04}.Dockerfile")).collect();
    entries.extend(names.iter().map(|name| ("100644", huge.as_str(), name.clone().into_bytes())));
    let links: Vec<String> = (0..200).map(|number| format!("l{number:04}.Dockerfile")).collect();
    entries.extend(links.iter().map(|name| ("120000", long.as_str(), name.clone().into_bytes())));
    entries.sort_by(|a, b| a.2.cmp(&b.2));
    commit_tree(&tree, &entries);
    let run = compare(&tree, &[]);
    assert!(run.code == 0 && !run.out.contains('\u{1b}'), "{run:?}");
    // Named in the work tree as in the commit.
    assert_eq!(compare(&tree, &["Dockerfile"]).code, 0);
}

#[test]
fn a_commit_with_more_files_than_there_is_room_for_is_refused() {
    let tree = committed(&[("Dockerfile", IMAGE)]);
    // Ten folders in each of ten, ten deep: 10^10 files in eleven objects.
    let image = blob(&tree, IMAGE.as_bytes());
    let names: Vec<String> = (0..10).map(|number| format!("{number}{}", "n".repeat(60))).collect();
    let mut below = (String::from("100644"), image);
    for _ in 0..10 {
        let list: Vec<u8> = names
            .iter()
            .flat_map(|name| {
                let kind = if below.0 == "040000" { "tree" } else { "blob" };
                format!("{} {kind} {}\t{name}\0", below.0, below.1).into_bytes()
            })
            .collect();
        below = ("040000".to_owned(), git(&tree, "", &["mktree", "-z"], &list));
    }
    commit_tree(&tree, &[("040000", &below.1, b"bomb".to_vec())]);
    let run = compare(&tree, &[]);
    assert!(run.code == 2 && run.err.contains("take more than 256 MiB"), "{run:?}");
}

#[test]
fn settings_that_name_what_never_ends_do_not_matter_to_a_plain_scan() {
    let tree = committed(&[("Dockerfile", IMAGE)]);
    for file in ["HEAD", "config", "index"] {
        let path: &Path = &tree.0.join(".git").join(file);
        fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    let run = tree.finish(tree.command("", &["--quiet"]));
    assert_eq!(run.code, 1, "{run:?}");
}
