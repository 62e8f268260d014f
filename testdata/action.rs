//! The GitHub Action as a runner starts it: its steps in a made-up `GITHUB_*` environment, with a release on this machine.
#![cfg(unix)]

#[path = "support/tree.rs"]
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use sha2::{Digest as _, Sha256};
use tree::Tree;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const ARCHIVE: &str = "confscan-x86_64-unknown-linux-musl.tar.gz";
const DOCKERFILE: &str = "FROM python:3.13-slim\nUSER root\nCMD [\"app\"]\n";

/// A step, as far as the runner would see it.
#[derive(Debug)]
struct Step {
    code: i32,
    log: String,
    outputs: BTreeMap<String, String>,
    summary: String,
}

impl Step {
    fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }
}

/// A runner: a workspace, the action in a folder of its own, a temporary folder.
struct Runner {
    tree: Tree,
    environment: BTreeMap<String, String>,
}

impl Runner {
    fn new(files: &[(&str, &str)]) -> Runner {
        let tree = Tree::new(&[]);
        for (path, text) in files {
            tree.write(Path::new("work").join(path), text);
        }
        for folder in ["work", "temp", "release/download/v0.1.0", "bin"] {
            fs::create_dir_all(tree.0.join(folder)).unwrap();
        }
        for file in ["install.sh", "scan.sh", "checksums.txt"] {
            tree.write(format!("action/{file}"), &fs::read_to_string(format!("{ROOT}/action/{file}")).unwrap());
        }
        let path = format!("{}:{}", tree.0.join("bin").display(), std::env::var("PATH").unwrap());
        let at = |name: &str| tree.0.join(name).display().to_string();
        let mut environment = BTreeMap::from([
            ("PATH".to_owned(), path),
            ("HOME".to_owned(), at("temp")),
            ("RUNNER_OS".to_owned(), "Linux".to_owned()),
            ("RUNNER_ARCH".to_owned(), "X64".to_owned()),
            ("RUNNER_TEMP".to_owned(), at("temp")),
            ("GITHUB_WORKSPACE".to_owned(), at("work")),
            ("SOURCE_DATE_EPOCH".to_owned(), "1793491200".to_owned()),
            ("CONFSCAN".to_owned(), env!("CARGO_BIN_EXE_confscan").to_owned()),
        ]);
        environment.extend(defaults().into_iter().map(|(name, value)| (variable(&name), value)));
        Runner { tree, environment }
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Runner {
        let name = if name.chars().any(char::is_uppercase) { name.to_owned() } else { variable(name) };
        self.environment.insert(name, value.to_owned());
        self
    }

    /// Runs a script of the action in the workspace.
    fn step(&self, script: &str) -> Step {
        for file in ["output", "summary"] {
            self.tree.write(file, "");
        }
        let mut command = Command::new("bash");
        command.arg(self.tree.0.join("action").join(script)).current_dir(self.tree.0.join("work"));
        command.env_clear().envs(&self.environment);
        command.env("GITHUB_OUTPUT", self.tree.0.join("output"));
        command.env("GITHUB_STEP_SUMMARY", self.tree.0.join("summary"));
        let output = command.output().unwrap();
        let log = [output.stdout, output.stderr].concat();
        let mut outputs = BTreeMap::new();
        for line in self.tree.read("output").lines() {
            let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no output: {line:?}"));
            assert!(outputs.insert(name.to_owned(), value.to_owned()).is_none(), "{name} is set twice");
        }
        Step {
            code: output.status.code().unwrap(),
            log: String::from_utf8_lossy(&log).into_owned(),
            outputs,
            summary: self.tree.read("summary"),
        }
    }

    fn scan(&self) -> Step {
        self.step("scan.sh")
    }

    /// Makes a release of a program that is this build of confscan, and serves it.
    fn release(&mut self) -> String {
        let folder = self.tree.0.join("release/confscan-x86_64-unknown-linux-musl");
        fs::create_dir_all(&folder).unwrap();
        let program = folder.join("confscan");
        fs::write(&program, format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_confscan"))).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let archive = self.tree.0.join("release/download/v0.1.0").join(ARCHIVE);
        let packed = Command::new("tar")
            .arg("-czf")
            .arg(&archive)
            .arg("-C")
            .arg(self.tree.0.join("release"))
            .arg("confscan-x86_64-unknown-linux-musl")
            .status();
        assert!(packed.unwrap().success());
        let digest: String =
            Sha256::digest(fs::read(&archive).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect();
        let address = serve(self.tree.0.join("release"));
        self.set("mirror", &address);
        digest
    }

    fn table(&self, text: &str) {
        self.tree.write("action/checksums.txt", text);
    }
}

/// The number of findings in a path of the workspace, as the program counts them.
fn count(runner: &Runner, path: &str) -> usize {
    let run = runner.tree.run_in("work", &["--format", "json", "--kind=dockerfile", "--fail-on=never", "--", path], "");
    let report: serde_json::Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    usize::try_from(report["summary"]["findings"].as_u64().unwrap()).unwrap()
}

/// The variable that an input is handed over in.
fn variable(input: &str) -> String {
    format!("INPUT_{}", input.replace('-', "_").to_uppercase())
}

fn action() -> String {
    fs::read_to_string(format!("{ROOT}/action.yml")).unwrap()
}

/// The inputs of the action with what they are when they are not set.
fn defaults() -> BTreeMap<String, String> {
    let text = action();
    let inputs = text.split_once("\ninputs:\n").unwrap().1.split_once("\noutputs:\n").unwrap().0.to_owned();
    let mut defaults = BTreeMap::new();
    let mut name = String::new();
    for line in inputs.lines() {
        if let Some(default) = line.strip_prefix("    default: ") {
            defaults.insert(name.clone(), default.trim_matches('"').to_owned());
        } else if let Some(key) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            name = key.trim_end_matches(':').to_owned();
        }
    }
    defaults
}

/// The part of the action between two of its keys: names with their descriptions.
fn described(from: &str, to: &str) -> Vec<(String, String)> {
    let text = action();
    let part = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let mut described = Vec::new();
    let mut name = "";
    for line in part.lines() {
        if let Some(description) = line.strip_prefix("    description: ") {
            described.push((name.to_owned(), description.trim_matches('"').to_owned()));
        } else if let Some(key) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            name = key.trim_end_matches(':');
        }
    }
    described
}

/// Serves the files of a folder over HTTP on the loopback address until the test ends; gives the address.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| answer(stream, &folder)));
    address
}

fn answer(mut stream: TcpStream, folder: &Path) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
    let path = request.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let _ = match fs::read(folder.join(path)) {
        Ok(body) => write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())
            .and_then(|()| stream.write_all(&body)),
        Err(_) => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    };
}

#[test]
fn every_input_reaches_the_scripts_through_the_environment_alone() {
    let text = action();
    let scripts: String =
        ["install", "scan"].map(|name| fs::read_to_string(format!("{ROOT}/action/{name}.sh")).unwrap()).concat();
    for input in defaults().keys().filter(|input| !["token", "category"].contains(&input.as_str())) {
        let name = variable(input);
        assert!(text.contains(&format!("        {name}: ${{{{ inputs.{input} }}}}\n")), "{input}");
        let named = scripts.contains(&name) || scripts.contains(&format!(" {input}"));
        assert!(named, "{input} is not used");
    }
    let uses = text.lines().filter_map(|line| line.trim().strip_prefix("uses: "));
    for action in uses {
        let pin = action.split_once('@').unwrap().1.split_once(" # v").expect("a commit and its version").0;
        assert!(pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit()), "{action}");
    }
    let runs: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("run: ")).collect();
    assert!(runs.iter().all(|run| !run.contains("${{")), "{runs:?}");
    assert_eq!(runs.len(), 3);
    // What the last step leaves is what the action says that it gives.
    let outputs = text.split_once("\noutputs:\n").unwrap().1.split_once("\nruns:\n").unwrap().0.to_owned();
    let declared: BTreeSet<&str> = outputs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with(' ')))
        .collect();
    let step = Runner::new(&[("Dockerfile", DOCKERFILE)]).scan();
    let given: BTreeSet<&str> = step.outputs.keys().map(String::as_str).filter(|name| *name != "verdict").collect();
    assert_eq!(given, declared);
}

#[test]
fn the_page_about_the_action_lists_its_inputs_and_outputs() {
    let path = format!("{ROOT}/docs/github.md");
    let page = fs::read_to_string(&path).unwrap();
    let defaults = defaults();
    let cell = |text: &str| text.replace('|', "\\|");
    let shown = |name: &str| match defaults[name].as_str() {
        "" => String::new(),
        default if default.starts_with("${{") => "the job's".to_owned(),
        default => format!("`{default}`"),
    };
    let inputs: String = described("\ninputs:\n", "\noutputs:\n")
        .iter()
        .map(|(name, description)| format!("| `{name}` | {} | {} |\n", cell(description), shown(name)))
        .collect();
    let outputs: String = described("\noutputs:\n", "\nruns:\n")
        .iter()
        .map(|(name, description)| format!("| `{name}` | {} |\n", cell(description)))
        .collect();
    let mut expected = page.clone();
    for (name, table) in [("inputs", inputs), ("outputs", outputs)] {
        let end = expected.find(&format!("<!-- end of {name} -->")).expect("its end");
        let head = expected[..end].rfind("|---|\n").expect("its head") + "|---|\n".len();
        expected.replace_range(head..end, &table);
    }
    if page != expected && std::env::var_os("UPDATE").is_some() {
        return fs::write(path, expected).unwrap();
    }
    assert!(page == expected, "docs/github.md differs from action.yml: UPDATE=1 rewrites its tables");
    // What the examples set are inputs.
    for file in ["README.md", "docs/github.md"] {
        let text = fs::read_to_string(format!("{ROOT}/{file}")).unwrap();
        let mut count = 0;
        for example in text.split("- uses: confscan/confscan@").skip(1) {
            let example = example.split("```").next().unwrap();
            assert!(example.starts_with(concat!("v", env!("CARGO_PKG_VERSION"), " ")), "{file}: {example}");
            for key in
                example.split("with:\n").nth(1).unwrap_or_default().lines().filter_map(|line| line.split_once(": "))
            {
                assert!(defaults.contains_key(key.0.trim()), "{file}: {}", key.0);
            }
            count += 1;
        }
        assert!(count > 0 && !text.contains("uses: actions/checkout@v"), "{file}");
    }
}

#[test]
fn a_release_is_installed_only_as_the_table_has_it() {
    let mut runner = Runner::new(&[]);
    // The checkout itself is not a release, and says so before anything is downloaded.
    let step = runner.step("install.sh");
    assert_eq!((step.code, step.outputs.len()), (2, 0), "{step:?}");
    assert!(step.log.starts_with("::error title=confscan::this checkout of the action is not a release"), "{step:?}");
    assert!(step.log.contains("binary-path"), "{step:?}");

    let digest = runner.release();
    runner.table(&format!("# comment\nversion 0.1.0\n{digest}  {ARCHIVE}\n{}  other.tar.gz\n", "0".repeat(64)));
    let step = runner.step("install.sh");
    assert_eq!(step.code, 0, "{step:?}");
    assert_eq!(step.log, runner.tree.run(&["--version"]).out);
    let binary = step.output("binary").to_owned();
    assert!(Path::new(&binary).starts_with(runner.tree.0.join("temp")), "{binary}");

    for (table, message) in [
        (format!("version 0.1.0\n{}  {ARCHIVE}\n", "0".repeat(64)), "is not the file of the release"),
        ("version 0.1.0\n".to_owned(), "the table of checksums has no confscan-x86_64-unknown-linux-musl.tar.gz"),
        (format!("version 0.1.0\n  {ARCHIVE}\n"), "the table of checksums has no"),
        (format!("version 0.2.0\n{digest}  {ARCHIVE}\n"), "cannot be downloaded"),
        (format!("version ../0.1.0\n{digest}  {ARCHIVE}\n"), "is not a release"),
    ] {
        runner.table(&table);
        let step = runner.step("install.sh");
        assert!(step.code == 2 && step.outputs.is_empty() && step.log.contains(message), "{table:?} {step:?}");
    }
    for (name, value, message) in [
        ("RUNNER_ARCH", "S390X", "there is no release for Linux on S390X"),
        ("RUNNER_OS", "Windows", "the table of checksums has no confscan-x86_64-pc-windows-msvc.tar.gz"),
        ("mirror", "file:///", "mirror is no address of the web"),
        ("mirror", "-o/tmp/x", "mirror is no address of the web"),
        ("version", "0.1.0/../../x", "version is a number"),
        ("version", "0.1.0\nversion 1", "version is a number"),
    ] {
        runner.table(&format!("version 0.1.0\n{digest}  {ARCHIVE}\n"));
        let before = runner.environment.clone();
        let step = runner.set(name, value).step("install.sh");
        assert!(step.code == 2 && step.outputs.is_empty() && step.log.contains(message), "{name} {step:?}");
        runner.environment = before;
    }
}

#[test]
fn what_the_runner_keeps_is_verified_each_time_it_is_used() {
    let mut runner = Runner::new(&[]);
    let digest = runner.release();
    runner.table(&format!("version 0.1.0\n{digest}  {ARCHIVE}\n"));
    let cache = runner.tree.0.join("tools");
    runner.set("RUNNER_TOOL_CACHE", cache.to_str().unwrap());
    let kept = cache.join("confscan/0.1.0/x86_64-unknown-linux-musl").join(ARCHIVE);
    assert_eq!(runner.step("install.sh").code, 0);
    let whole = fs::read(&kept).unwrap();
    assert_eq!(fs::read_dir(kept.parent().unwrap()).unwrap().count(), 1, "nothing half written stays");
    // Taken from there, without a download, into a folder of this job.
    let mirror = runner.environment["INPUT_MIRROR"].clone();
    let step = runner.set("mirror", "http://127.0.0.1:9").step("install.sh");
    assert_eq!(step.code, 0, "{step:?}");
    assert!(step.output("binary").starts_with(runner.tree.0.join("temp").to_str().unwrap()), "{step:?}");
    // Another job put something else there: it is downloaded again where it can be, and never unpacked.
    for other in [&b"not an archive"[..], b""] {
        fs::write(&kept, other).unwrap();
        let step = runner.set("mirror", "http://127.0.0.1:9").step("install.sh");
        assert!(step.code == 2 && step.outputs.is_empty() && step.log.contains("cannot be downloaded"), "{step:?}");
        assert_eq!(runner.set("mirror", &mirror).step("install.sh").code, 0);
        assert_eq!(fs::read(&kept).unwrap(), whole);
    }
    // The program of another release is never taken from there, and a cache that cannot be written is none.
    runner.set("version", "0.2.0").set("mirror", "http://127.0.0.1:9");
    assert_eq!(runner.step("install.sh").code, 2);
    runner.tree.write("file", "");
    let file = runner.tree.0.join("file").display().to_string();
    runner.set("version", "").set("mirror", &mirror).set("RUNNER_TOOL_CACHE", &file);
    let step = runner.step("install.sh");
    assert_eq!(step.code, 0, "{step:?}");
}

#[test]
fn another_release_is_installed_only_with_its_provenance() {
    let mut runner = Runner::new(&[]);
    runner.release();
    fs::rename(runner.tree.0.join("release/download/v0.1.0"), runner.tree.0.join("release/download/v0.2.0")).unwrap();
    runner.table(&format!("version 0.1.0\n{}  {ARCHIVE}\n", "0".repeat(64)));
    let gh = runner.tree.0.join("bin/gh");
    let says = |code: u8| {
        fs::write(&gh, format!("#!/bin/sh\necho \"gh $*\"\nexit {code}\n")).unwrap();
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).unwrap();
    };
    runner.set("version", "0.2.0");
    says(1);
    let step = runner.step("install.sh");
    assert!(step.code == 2 && step.outputs.is_empty(), "{step:?}");
    assert!(step.log.contains("was not built by the release workflow"), "{step:?}");
    says(0);
    let step = runner.step("install.sh");
    assert_eq!(step.code, 0, "{step:?}");
    let call = format!(
        "gh attestation verify {ARCHIVE} --repo confscan/confscan --signer-workflow \
         confscan/confscan/.github/workflows/release.yml\n"
    );
    assert!(step.log.contains(&call), "{step:?}");
    fs::create_dir_all(runner.tree.0.join("release/latest")).unwrap();
    fs::rename(runner.tree.0.join("release/download/v0.2.0"), runner.tree.0.join("release/latest/download")).unwrap();
    assert_eq!(runner.set("version", "latest").step("install.sh").code, 0);
}

#[test]
fn a_program_that_is_there_is_taken_without_a_download() {
    let mut runner = Runner::new(&[]);
    // Nothing listens there.
    runner.set("mirror", "http://127.0.0.1:9");
    let step = runner.set("binary-path", env!("CARGO_BIN_EXE_confscan")).step("install.sh");
    assert_eq!((step.code, step.output("binary")), (0, env!("CARGO_BIN_EXE_confscan")), "{step:?}");
    symlink(env!("CARGO_BIN_EXE_confscan"), runner.tree.0.join("work/confscan")).unwrap();
    let expected = runner.tree.0.join("work/confscan").display().to_string();
    let step = runner.set("binary-path", "confscan").step("install.sh");
    assert_eq!((step.code, step.output("binary")), (0, expected.as_str()), "{step:?}");
    fs::create_dir(runner.tree.0.join("work/a\nb=c")).unwrap();
    symlink(env!("CARGO_BIN_EXE_confscan"), runner.tree.0.join("work/a\nb=c/confscan")).unwrap();
    for path in ["missing", ".", "a\nb=c/confscan"] {
        let step = runner.set("binary-path", path).step("install.sh");
        assert!(step.code == 2 && step.outputs.is_empty(), "{path:?} {step:?}");
    }
}

/// Inputs, and the outputs exit-code, verdict, findings, new-findings and highest-severity.
type Case<'a> = (&'a [(&'a str, &'a str)], [&'a str; 5]);

/// Stands for the number of findings in a Dockerfile.
const COUNT: &str = "count";

#[test]
fn the_verdict_and_the_numbers_are_outputs() {
    let mut runner =
        Runner::new(&[("app/Dockerfile", DOCKERFILE), ("empty/notes.txt", ""), ("bad/compose.yaml", "services: [")]);
    let cases: &[Case] = &[
        (&[], ["1", "1", COUNT, COUNT, "high"]),
        (&[("fail-on", "critical")], ["0", "0", COUNT, COUNT, "high"]),
        (&[("min-confidence", "certain"), ("fail-on", "info")], ["0", "0", "0", "0", "none"]),
        (&[("paths", "empty")], ["3", "3", "0", "0", "none"]),
        (&[("paths", "empty"), ("allow-no-files", "true")], ["3", "0", "0", "0", "none"]),
        (&[("paths", "")], ["3", "3", "0", "0", "none"]),
        (&[("paths", "bad")], ["2", "2", "1", "1", "high"]),
        (&[("paths", "bad"), ("args", "--allow-gaps\n--fail-on=never")], ["0", "0", "1", "1", "high"]),
        (&[("paths", "missing")], ["2", "2", "0", "0", "none"]),
        (&[("fail-on", "high; exit 0")], ["2", "2", "0", "0", "none"]),
        (&[("baseline", "known.json")], ["0", "0", COUNT, "0", "none"]),
    ];
    runner.set("paths", "app\nempty");
    let known = ["baseline", "--root", ".", "--baseline", "known.json", "app", "empty"];
    let run = runner.tree.run_in("work", &known, "");
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
    let findings = count(&runner, "app/Dockerfile").to_string();
    for (inputs, expected) in cases {
        let expected = expected.map(|value| if value == COUNT { findings.as_str() } else { value });
        let before = runner.environment.clone();
        inputs.iter().for_each(|(name, value)| {
            runner.set(name, value);
        });
        let step = runner.scan();
        let seen =
            ["exit-code", "verdict", "findings", "new-findings", "highest-severity"].map(|name| step.output(name));
        assert_eq!((step.code, seen), (0, expected), "{inputs:?} {step:?}");
        // A scan that ends with an error of its own has said so; the one about nothing is the action's.
        let nothing = step.log.contains("::error title=confscan::nothing to scan");
        assert_eq!(nothing, expected[1] == "3", "{step:?}");
        runner.environment = before;
    }
    // A mistake in the inputs ends the step at once.
    for (name, value) in
        [("annotations", "yes"), ("working-directory", "missing"), ("working-directory", ".."), ("fail-on", "a\nb")]
    {
        let before = runner.environment.clone();
        let step = runner.set(name, value).scan();
        assert!(step.code == 2 && step.outputs.is_empty() && step.log.contains(name), "{name} {step:?}");
        runner.environment = before;
    }
}

#[test]
fn one_scan_gives_annotations_a_summary_a_log_and_further_reports() {
    let mut runner = Runner::new(&[("services/web/Dockerfile", DOCKERFILE), ("services/out/x", "")]);
    let step = runner
        .set("working-directory", "services")
        .set("paths", "web")
        .set("sarif-file", "confscan.sarif")
        .set("reports", "junit=out/junit.xml\n\njson=report.json")
        .scan();
    assert_eq!((step.code, step.output("sarif-written")), (0, "true"), "{step:?}");
    assert!(step.log.contains("::error file=services/web/Dockerfile,line=2,"), "{step:?}");
    assert!(step.summary.contains("services/web/Dockerfile"), "{step:?}");
    let expected = runner.tree.0.join("work/confscan.sarif");
    assert_eq!(step.output("sarif-file"), expected.display().to_string());
    assert!(fs::read_to_string(expected).unwrap().contains("\"uri\":\"services/web/Dockerfile\""));
    assert!(runner.tree.read("work/services/out/junit.xml").contains("<testsuites"));
    assert!(runner.tree.read("work/services/report.json").contains("confscan/1"));
    // For an upload alone it need not be in the workspace.
    let step = runner.set("sarif-file", "").set("reports", "").set("upload-sarif", "true").scan();
    assert!(Path::new(step.output("sarif-file")).starts_with(runner.tree.0.join("temp")), "{step:?}");
    assert!(Path::new(step.output("sarif-file")).is_file());
    // Without annotations a person's report, without a summary none.
    let step = runner.set("annotations", "false").set("summary", "false").set("upload-sarif", "false").scan();
    assert!(step.log.contains("\nhigh[explicit-root-user]: ") && !step.log.contains("::error"), "{step:?}");
    assert_eq!((step.summary.as_str(), step.output("sarif-written"), step.output("sarif-file")), ("", "false", ""));
    // Nothing is uploaded that this scan did not write.
    runner.tree.write("work/old.sarif", "{}");
    let step = runner.set("sarif-file", "old.sarif").set("fail-on", "bad").scan();
    assert_eq!((step.output("exit-code"), step.output("sarif-written")), ("2", "false"), "{step:?}");
    assert!(!runner.tree.0.join("work/old.sarif").exists());
}

#[test]
fn only_what_a_commit_introduced_is_new_wherever_the_scan_starts() {
    let mut runner =
        Runner::new(&[("services/web/Dockerfile", DOCKERFILE), ("services/edge/nginx.conf", "events {}\n")]);
    let git = |line: &str| {
        let settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"];
        let mut command = Command::new("git");
        command.args(settings).args(line.split(' ')).current_dir(runner.tree.0.join("work"));
        assert!(command.status().unwrap().success(), "{line}");
    };
    ["init --quiet", "add .", "commit --quiet --message 1"].into_iter().for_each(git);
    runner.tree.write("work/services/edge/nginx.conf", "events {}\nhttp {\n  server {\n    autoindex on;\n  }\n}\n");
    let step = runner.set("working-directory", "services").set("diff-base", "HEAD").set("fail-on", "medium").scan();
    let seen = ["exit-code", "highest-severity"].map(|name| step.output(name));
    assert_eq!(seen, ["1", "medium"], "{step:?}");
    let number = |name: &str| step.output(name).parse::<usize>().unwrap();
    assert_eq!(number("findings") - number("new-findings"), count(&runner, "services/web/Dockerfile"), "{step:?}");
    assert!(!step.log.contains("file=services/web"), "{step:?}");
    assert!(step.log.contains("file=services/edge/nginx.conf,line=4,"), "{step:?}");
    // A commit that is not there is no reason to pass.
    let step = runner.set("diff-base", "origin/main").scan();
    assert_eq!((step.output("exit-code"), step.output("verdict")), ("2", "2"), "{step:?}");
}

#[test]
fn hostile_names_act_on_nothing() {
    let mut runner = Runner::new(&[
        ("--fail-on=never/Dockerfile", DOCKERFILE),
        ("a\n::error::x\nexit-code=0\n/Dockerfile", DOCKERFILE),
        ("$(touch hacked)/`touch hacked`.Dockerfile", DOCKERFILE),
        ("-", DOCKERFILE),
    ]);
    runner.set("paths", ".\n--fail-on=never\n$(touch hacked)").set("sarif-file", "confscan.sarif");
    for annotations in ["true", "false"] {
        let step = runner.set("annotations", annotations).scan();
        let seen = (step.code, step.output("exit-code"), step.output("verdict"), step.output("highest-severity"));
        assert_eq!(seen, (0, "1", "1", "high"), "{step:?}");
        assert!(
            step.log.lines().all(|line| !line.starts_with("::error::x") && !line.starts_with("exit-code")),
            "{step:?}"
        );
        assert!(step.log.contains("--fail-on=never/Dockerfile"), "{step:?}");
        assert_eq!(step.outputs.len(), 7, "{step:?}");
        assert!(!runner.tree.0.join("work/hacked").exists());
        if annotations == "false" {
            let stop =
                step.log.lines().next().and_then(|line| line.strip_prefix("::stop-commands::")).expect("a token");
            assert!(step.log.contains(&format!("\n::{stop}::\n")), "{step:?}");
        }
    }
    // Paths ended by NUL may have line breaks; what is gone is passed over; a path is never the standard input.
    runner
        .tree
        .write("changed", "a\n::error::x\nexit-code=0\n/Dockerfile\0gone/Dockerfile\0--fail-on=never/Dockerfile\0");
    runner.set("paths-file", "../changed").set("paths", "missing");
    let step = runner.scan();
    let one = count(&runner, "--fail-on=never/Dockerfile");
    assert_eq!(step.output("findings"), (2 * one).to_string(), "{step:?}");
    runner.tree.write("changed", "gone/Dockerfile\0");
    assert_eq!(runner.scan().output("exit-code"), "3");
    let step = runner.set("paths-file", "").set("paths", "-").set("args", "--kind=dockerfile").scan();
    assert_eq!((step.output("exit-code"), step.output("findings")), ("1", one.to_string().as_str()), "{step:?}");
}

#[test]
fn nothing_is_written_outside_of_the_workspace() {
    let mut runner = Runner::new(&[("Dockerfile", DOCKERFILE)]);
    runner.tree.write("outside/file", "mine");
    symlink(runner.tree.0.join("outside"), runner.tree.0.join("work/link")).unwrap();
    symlink(runner.tree.0.join("outside/file"), runner.tree.0.join("work/file.sarif")).unwrap();
    fs::create_dir(runner.tree.0.join("work/folder")).unwrap();
    let outside = runner.tree.0.join("outside/x.sarif").display().to_string();
    for path in
        ["../outside/x.sarif", "link/x.sarif", &outside, "a\nb", "folder", "folder/", "missing/x.sarif", "C:x", "a\\b"]
    {
        let step = runner.set("sarif-file", path).scan();
        assert!(step.code == 2 && step.log.contains("sarif-file"), "{path:?} {step:?}");
        let step = runner.set("sarif-file", "").set("reports", &format!("sarif={path}")).scan();
        assert!(step.code == 2 && step.log.contains("reports"), "{path:?} {step:?}");
        runner.set("reports", "");
    }
    // A link in the checkout is replaced, not followed.
    let step = runner.set("sarif-file", "file.sarif").set("reports", "").scan();
    assert_eq!(step.output("sarif-written"), "true", "{step:?}");
    assert!(!runner.tree.0.join("work/file.sarif").is_symlink());
    assert_eq!(fs::read_dir(runner.tree.0.join("outside")).unwrap().count(), 1);
    assert_eq!(runner.tree.read("outside/file"), "mine");
}
