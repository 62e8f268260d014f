//! Broken and nasty repositories through the whole scan: nothing panics, and every report can be written.
//!
//! The repositories are those of `testdata/repos` with random damage; `MUTATIONS=100000` makes more of it, and
//! `CONFSCAN_SHARED` takes the files of the corpus as well.

#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::path::Path;
use std::{env, fs};

use confscan::config::Config;
use confscan::report::{Format, Options, write};

/// What a mutation inserts: the syntax of every format, ends of lines of every kind, and what is not text.
const NASTY: &[&str] = &[
    "\n",
    "\r",
    "\r\n",
    "\u{2028}",
    "\u{85}",
    "\0",
    "\u{feff}",
    "\t",
    " ",
    "\\\n",
    "`\n",
    "<<EOF\n",
    "EOF\n",
    "<<-'E'\n",
    "$",
    "${",
    "${A:-",
    "$$",
    "}",
    "{",
    "[",
    "]",
    "\"",
    "'",
    "#",
    ";",
    ":",
    ": ",
    "- ",
    "&a ",
    "*a ",
    "<<: *a\n",
    "!reset ",
    "|\n",
    ">-\n",
    "FROM ",
    "FROM x AS y\n",
    "COPY --from=0 . .\n",
    "RUN --mount=type=secret,id=x ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "services:\n",
    "[program:x]\n",
    "command=",
    "%(ENV_X)s",
    "%(",
    "%%",
    "server {",
    "location ~ ^/(.*)$ {",
    "include *;",
    "map $a $b {",
    "$(",
    "`",
    "((",
    "esac",
    "&&",
    "||",
    "|",
    "é",
    "漢",
    "😀",
    "\u{202e}",
    "\u{1b}[31m",
    "AKIAIOSFODNN7EXAMPLE",
    "postgres://a:b@c",
    "-----BEGIN RSA PRIVATE KEY-----",
];

/// A small generator, so that a failure can be repeated (Marsaglia, Xorshift RNGs, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

type Files = Vec<(String, Vec<u8>)>;

/// The files below a folder.
fn read(root: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("its entries can be read").path();
        if path.is_dir() {
            read(root, &path, files);
        } else if let Ok(bytes) = fs::read(&path) {
            let name = path.strip_prefix(root).expect("it is below the root").to_string_lossy().into_owned();
            files.push((name, bytes));
        }
    }
}

fn repositories() -> Vec<Files> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/repos");
    let mut roots = vec![own];
    roots.extend(env::var_os("CONFSCAN_SHARED").map(|shared| Path::new(&shared).join("corpus")));
    let mut repositories = Vec::new();
    for root in roots {
        for entry in fs::read_dir(&root).expect("the folder can be read") {
            let path = entry.expect("its entries can be read").path();
            let mut files = Vec::new();
            if path.is_dir() {
                read(&path, &path, &mut files);
            }
            // A large one would make the others wait.
            files.sort();
            repositories.extend(files.chunks(12).map(<[_]>::to_vec));
        }
    }
    repositories
}

fn damage(files: &mut Files, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let index = random.below(files.len());
        let at = random.below(files[index].1.len() + 1);
        let other = files[random.below(files.len())].1.clone();
        let bytes = &mut files[index].1;
        let length = random.below(40).min(bytes.len() - at);
        match random.below(6) {
            0 => drop(bytes.drain(at..at + length)),
            1 => bytes.truncate(at),
            2 => {
                let piece = bytes[at..at + length].repeat(1 + random.below(50));
                bytes.splice(at..at, piece);
            }
            3 => {
                let from = random.below(other.len() + 1);
                let to = (from + random.below(200)).min(other.len());
                bytes.splice(at..at, other[from..to].iter().copied());
            }
            4 if !bytes.is_empty() => {
                let at = at.min(bytes.len() - 1);
                bytes[at] = random.below(256) as u8;
            }
            _ => {
                let piece = NASTY[random.below(NASTY.len())];
                bytes.splice(at..at, piece.bytes());
            }
        }
    }
}

#[test]
fn no_damage_breaks_a_scan() {
    let count = env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    let repositories = repositories();
    let seed = env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15);
    let mut random = Random(seed);
    for round in 0..count {
        let mut files = repositories[random.below(repositories.len())].clone();
        damage(&mut files, &mut random);
        let report = confscan::scan(virtual_repository::sources(&files), &config);
        if let Some(broken) = report.findings.iter().find(|finding| finding.rule.id == "internal-error") {
            let file = &report.sources.get(broken.primary().file).path;
            let text = files.iter().find(|(path, _)| path == file).map(|(_, bytes)| String::from_utf8_lossy(bytes));
            panic!("round {round}: {}: {}\n{}", file, broken.message, text.unwrap_or_default());
        }
        for format in Format::ALL {
            let mut out = Vec::new();
            write(&report, format, &Options::default(), &mut out).expect("a vector takes all");
            let out = String::from_utf8(out).expect("reports are UTF-8");
            let acts = |c: char| c.is_control() && c != '\n';
            assert!(!out.contains(acts), "round {round}: {format:?} has a control character");
        }
    }
}
