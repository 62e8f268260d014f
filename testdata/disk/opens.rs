//! What the program asks the system for, as strace sees it: no network, no other program, nothing outside.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::canary;
use super::tree::Tree;

/// What every program opens that is started on Linux, and what tells how many threads make sense.
const SYSTEM: [&str; 10] = [
    // The loader: which libraries there are, and the C library.
    "/etc/ld.so.cache",
    "/etc/ld.so.preload",
    "/lib",
    "/lib64",
    "/usr/lib",
    // glibc asks for the bounds of the main thread's stack, Rust's library for the limit of processors.
    "/proc/self/maps",
    // glibc asks whether memory that is given back has to be given back at once.
    "/proc/sys/vm/overcommit_memory",
    "/proc/self/cgroup",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// A system call, as one line of the trace.
struct Call {
    name: String,
    arguments: String,
}

impl Call {
    /// `PID name(arguments) = result`, or its first half where another thread came in between.
    fn parse(line: &str) -> Option<Call> {
        let (_, call) = line.split_once(' ')?;
        let (name, arguments) = call.trim_start().split_once('(')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then(|| Call { name: name.to_owned(), arguments: arguments.to_owned() })
    }

    /// The paths that it names: the quoted ones, below the folder of the descriptor in front where they are relative.
    fn paths(&self) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        let mut rest = self.arguments.as_str();
        let mut folder = "";
        while let Some(at) = rest.find(['<', '"', ')']) {
            let (mark, after) = (&rest[at..=at], &rest[at + 1..]);
            let end = match mark {
                "<" => after.find('>'),
                "\"" => after.find('"'),
                // Behind the arguments stands the result.
                _ => break,
            };
            let Some(end) = end else { break };
            match mark {
                "<" => folder = &after[..end],
                _ => paths.push(plain(&Path::new(folder).join(&after[..end]))),
            }
            rest = &after[end + 1..];
        }
        paths
    }

    fn writes(&self) -> bool {
        let changes =
            ["rename", "unlink", "mkdir", "rmdir", "link", "symlink", "chmod", "chown", "truncate", "mknod", "utime"];
        let opens = self.name.starts_with("open")
            && ["O_WRONLY", "O_RDWR", "O_CREAT"].iter().any(|flag| self.arguments.contains(flag));
        opens
            || self.name == "creat"
            || changes.iter().any(|name| self.name.contains(name))
                && self.name != "readlink"
                && self.name != "readlinkat"
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The system calls about files, processes and the network of `confscan ARGS` in `folder`; nothing where there is no
/// strace, or none that may trace.
fn trace(tree: &Tree, folder: &Path, args: &[&str]) -> Option<Vec<Call>> {
    let log = tree.0.join("trace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-y", "-s", "4096", "-e", "trace=%file,%process,%network,ftruncate,fchmod", "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_confscan"))
        .args(args)
        .current_dir(folder)
        .env("HOME", &tree.0)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        // Of cargo, for tests: the loader would look for libraries there.
        .env_remove("LD_LIBRARY_PATH")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let Ok(status) = strace.status() else {
        eprintln!("skipped: there is no strace here");
        return None;
    };
    let text = fs::read_to_string(&log).unwrap_or_default();
    let calls: Vec<Call> = text.lines().filter_map(Call::parse).collect();
    if !calls.iter().any(|call| call.name == "execve") {
        eprintln!("skipped: strace may not trace here");
        return None;
    }
    assert!(matches!(status.code(), Some(0..=2)), "{status}");
    Some(calls)
}

/// Checks that nothing is asked for but what may be: nothing of the network, no program but `programs`, nothing opened
/// outside of `root` but what every program opens and `beside`, nothing written but `written` and the file that takes the
/// place of one.
fn check(calls: &[Call], root: &Path, beside: &[PathBuf], written: &[PathBuf], programs: &[&str]) {
    let program = Path::new(env!("CARGO_BIN_EXE_confscan"));
    let mut ran = BTreeSet::new();
    let mut opened = 0;
    for call in calls {
        let shown = format!("{}({}", call.name, call.arguments);
        let paths = call.paths();
        let is_temporary = |path: &Path, of: &PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            path.parent() == of.parent()
                && name.starts_with(&format!(".{}.", of.file_name().unwrap().to_string_lossy()))
        };
        let is_written = |path: &PathBuf| written.iter().any(|of| path == of || is_temporary(path, of));
        match call.name.as_str() {
            "execve" => {
                let file = paths.first().unwrap_or_else(|| panic!("{shown}"));
                ran.insert(file.clone());
            }
            name if name.starts_with("exec") => panic!("{shown}"),
            "socket" | "connect" | "bind" | "listen" | "sendto" | "sendmsg" | "accept" | "accept4" => panic!("{shown}"),
            // A pair of sockets in the process, by which it hears whether what it started did start.
            "socketpair" | "recvfrom" | "recvmsg" => assert!(!programs.is_empty(), "{shown}"),
            _ if call.writes() => {
                let null = |path: &PathBuf| path == Path::new("/dev/null");
                let inside = !call.name.starts_with("open") && paths.is_empty();
                assert!(inside || paths.iter().all(|path| is_written(path) || null(path)), "{shown}");
            }
            name if name.starts_with("open") => {
                opened += 1;
                let path = paths.first().unwrap_or_else(|| panic!("{shown}"));
                let allowed = path.starts_with(root)
                    || SYSTEM.iter().any(|system| path.starts_with(system))
                    || beside.iter().any(|beside| path.starts_with(beside));
                assert!(allowed, "outside of {}: {shown}", root.display());
            }
            _ => {}
        }
    }
    assert!(opened > 10, "{opened}");
    ran.remove(program);
    let names: Vec<_> = ran.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    assert!(names.iter().all(|name| programs.contains(name)), "{ran:?}");
    assert_eq!(names.is_empty(), programs.is_empty(), "{ran:?}");
}

#[test]
fn a_scan_opens_nothing_outside_and_runs_nothing() {
    let tree = Tree::new(&[]);
    let root = fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/repos")).unwrap();
    let outputs = ["json", "sarif", "human", "markdown", "junit"].map(|format| tree.0.join(format));
    let mut args = vec!["--pedantic".to_owned(), "--gitignore".to_owned(), ".".to_owned()];
    args.extend(
        outputs
            .iter()
            .map(|file| format!("--output={}={}", file.file_name().unwrap().to_str().unwrap(), file.display())),
    );
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let Some(calls) = trace(&tree, &root, &args) else { return };
    // The settings of the repository, between its root and the scan root.
    let repository = root.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&root);
    let above: Vec<PathBuf> = root
        .ancestors()
        .take_while(|folder| folder.starts_with(repository))
        .flat_map(|folder| ["confscan.toml", ".gitignore", ".git/info/exclude"].map(|name| folder.join(name)))
        .collect();
    check(&calls, &root, &above, &outputs, &[]);
    for args in [&["files"][..], &["containers"], &["rules"], &["explain", "missing-user"], &["completions", "fish"]] {
        let Some(calls) = trace(&tree, &root, args) else { return };
        let opens = calls.iter().filter(|call| call.name.starts_with("open")).count();
        assert!(opens < 20 || matches!(args[0], "files" | "containers"), "{args:?} opens {opens} files");
        if opens > 10 {
            check(&calls, &root, &above, &[], &[]);
        }
    }
}

#[test]
fn no_reference_out_of_the_root_is_opened() {
    let (tree, _) = canary::tree();
    let root = tree.0.join("repo");
    for args in [&["--pedantic"][..], &["files"], &["--gitignore"], &["--root", ".", "0"]] {
        let Some(calls) = trace(&tree, &root, args) else { return };
        check(&calls, &root, &[], &[], &[]);
    }
    // The check sees what is opened where it may not be.
    let Some(calls) = trace(&tree, &tree.0, &["."]) else { return };
    assert!(std::panic::catch_unwind(|| check(&calls, &root, &[], &[], &[])).is_err());
    let written = [root.join("confscan-baseline.json")];
    let Some(calls) = trace(&tree, &root, &["baseline", "--allow-gaps"]) else { return };
    check(&calls, &root, &[], &written, &[]);
}

#[test]
fn comparing_with_a_commit_runs_git_and_nothing_else() {
    let (tree, _) = canary::tree();
    let root = tree.0.join("repo");
    for args in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message=x"]] {
        let git = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.org"])
            .args(args)
            .current_dir(&root)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .status();
        assert!(git.is_ok_and(|status| status.success()), "{args:?}");
    }
    let Some(calls) = trace(&tree, &root, &["--diff-base", "HEAD"]) else { return };
    // git's own: the settings of its user, and where its standard streams lead.
    let beside = [tree.0.join(".gitconfig"), tree.0.join(".config/git"), PathBuf::from("/dev/null")];
    check(&calls, &root, &beside, &[], &["git"]);
    let commands = ["rev-parse", "remote", "merge-base", "ls-tree", "ls-files", "cat-file"];
    for call in calls.iter().filter(|call| call.name == "execve" && call.arguments.contains("/git\"")) {
        assert!(
            commands.iter().any(|command| call.arguments.contains(&format!("\"{command}\""))),
            "{}",
            call.arguments
        );
    }
}
