//! A random secret, planted in every place that configs have for one, is shown in no output of any format.

#[path = "support/secret_places.rs"]
mod secret_places;
#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::fmt::Write as _;

use confscan::baseline::Baseline;
use confscan::config::Config;
use confscan::report::{self, Format, Options, Report};
use confscan::source::Span;
use confscan::{listing, scan};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use secret_places::{ACROSS, Form, PLACES, Place};

/// Shortest secret that is planted, and that a half of one is looked for from, in characters.
const SHORTEST: usize = 8;
const HALF: usize = 7;

/// Secrets as people and programs make them.
fn secrets() -> impl Strategy<Value = String> {
    let prefix = select(&["ghp_", "glpat-", "sk_live_", "xoxb-", "npm_", "hf_", "AKIA", "dckr_pat_", "hvs."]);
    prop_oneof![
        4 => "[A-Za-z0-9]{10,32}",
        4 => "[A-Za-z0-9][A-Za-z0-9 !\"#$%&'()*+,./:;<=>?@\\[\\]^_`{|}~\\\\-]{10,30}[A-Za-z0-9]",
        2 => "[A-Za-z0-9][A-Za-z0-9!@#%^&*_.,;:+=?-]{8,16}[A-Za-z0-9]",
        1 => "[a-f0-9]{32}|[a-f0-9]{40}|[a-f0-9]{64}",
        2 => "[A-Za-z0-9+/]{31}=|[A-Za-z0-9+/]{42}==|[A-Za-z0-9+/]{64}",
        1 => "[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-a[a-f0-9]{3}-[a-f0-9]{12}",
        2 => (prefix, "[A-Za-z0-9]{16,40}").prop_map(|(prefix, tail)| format!("{prefix}{tail}")),
        1 => "eyJ[A-Za-z0-9_-]{20,40}\\.eyJ[A-Za-z0-9_-]{30,80}\\.[A-Za-z0-9_-]{43}",
        1 => "[A-Z][a-z]{5,7}[0-9]{2,4}[!.@?]?",
        1 => "[a-z]{4,8}( [a-z]{5,8}){3}",
        1 => "[A-Za-z0-9]{5}\\*{3,8}[A-Za-z0-9]{8}",
        1 => "[A-Za-z0-9]{5}\\[?(masked|REDACTED)\\]?[A-Za-z0-9]{8}",
        1 => pem(),
    ]
}

/// A private key, line by line.
fn pem() -> impl Strategy<Value = String> {
    prop::collection::vec("[A-Za-z0-9+/]{64}", 3..6).prop_map(|lines| {
        let kind = "PRIVATE KEY";
        format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----", lines.join("\n"))
    })
}

/// The secret as it can stand in a place, and what is written there; nothing where too little of it can.
fn written(secret: &str, form: Form) -> Option<(String, String)> {
    let escaped = |text: &str, what: &str| {
        text.chars().fold(String::new(), |mut out, character| {
            if what.contains(character) {
                out.push('\\');
            }
            out.push(character);
            out
        })
    };
    // What would end the value or mean something else there.
    let not = match form {
        Form::Yaml => " $",
        Form::Flow => " $,[]{}:#\"'",
        Form::YamlSingle | Form::YamlDouble => "$",
        Form::Bare => " $\"'\\`{}#",
        Form::Double => "$`",
        Form::Single => "'$\\",
        Form::Shell => " $\"'\\`&|;<>()#",
        Form::Url => " $\"'\\`&|;<>()#/?@:[]{},^%*!~=",
        Form::Header => "$\"'\\`, ",
        Form::Conf => " $\"'\\;%{}#`",
        Form::Lines => "$",
        Form::Quoted => "$\"\\",
        Form::Digits => " $\"'\\`&|;<>()#/?@:[]{},^%*!~=+",
    };
    let several = matches!(form, Form::Lines | Form::Quoted);
    let secret = match several {
        true => secret.to_owned(),
        _ => secret
            .strip_prefix("-----BEGIN")
            .map_or(secret, |rest| &rest[rest.find('\n').unwrap_or(0)..])
            .replace('\n', ""),
    };
    let mut secret: String = secret.chars().filter(|character| !not.contains(*character)).collect();
    secret.truncate(if several { usize::MAX } else { 140 });
    let secret = secret.trim_start_matches(|first: char| !first.is_ascii_alphanumeric() && first != '-').to_owned();
    let telling = secret.chars().count() >= SHORTEST && secret.chars().any(|it| it.is_ascii_alphabetic());
    if form == Form::Digits && secret.bytes().filter(u8::is_ascii_digit).count() < 2 {
        return None;
    }
    let written = match form {
        Form::YamlSingle => secret.replace('\'', "''"),
        Form::YamlDouble | Form::Double => escaped(&secret, "\"\\"),
        _ => secret.clone(),
    };
    telling.then_some((secret, written))
}

/// The files of a place with a secret in them.
fn files(place: &Place, written: &str) -> Vec<(String, Vec<u8>)> {
    let fill = |text: &str| {
        let lines = text.split_inclusive('\n').map(|line| match line.split_once("@@") {
            // Further lines stand as far to the right as the first.
            Some((before, _)) if matches!(place.form, Form::Lines) => {
                let indent = before.len() - before.trim_start().len();
                line.replace("@@", &written.replace('\n', &format!("\n{}", " ".repeat(indent))))
            }
            _ => line.replace("@@@", &format!("{written}@")).replace("@@", written),
        });
        lines.collect::<String>().into_bytes()
    };
    place.files.iter().map(|(path, text)| ((*path).to_owned(), fill(text))).collect()
}

/// Everything that can be written of a scan.
fn outputs(report: &Report) -> Vec<(String, String)> {
    let mut outputs = Vec::new();
    let mut add = |name: String, write: &mut dyn FnMut(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        outputs.push((name, String::from_utf8(out).expect("UTF-8")));
    };
    let options = Options { include_suppressed: true, ..Options::default() };
    for format in Format::ALL {
        add(format!("{format:?}"), &mut |out| drop(report::write(report, format, &options, out).expect("memory")));
    }
    let quiet = Options { quiet: true, ..options };
    add("quiet".into(), &mut |out| drop(report::write(report, Format::Human, &quiet, out).expect("memory")));
    add("containers".into(), &mut |out| report::containers::write(report, &options, out).expect("memory"));
    add("containers, JSON".into(), &mut |out| report::json::write_containers(report, out).expect("memory"));
    add("files".into(), &mut |out| listing::files(&report.sources, false, options, out).expect("memory"));
    add("files, JSON".into(), &mut |out| listing::files(&report.sources, true, options, out).expect("memory"));
    let baseline = Baseline::of(&report.findings, &report.sources);
    add("baseline".into(), &mut |out| baseline.write(out).expect("memory"));
    outputs
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        (0..=group.len()).map(move |at| DIGITS[(bits >> (18 - 6 * at)) as usize & 63] as char).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// What may not be seen of a secret: all of it and each half, as it is and as encoders write it.
fn traces(secret: &str, written: &str) -> Vec<String> {
    let mut traces = Vec::new();
    for line in secret.lines().chain(written.lines()) {
        if line.starts_with("-----") {
            continue;
        }
        let middle = line.char_indices().nth(line.chars().count() / 2).map_or(0, |(at, _)| at);
        let (first, second) = line.split_at(middle);
        for part in [line, first, second].into_iter().filter(|part| part.chars().count() >= HALF) {
            let percent = part.bytes().fold(String::new(), |mut out, byte| {
                match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    true => out.push(byte as char),
                    false => write!(out, "%{byte:02X}").expect("memory"),
                }
                out
            });
            let json = serde_json::to_string(part).expect("it is text");
            let xml = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            let xml = xml.replace('\'', "&apos;");
            traces.extend([part.to_owned(), percent, json.trim_matches('"').to_owned(), xml, base64(part.as_bytes())]);
        }
    }
    traces.sort();
    traces.dedup();
    traces
}

/// Says where a secret is shown, if it is.
fn leak(place: &Place, secret: &str) -> Result<(), String> {
    let Some((secret, written)) = written(secret, place.form) else { return Ok(()) };
    let files = files(place, &written);
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    let report = scan(virtual_repository::sources(&files), &config);
    for (file, source) in report.sources.iter() {
        for line in written.lines().filter(|line| !line.starts_with("-----")) {
            for (at, _) in source.text.match_indices(line) {
                let span = Span::new(file, at..at + line.len());
                if !report.secrets.iter().any(|hidden| hidden.contains(span)) {
                    let shown = report.masked(Span::new(file, 0..source.text.len()));
                    return Err(format!("{} is not hidden:\n{}\nmasked:\n{shown}", source.path, source.text));
                }
            }
        }
    }
    let text = || files.iter().map(|(_, text)| String::from_utf8_lossy(text).into_owned()).collect::<String>();
    let traces = traces(&secret, &written);
    for (name, out) in outputs(&report) {
        for trace in &traces {
            if let Some(at) = out.find(trace.as_str()) {
                let (from, to) = (out.floor_char_boundary(at.saturating_sub(200)), out.ceil_char_boundary(at + 200));
                return Err(format!("{name} shows {trace:?} of\n{}\n{}", text(), &out[from..to]));
            }
        }
    }
    Ok(())
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(256)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn a_secret_is_shown_in_no_output_wherever_it_is_written(secret in secrets(), place in any::<Index>()) {
        let places: Vec<&Place> = PLACES.iter().chain(ACROSS).collect();
        let place = place.get(&places);
        prop_assert_eq!(leak(place, &secret), Ok(()));
    }
}

#[test]
fn every_place_hides_secrets_of_every_kind() {
    let open: Vec<String> = PLACES
        .iter()
        .chain(ACROSS)
        .flat_map(|place| {
            let secrets = [
                "vLp92kQzR7w3Nd5B",
                "Tr4!x9%qLw#2p&Zm*8",
                "c2VjcmV0LXZhbHVlLWZvci10ZXN0cw==",
                "aB3,kd;93:Lw/x+Qz1",
                "q8\"w\\Zx'7Lm(k)P2",
                "Autumn4821!",
                "correct horse battery staple",
            ];
            let first = secrets.iter().find_map(|secret| leak(place, secret).err());
            first.map(|problem| format!("{:?} {}", place.form, problem))
        })
        .collect();
    assert!(open.is_empty(), "{} open:\n{}", open.len(), open.join("\n----\n"));
}

/// What a scan of a place finds, but for where.
fn fingerprints(place: &Place, secret: &str) -> Vec<String> {
    let Some((_, written)) = written(secret, place.form) else { return Vec::new() };
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    let report = scan(virtual_repository::sources(&files(place, &written)), &config);
    report.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.fingerprint)).collect()
}

#[test]
fn no_fingerprint_lets_a_secret_be_guessed() {
    // Alike in all that decides what they are taken for, and of different lengths.
    let secrets = ["vLp92kQzR7w3Nd5B", "Xk7Tq2Wm9Rz4Ys6LfB8h"];
    for place in PLACES.iter().chain(ACROSS) {
        let [first, second] = secrets.map(|secret| fingerprints(place, secret));
        assert_eq!(first, second, "{:?}", place.files);
    }
}
