//! What fuzzing starts from: the examples of the rules' pages, the repositories of `testdata/repos`, and the corpus where
//! `CONFSCAN_SHARED` names the folder that holds it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use confscan::source::{FileId, Kind, Source};
use confscan::syntax::{dockerfile, recognise};

use crate::any_bytes::FILE_MARK;

/// The files of a small repository.
pub type Files = Vec<(String, Vec<u8>)>;

/// Files of one repository that are scanned together: a large one would make the others wait.
const TOGETHER: usize = 12;
/// Largest file that mutations start from, in bytes.
const LARGEST: usize = 16 << 10;

/// What the targets start from.
pub struct Seeds {
    /// Small repositories.
    pub repositories: Vec<Files>,
}

impl Seeds {
    /// Reads them.
    pub fn read() -> Seeds {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut repositories = examples(&own.join("rules"));
        let mut roots = vec![own.join("testdata/repos")];
        roots.extend(env::var_os("CONFSCAN_SHARED").map(|shared| Path::new(&shared).join("corpus")));
        for root in roots {
            for folder in entries(&root).into_iter().filter(|path| path.is_dir()) {
                let mut files = Files::new();
                read(&folder, &folder, &mut files);
                files.retain(|(_, bytes)| bytes.len() <= LARGEST);
                files.sort();
                repositories.extend(files.chunks(TOGETHER).map(<[_]>::to_vec));
            }
        }
        Seeds { repositories }
    }

    /// The inputs of the target called `name`.
    pub fn of(&self, name: &str) -> Vec<Vec<u8>> {
        let files = || self.repositories.iter().flatten();
        let of_kind = |kind: Kind| -> BTreeSet<Vec<u8>> {
            let is_one = |(path, bytes): &&(String, Vec<u8>)| {
                let source = Source::from_bytes(path.as_str(), bytes.clone());
                recognise(path, &source.text).is_some_and(|(found, _)| found == kind)
            };
            files().filter(is_one).map(|(_, bytes)| bytes.clone()).collect()
        };
        let named = |ending: &str| -> BTreeSet<Vec<u8>> {
            files().filter(|(path, _)| path.ends_with(ending)).map(|(_, bytes)| bytes.clone()).collect()
        };
        let mut inputs = match name {
            "dockerfile" => of_kind(Kind::Dockerfile),
            "compose" => of_kind(Kind::Compose),
            "dotenv" => of_kind(Kind::Dotenv),
            "nginx" => of_kind(Kind::Nginx),
            "supervisor" => of_kind(Kind::Supervisor),
            "shell" => {
                let mut scripts = named(".sh");
                for text in of_kind(Kind::Dockerfile) {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    let parsed = dockerfile::parse(FileId(0), &text);
                    let rests = parsed.instructions.iter().filter_map(|instruction| instruction.rest());
                    scripts.extend(rests.map(|rest| rest.value.clone().into_bytes()));
                }
                scripts
            }
            "dockerignore" => named("ignore").into_iter().chain([IGNORE.as_bytes().to_vec()]).collect(),
            "settings" => named("confscan.toml").into_iter().chain([SETTINGS.as_bytes().to_vec()]).collect(),
            "ignores" => {
                let says = |line: &&str| line.contains("confscan: ");
                let mut comments: BTreeSet<Vec<u8>> = BTreeSet::new();
                for (_, bytes) in files() {
                    let text = String::from_utf8_lossy(bytes);
                    let asked = text.lines().filter(says).filter_map(|line| line.split_once("confscan: "));
                    comments.extend(asked.map(|(_, asked)| asked.as_bytes().to_vec()));
                }
                comments.insert(IGNORES.as_bytes().to_vec());
                comments
            }
            "scan" => self.repositories.iter().map(joined).collect(),
            "reports" => REPORTS.iter().map(|texts| texts.join(&b"\xfe"[..])).collect(),
            "secrets" => files().map(|(_, bytes)| bytes.clone()).collect(),
            _ => BTreeSet::new(),
        };
        inputs.retain(|bytes| !bytes.is_empty());
        inputs.into_iter().collect()
    }
}

/// A repository as one input.
pub fn joined(files: &Files) -> Vec<u8> {
    let mut input = Vec::new();
    for (path, bytes) in files {
        input.extend_from_slice(format!("{FILE_MARK}{path}\n").as_bytes());
        input.extend_from_slice(bytes);
        if !input.ends_with(b"\n") {
            input.push(b'\n');
        }
    }
    input
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the entries can be read").path())
        .collect();
    paths.sort();
    paths
}

/// The files below a folder.
fn read(root: &Path, folder: &Path, files: &mut Files) {
    for path in entries(folder) {
        if path.is_dir() {
            read(root, &path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            let name = path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned();
            files.push((name, bytes));
        }
    }
}

/// The examples of the rules' pages: the fences below one heading are a repository.
fn examples(pages: &Path) -> Vec<Files> {
    let mut repositories = Vec::new();
    for page in entries(pages) {
        let text = fs::read_to_string(&page).unwrap_or_default();
        for section in text.split("\n## ").filter(|section| section.starts_with("Bad") || section.starts_with("Good")) {
            let mut files = Files::new();
            let mut name: Option<&str> = None;
            let mut fence: Option<(&str, &str, String)> = None;
            for line in section.lines() {
                match &mut fence {
                    Some((mark, language, text)) if line == *mark => {
                        let path = name.take().unwrap_or(match *language {
                            "dockerfile" => "Dockerfile",
                            "yaml" => "compose.yaml",
                            "ini" => "supervisord.conf",
                            "nginx" => "nginx.conf",
                            "dotenv" => ".env",
                            _ => "report",
                        });
                        if path != "report" {
                            files.push((path.to_owned(), std::mem::take(text).into_bytes()));
                        }
                        fence = None;
                    }
                    Some((.., text)) => text.extend([line, "\n"]),
                    None if line.starts_with("```") => {
                        let language = line.trim_start_matches('`');
                        fence = Some((&line[..line.len() - language.len()], language, String::new()));
                    }
                    None => name = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")).or(name),
                }
            }
            repositories.extend(Some(files).filter(|files| !files.is_empty()));
        }
    }
    repositories
}

const IGNORE: &str = "a/b.txt\n# comment\n**/node_modules\n!a/**\n*.t[a-x]t\n\\!b\n [^a-c]?\n/secrets/**\n**\n../x\n";

const SETTINGS: &str = r#"pedantic = true
fail-on = "medium"

[rules]
explicit-root-user = "off"
privileged-container = "critical"

[[override]]
paths = ["dev/**", "*.test.yaml"]
environment = "development"
rules = { explicit-root-user = "info" }

[environments]
production = ["*.prod.yaml"]
test = "tests/**"

[[stack]]
files = ["compose.yaml", "prod.yaml"]
environment = "production"
name = "prod"
profiles = ["a"]
env-file = "prod.env"

[[ignore]]
rule = ["privileged-container"]
path = "compose.yaml"
container = "we*"
reason = "needed"
until = 2027-01-31

[images]
trusted = ["ghcr.io/acme/*", "nginx"]

[nginx]
root = { "/etc/nginx" = "nginx" }

[limits]
max-file-size = "2 MiB"
"#;

const IGNORES: &str = r#"ignore[explicit-root-user, privileged-container] until=2027-01-31 -- why
ignore-file[image-without-digest] -- all
ignore[nothing-such]
ignore[] x=1
ignroe[privileged-container]
===
{
"schema":"confscan-baseline/1",
"findings":[
{"path":"Dockerfile","rule":"explicit-root-user","node":"stages.0","fingerprint":"00000000000000000000000000000000"}
]
}
"#;

/// Texts of reports: paths and contents of three files, a name, then messages, labels, helps, containers, nodes and
/// evidence of findings.
const REPORTS: &[&[&[u8]]] = &[
    &[
        b"Dockerfile",
        b"FROM a\nUSER root\n",
        b"deploy/compose.yaml",
        b"services:\n  web: {}\n",
        b"x",
        b"",
        b"base.json",
        b"runs as root",
        b"said",
        b"web",
        b"Add USER",
        b"stages.0",
        b"root",
        b"`A` | <b> & \"c\"",
        b"::error::x",
        b"a::b",
        b"%0A",
        b"n",
        b"e",
        b"]]> --> ##[error]",
        b"\x1b[31m",
        b"\xe2\x80\xae",
        b"x\ny",
        b"",
        b"",
        b"third",
        b"",
        b"",
        b"",
    ],
    &[
        b"::error file=x",
        b"a\r\nb\rc\xe2\x80\xa8d",
        b"a,b=c%\n/|x",
        b"\xef\xbb\xbfx",
        b"<x>&",
        b"\0",
        b"<!--",
        b"m\r\n::stop",
        b"l",
        b"c",
        b"h",
        b"n",
        b"e",
        b"m",
        b"l",
        b"c",
        b"h",
        b"n",
        b"e",
        b"m",
        b"l",
        b"c",
        b"h",
        b"n",
        b"e",
    ],
];
