//! Trees of links, devices, FIFOs and sockets, of what may not be read and of what changes meanwhile.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use super::tree::{Run, Tree};

const IMAGE: &str = "FROM scratch\n";
/// What is outside of the scan root, and must not be seen.
const CANARY: &str = "canary-0f6a51";
/// Another account than root's.
const NOBODY: u32 = 65534;

impl Tree {
    /// Runs the program, which has to come to its end by itself.
    fn scan(&self, args: &[&str]) -> Run {
        self.finish(self.command("", args))
    }

    /// Path and reason of everything that is skipped, `!` in front of a gap's reason.
    fn skipped(&self, args: &[&str]) -> Vec<(String, String)> {
        let run = self.scan(&[&["files", "--format", "json"], args].concat());
        let list: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let files = list["files"].as_array().unwrap().iter().filter(|file| file["kind"].is_null());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let gap = |file: &Value| if file["gap"] == true { "!" } else { "" };
        files.map(|file| (text(&file["path"]), format!("{}{}", gap(file), text(&file["skipped"])))).collect()
    }

    /// Rules and messages of the findings.
    fn found(&self, args: &[&str]) -> (i32, Vec<(String, String)>) {
        let run = self.scan(&[&["--format", "json", "--fail-on", "never"], args].concat());
        let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        let findings = report["findings"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (run.code, findings.map(|found| (text(&found["rule"]), text(&found["message"]))).collect())
    }
}

fn mkfifo(path: impl AsRef<Path>) {
    assert!(Command::new("mkfifo").arg(path.as_ref()).status().expect("mkfifo runs").success());
}

/// Whether a device can be made here.
fn mknod(path: impl AsRef<Path>, numbers: [&str; 3]) -> bool {
    Command::new("mknod").arg(path.as_ref()).args(numbers).output().is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    let tree = Tree::new(&[("closed", "")]);
    fs::set_permissions(tree.0.join("closed"), Permissions::from_mode(0o000)).unwrap();
    fs::read(tree.0.join("closed")).is_ok()
}

/// A file of 10 GiB that takes no room.
fn sparse(path: impl AsRef<Path>) {
    File::create(path).unwrap().set_len(10 << 30).unwrap();
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut list: Vec<_> = list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    list.sort();
    list
}

#[test]
fn what_is_no_plain_file_is_neither_opened_nor_passed_over_in_silence() {
    let tree = Tree::new(&[("outside/Dockerfile", CANARY), ("repo/dir/Dockerfile/Dockerfile", IMAGE)]);
    let repo = tree.0.join("repo");
    for folder in ["dev", "fifo", "sock", "sparse", "links"] {
        fs::create_dir(repo.join(folder)).unwrap();
    }
    let mut expected = vec![
        ("links/Dockerfile", "!link out of the scan root"),
        ("links/compose.yaml", "link to nothing"),
        ("links/supervisord.conf", "!link out of the scan root"),
        ("links/out/", "link out of the scan root"),
        ("links/up/", "link to the folder ./"),
        ("fifo/x.conf", "not a regular file"),
        ("sparse/Dockerfile", "!10737418240 bytes, over the limit of 1048576"),
        ("sparse/compose.yaml", "!10737418240 bytes, over the limit of 1048576"),
    ];
    let mut names = Vec::new();
    for name in ["Dockerfile", "compose.yaml", "nginx.conf", "supervisord.conf", ".env"] {
        mkfifo(repo.join("fifo").join(name));
        names.extend([format!("fifo/{name}"), format!("sock/{name}")]);
    }
    let _sockets = ["Dockerfile", "compose.yaml", "nginx.conf", "supervisord.conf", ".env"]
        .map(|name| UnixListener::bind(repo.join("sock").join(name)).unwrap());
    for (name, numbers) in
        [("Dockerfile", ["c", "1", "5"]), ("nginx.conf", ["b", "7", "200"]), (".env", ["c", "1", "7"])]
    {
        if mknod(repo.join("dev").join(name), numbers) {
            names.push(format!("dev/{name}"));
        } else {
            eprintln!("skipped: no device can be made here");
        }
    }
    expected.extend(names.iter().map(|name| (name.as_str(), "!not a regular file")));
    mkfifo(repo.join("fifo/x.conf"));
    // By its name it may be a config: what it holds decides, and a sparse file holds nothing.
    sparse(repo.join("sparse/x.conf"));
    sparse(repo.join("sparse/Dockerfile"));
    sparse(repo.join("sparse/compose.yaml"));
    for (target, link) in [
        ("../../outside/Dockerfile", "Dockerfile"),
        ("nothing", "compose.yaml"),
        ("nginx.conf", "nginx.conf"),
        ("/dev/zero", "supervisord.conf"),
        ("../../outside", "out"),
        ("..", "up"),
        ("loop", "loop"),
    ] {
        symlink(target, repo.join("links").join(link)).unwrap();
    }
    let mut skipped = tree.skipped(&["--root", "repo", "repo"]);
    let at = skipped.iter().position(|(path, _)| path == "links/nginx.conf").expect("the loop is listed");
    assert!(skipped.remove(at).1.starts_with("!link that cannot be followed: "));
    skipped.sort();
    assert_eq!(skipped, pairs(&expected));
    let (code, found) = tree.found(&["--root", "repo", "repo"]);
    assert_eq!(code, 2);
    let gaps = expected.iter().filter(|(_, reason)| reason.starts_with('!')).count() + 1;
    assert_eq!(found.iter().filter(|(rule, _)| rule == "unreadable-file").count(), gaps, "{found:?}");
}

#[test]
fn what_a_config_refers_to_is_opened_when_it_is_a_plain_file_only() {
    let tree = Tree::new(&[
        ("outside/nginx.conf", CANARY),
        (
            "repo/compose.yaml",
            "include: [a.fifo]\nservices:\n  a:\n    image: nginx:1.29\n    env_file: [b.fifo, folder, large]\n    \
             volumes: ['./c.fifo:/etc/nginx/nginx.conf', './d.link:/etc/nginx/conf.d/a.conf']\n  b:\n    build: {context: ., \
             dockerfile: e.fifo}\n  c:\n    extends: {file: f.fifo, service: x}\n    image: x\n  d:\n    build: ctx\n",
        ),
        ("repo/folder/x", ""),
        ("repo/ctx/Dockerfile", "FROM nginx:1.29\nCOPY g.fifo /etc/nginx/conf.d/b.conf\nCOPY . /app\n"),
    ]);
    let repo = tree.0.join("repo");
    for fifo in ["a.fifo", "b.fifo", "c.fifo", "e.fifo", "f.fifo", "ctx/g.fifo", "ctx/.dockerignore", "ctx/id_rsa"] {
        mkfifo(repo.join(fifo));
    }
    sparse(repo.join("large"));
    symlink("../outside/nginx.conf", repo.join("d.link")).unwrap();
    let (code, found) = tree.found(&["--root", "repo", "repo"]);
    assert_eq!(code, 2);
    for name in ["a.fifo", "b.fifo", "folder", "large", "c.fifo", "d.link", "e.fifo", "f.fifo", "ctx/g.fifo"] {
        let told = |(rule, message): &(String, String)| {
            matches!(rule.as_str(), "unresolved-reference" | "unreadable-file")
                && message.contains(&format!("`{name}`"))
        };
        assert!(found.iter().any(told), "{name}: {found:?}");
    }
}

#[test]
fn what_says_which_stacks_run_and_cannot_be_read_is_a_gap() {
    let padding = "# padding\n".repeat(120_000);
    let compose = "services:\n  web:\n    image: nginx:1.29\n";
    let tree = Tree::new(&[
        ("compose.yaml", compose),
        ("bin/up", &format!("#!/bin/sh\n{padding}")),
        ("ci/start.sh", &padding),
    ]);
    fs::write(tree.0.join("deploy.ps1"), b"\xff\xfed\0o\0c\0k\0e\0r\0").unwrap();
    fs::create_dir_all(tree.0.join(".github/workflows")).unwrap();
    for fifo in ["Makefile", "README.md", "CHANGELOG.md"] {
        mkfifo(tree.0.join(fifo));
    }
    sparse(tree.0.join(".github/workflows/up.yml"));
    sparse(tree.0.join("bin/tool"));
    sparse(tree.0.join("justfile"));
    symlink("../outside", tree.0.join("run.bat")).unwrap();
    symlink("/dev/null", tree.0.join("Procfile")).unwrap();
    let named = [
        ("CHANGELOG.md", "not a regular file"),
        (".github/workflows/up.yml", "!10737418240 bytes, over the limit of 1048576"),
        ("Makefile", "!not a regular file"),
        ("Procfile", "!leads out of the scan root"),
        ("README.md", "not a regular file"),
        ("bin/up", "!1200010 bytes, over the limit of 1048576"),
        ("ci/start.sh", "!1200000 bytes, over the limit of 1048576"),
        ("deploy.ps1", "!it is not UTF-8"),
        ("justfile", "!10737418240 bytes, over the limit of 1048576"),
    ];
    assert_eq!(tree.skipped(&[]), pairs(&named));
    let (code, found) = tree.found(&[]);
    assert_eq!(code, 2);
    assert_eq!(found.iter().filter(|(rule, _)| rule == "unreadable-file").count(), named.len() - 2, "{found:?}");
    // Where it is said which stacks there are, nothing that might say it is lacking.
    tree.write("confscan.toml", "[[stack]]\nfiles = [\"compose.yaml\"]\n");
    let listed = named.map(|(path, reason)| (path, reason.trim_start_matches('!').to_owned()));
    assert_eq!(tree.skipped(&[]), pairs(&listed.each_ref().map(|(path, reason)| (*path, reason.as_str()))));
    assert_eq!(tree.found(&[]).0, 0);
    tree.write("other/compose.yaml", compose);
    assert_eq!(tree.found(&[]).0, 2);
}

#[test]
fn a_long_script_says_which_stacks_run() {
    let padding = "# padding\n".repeat(100_000);
    let tree = Tree::new(&[
        ("a.compose.yaml", "services:\n  web:\n    image: nginx:1.29\n"),
        ("b.compose.yaml", "services:\n  web:\n    privileged: true\n"),
        ("Makefile", &format!("{padding}up:\n\tdocker compose -f a.compose.yaml -f b.compose.yaml up\n")),
    ]);
    let run = tree.scan(&["containers"]);
    assert!(run.out.contains("Makefile"), "{run:?}");
}

#[test]
fn nothing_that_is_read_beside_the_configs_makes_the_scan_wait() {
    // Where a FIFO lies, what is asked, the exit code, and what is said.
    let cases: &[(&str, &[&str], i32, &str)] = &[
        ("Dockerfile.x", &["Dockerfile.x"], 2, "neither a directory nor a regular file"),
        ("x", &["--config", "x"], 2, "x: not a regular file"),
        ("x", &["--baseline", "x"], 2, "x: not a regular file"),
        ("confscan.toml", &[], 2, "confscan.toml: not a regular file"),
        ("sub/confscan.toml", &[], 2, "sub/confscan.toml: not a regular file"),
        ("confscan-baseline.json", &[], 2, "confscan-baseline.json: not a regular file"),
        ("confscan-baseline.json", &["baseline"], 2, "confscan-baseline.json: not a regular file"),
        ("sub/CACHEDIR.TAG", &[], 0, ""),
        ("sub/.gitignore", &["--gitignore"], 0, ""),
        (".git/info/exclude", &["--gitignore"], 0, ""),
        (".gitignore", &["--gitignore", "sub"], 0, ""),
    ];
    for (fifo, args, code, said) in cases {
        let tree = Tree::new(&[("sub/Dockerfile", IMAGE), (".git/HEAD", ""), (".git/info/x", "")]);
        mkfifo(tree.0.join(fifo));
        let run = tree.scan(args);
        assert!(run.code == *code && run.err.contains(said), "{fifo} {args:?} {run:?}");
    }
    for device in ["/dev/zero", "/dev/tty"] {
        let tree = Tree::new(&[("sub/Dockerfile", IMAGE)]);
        let run = tree.scan(&["--kind", "dotenv", device]);
        assert!(run.code == 2 && run.err.starts_with("confscan: /dev/"), "{run:?}");
        // Git does not follow such a link either.
        symlink(device, tree.0.join("sub/.gitignore")).unwrap();
        let skipped = tree.skipped(&["--gitignore"]);
        assert_eq!(skipped, pairs(&[("sub/.gitignore", "patterns that do not count: not a regular file")]));
    }
}

#[test]
fn gitignore_counts_up_to_the_repository_and_what_it_leaves_out_is_listed() {
    let tree = Tree::new(&[
        (".gitignore", "*\n"),
        ("repo/.git/info/exclude", "*.local.env\n!kept.env\n"),
        ("repo/.gitignore", "*.env\n/out/\nDockerfile.*\n"),
        ("repo/sub/.gitignore", "!kept.env\n"),
        ("repo/out/Dockerfile", IMAGE),
        ("repo/sub/out/Dockerfile", IMAGE),
        ("repo/sub/kept.env", "A=1\n"),
        ("repo/sub/other.env", "A=1\n"),
        ("repo/sub/Dockerfile.x", IMAGE),
        ("repo/sub/ignored.txt", ""),
        ("repo/module/.git", "gitdir: ../.git/modules/module\n"),
        ("repo/module/prod.env", "A=1\n"),
    ]);
    let ignored = "matched by .gitignore";
    for (root, expected) in [
        (
            "repo",
            &[
                (".git/", "version control"),
                ("out/", ignored),
                ("sub/Dockerfile.x", ignored),
                ("sub/other.env", ignored),
            ][..],
        ),
        ("repo/sub", &[("sub/Dockerfile.x", ignored), ("sub/other.env", ignored)]),
    ] {
        assert_eq!(tree.skipped(&["--gitignore", root]), pairs(expected), "{root}");
    }
    let run = tree.scan(&["files", "--gitignore", "repo"]);
    for taken in ["module/prod.env", "sub/kept.env", "sub/out/Dockerfile"] {
        assert!(run.out.contains(&format!("{taken}  ")), "{run:?}");
    }
    // A folder that is named is entered whatever is said of it.
    assert!(tree.scan(&["files", "--gitignore", "repo/out"]).out.starts_with("out/Dockerfile"));
}

#[test]
fn what_may_not_be_read_is_a_gap() {
    let tree = Tree::new(&[
        ("Dockerfile", IMAGE),
        ("Makefile", "up:\n\tdocker compose up\n"),
        ("closed/Dockerfile", IMAGE),
        ("unsearchable/Dockerfile", IMAGE),
        ("compose.yaml", "services:\n  a:\n    image: x:1\n    env_file: [vars, closed/vars]\n"),
        ("vars", "A=1\n"),
        ("to/real", "A=1\n"),
    ]);
    symlink("closed/Dockerfile", tree.0.join("linked.Dockerfile")).unwrap();
    let closed =
        [("Dockerfile", 0o000), ("Makefile", 0o000), ("vars", 0o000), ("closed", 0o000), ("unsearchable", 0o444)];
    for (path, mode) in closed {
        fs::set_permissions(tree.0.join(path), Permissions::from_mode(mode)).unwrap();
    }
    let mut command = tree.command("", &["files", "--format", "json"]);
    let mut scan = tree.command("", &["--fail-on", "never", "-o", "/dev/null"]);
    if is_root() {
        // Permissions do not stop root.
        command.uid(NOBODY).gid(NOBODY);
        scan.uid(NOBODY).gid(NOBODY);
    }
    let listed = command.output().map_err(|error| error.to_string()).and_then(|output| {
        serde_json::from_slice::<Value>(&output.stdout)
            .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
    });
    let code = scan.status().ok().and_then(|status| status.code());
    for (path, _) in closed {
        fs::set_permissions(tree.0.join(path), Permissions::from_mode(0o755)).unwrap();
    }
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return eprintln!("skipped: the program cannot run as another account: {error}"),
    };
    for path in ["Dockerfile", "Makefile", "closed/", "unsearchable/Dockerfile", "linked.Dockerfile", "vars"] {
        let file = listed["files"].as_array().unwrap().iter().find(|file| file["path"] == path);
        let file = file.unwrap_or_else(|| panic!("{path} is not listed: {listed}"));
        let reason = file["skipped"].as_str().unwrap_or_default();
        assert!(file["gap"] == true && reason.contains("permission denied"), "{file}");
    }
    assert_eq!(code, Some(2));
}

#[test]
fn a_folder_that_cannot_be_written_to_is_scanned_and_nothing_is_left_in_it() {
    let tree = Tree::new(&[("Dockerfile", IMAGE)]);
    let command = |args: &[&str]| {
        let mut command = tree.command("", args);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command.output()
    };
    fs::set_permissions(&tree.0, Permissions::from_mode(0o555)).unwrap();
    let runs = [&["--fail-on", "never"][..], &["-o", "x.json"], &["baseline"], &["init"]].map(command);
    fs::set_permissions(&tree.0, Permissions::from_mode(0o755)).unwrap();
    for (index, run) in runs.into_iter().enumerate() {
        let run = match run {
            Ok(run) => run,
            Err(error) => return eprintln!("skipped: the program cannot run as another account: {error}"),
        };
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(if index == 0 { 0 } else { 2 }), "{said}");
        assert!(index == 0 || said.contains("Permission denied"), "{said}");
    }
    assert_eq!(fs::read_dir(&tree.0).unwrap().count(), 1);
}

#[test]
fn names_that_differ_in_case_and_paths_that_no_system_call_takes() {
    let tree = Tree::new(&[("a/Dockerfile", IMAGE), ("a/dockerfile", IMAGE), ("a/DOCKERFILE", IMAGE)]);
    let twins = fs::read_dir(tree.0.join("a")).unwrap().count();
    let run = tree.scan(&["files"]);
    assert_eq!(run.out.lines().count(), twins, "{run:?}");
    // Made from the inside: the whole path is longer than PATH_MAX.
    let script = "d=$(printf '%0200d' 0); i=0; while [ $i -lt 30 ]; do mkdir $d && cd -P ./$d || exit 1; i=$((i+1)); \
                  echo 'FROM scratch' > Dockerfile; done";
    let made =
        Command::new("sh").args(["-c", script]).current_dir(&tree.0).status().is_ok_and(|status| status.success());
    if !made {
        return eprintln!("skipped: this shell makes no paths beyond PATH_MAX");
    }
    let skipped = tree.skipped(&[]);
    let (path, reason) = skipped.first().unwrap_or_else(|| panic!("{skipped:?}"));
    assert!(path.len() > 3_000 && reason.starts_with("!File name too long"), "{skipped:?}");
    assert_eq!(tree.found(&[]).0, 2);
    assert!(Command::new("rm").arg("-rf").arg(&tree.0).status().unwrap().success());
}

#[test]
fn a_path_in_a_config_may_be_as_long_as_the_file() {
    for path in ["a/".repeat(200_000), "../".repeat(100_000), "./".repeat(100_000), "x".repeat(200_000)] {
        let tree = Tree::new(&[
            (
                "compose.yaml",
                &format!(
                    "include: ['{path}c']\nservices:\n  a:\n    image: nginx:1.29\n    env_file: '{path}e'\n    volumes: \
                     ['./{path}v:/etc/nginx/nginx.conf']\n  b:\n    build: '{path}b'\n"
                ),
            ),
            ("Dockerfile", &format!("FROM nginx:1.29\nCOPY {path}d /etc/nginx/conf.d/\n")),
        ]);
        let run = tree.scan(&["--max-file-size", "4M"]);
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(run.out.contains("unresolved-reference") || run.out.contains("referenced-file-missing"));
    }
}

#[test]
fn the_root_may_be_a_link_or_empty_or_have_the_name_of_a_config() {
    let tree = Tree::new(&[("real/Dockerfile", IMAGE), ("Dockerfile/Dockerfile", IMAGE), ("empty/x", "")]);
    symlink("real", tree.0.join("link")).unwrap();
    symlink("real/Dockerfile", tree.0.join("file")).unwrap();
    for (path, code, listed) in [
        ("link", 0, "real/Dockerfile  "),
        ("Dockerfile", 0, "Dockerfile/Dockerfile  "),
        ("file", 0, "real/Dockerfile  "),
        ("empty", 3, ""),
    ] {
        let run = tree.scan(&["files", path]);
        assert!(run.code == code && run.out.starts_with(listed), "{path} {run:?}");
        assert_eq!(tree.scan(&["--fail-on", "never", path]).code, code, "{path}");
    }
    // No size is known of such a file before it is read.
    if Path::new("/proc/self/environ").exists() {
        let run = tree.scan(&["--kind", "dotenv", "--max-file-size", "8", "/proc/self/environ"]);
        assert!(run.code == 2 && run.out.contains("over the limit of 8"), "{run:?}");
    }
}

#[test]
fn what_changes_under_the_scan_neither_stops_it_nor_leads_it_out() {
    let tree = Tree::new(&[("outside/Dockerfile", &format!("FROM {CANARY}\nUSER root\n")), ("outside/.env", CANARY)]);
    for number in 0..40 {
        tree.write(
            format!("repo/{number}/compose.yaml"),
            "services:\n  a:\n    build: ../swapped\n    env_file: ../swapped/.env\n",
        );
    }
    tree.write("repo/swapped/Dockerfile", IMAGE);
    tree.write("repo/swapped/.env", "A=1\n");
    tree.write("large", &"#".repeat(2 << 20));
    mkfifo(tree.0.join("fifo"));
    let repo = tree.0.join("repo");
    /// Ends the changes, whatever becomes of the test.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stopping = Stop(&stop);
        scope.spawn(|| {
            let pause = || std::thread::sleep(Duration::from_millis(1));
            // Errors are those of a step that came too late.
            let swap = |path: &Path, other: &Path| {
                let aside = path.with_extension("aside");
                let _ = fs::rename(path, &aside);
                let _ = symlink(other, path);
                pause();
                let _ = fs::remove_file(path);
                let _ = fs::rename(&aside, path);
            };
            while !stop.load(Ordering::Relaxed) {
                swap(&repo.join("swapped"), &tree.0.join("outside"));
                let file = repo.join("swapped/Dockerfile");
                swap(&file, &tree.0.join("outside/Dockerfile"));
                for other in ["fifo", "large"] {
                    let _ = fs::rename(&file, repo.join("aside"));
                    let _ = fs::rename(tree.0.join(other), &file);
                    pause();
                    let _ = fs::rename(&file, tree.0.join(other));
                    let _ = fs::rename(repo.join("aside"), &file);
                }
            }
        });
        let args = ["repo", "--format", "json", "--fail-on", "never"];
        let slowly = || {
            // Between the look at a path and its opening there is time for everything.
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=openat", "-e", "inject=openat:delay_enter=3000"]);
            strace.arg(env!("CARGO_BIN_EXE_confscan")).args(args).current_dir(&tree.0);
            strace
        };
        let traced =
            slowly().stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.code() < Some(3));
        if !traced {
            eprintln!("skipped: no strace makes the program slow here");
        }
        let runs: Vec<Run> = (0..if traced { 8 } else { 40 })
            .map(|_| if traced { tree.finish(slowly()) } else { tree.scan(&args) })
            .collect();
        drop(stopping);
        for run in runs {
            assert!(matches!(run.code, 0 | 2), "{run:?}");
            assert!(!run.out.contains(CANARY) && !run.out.contains("internal-error"), "{run:?}");
        }
    });
}
