//! Flags of instructions: which there are, and what `RUN --mount` says.

use std::ops::Range;

use super::{Flag, Instruction, words};
use crate::source::{Span, Spanned, Text, TextBuilder};
use crate::syntax::SyntaxError;

/// One `--mount` of RUN, a bind mount unless its `type` says otherwise.
#[derive(Debug)]
pub struct RunMount {
    /// The whole flag.
    pub span: Span,
    /// Its options in order.
    pub options: Vec<MountOption>,
}

/// An option of [`RunMount`]: `key=value`, or a key alone.
#[derive(Debug)]
pub struct MountOption {
    /// Key and value together.
    pub span: Span,
    /// Lower-case key.
    pub key: Spanned<String>,
    /// Value behind `=`, where there is one.
    pub value: Option<Text>,
}

impl RunMount {
    /// The last option with one of the names `keys`, which is the one that counts.
    pub fn option(&self, keys: &[&str]) -> Option<&MountOption> {
        self.options.iter().rev().find(|option| keys.contains(&option.key.value.as_str()))
    }

    fn value(&self, keys: &[&str]) -> Option<&Text> {
        self.option(keys)?.value.as_ref()
    }

    /// `type`: `bind`, `cache`, `tmpfs`, `secret` or `ssh`; `None` where it is not written and thus `bind`.
    pub fn kind(&self) -> Option<&Text> {
        self.value(&["type"])
    }

    /// `from`: the stage or image that the source is in.
    pub fn from(&self) -> Option<&Text> {
        self.value(&["from"])
    }

    /// `source` or `src`.
    pub fn source(&self) -> Option<&Text> {
        self.value(&["source", "src"])
    }

    /// `target`, `dst` or `destination`.
    pub fn target(&self) -> Option<&Text> {
        self.value(&["target", "dst", "destination"])
    }

    /// `id` of a cache, secret or SSH agent.
    pub fn id(&self) -> Option<&Text> {
        self.value(&["id"])
    }

    /// `mode`, octal.
    pub fn mode(&self) -> Option<&Text> {
        self.value(&["mode"])
    }

    /// Whether an option that can stand alone (`required`, `readonly`) is there and not `false`.
    pub fn is_set(&self, keys: &[&str]) -> bool {
        let off = |value: &Text| matches!(value.as_str(), "0" | "f" | "F" | "false" | "FALSE" | "False");
        self.option(keys).is_some_and(|option| !option.value.as_ref().is_some_and(off))
    }
}

impl Instruction {
    /// The first flag of that name, without dashes.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name.value == name)
    }

    /// The value of the first flag of that name.
    pub fn flag_value(&self, name: &str) -> Option<&Text> {
        self.flag(name)?.value.as_ref()
    }

    /// The `--mount` flags, read as BuildKit does: fields of one CSV record. One that is not valid CSV is left out.
    pub fn mounts(&self) -> Vec<RunMount> {
        let mounts = self.flags.iter().filter(|flag| flag.name.value == "mount");
        mounts.filter_map(|flag| Some(RunMount { span: flag.span, options: options(flag.value.as_ref()?)? })).collect()
    }
}

/// The options of a mount; `None` for bad quoting.
fn options(value: &Text) -> Option<Vec<MountOption>> {
    let fields = csv_fields(value)?;
    let options = fields.into_iter().map(|field| {
        let (key, value) = match field.value.find('=') {
            Some(equals) => (0..equals, Some(words::part(&field, equals + 1..field.value.len()))),
            None => (0..field.value.len(), None),
        };
        let name = Spanned::new(field.value[key.clone()].to_lowercase(), words::place(&field, key));
        MountOption { span: field.span, key: name, value }
    });
    Some(options.collect())
}

/// The fields of a CSV record as Go's `encoding/csv` reads them: quotes only around a whole field, doubled inside.
fn csv_fields(record: &Text) -> Option<Vec<Text>> {
    let bytes = record.value.as_bytes();
    let mut fields = Vec::new();
    let mut at = 0;
    loop {
        let start = at;
        let next = |from: usize, byte: u8| memchr::memchr(byte, &bytes[from..]).map(|found| from + found);
        if bytes.get(at) == Some(&b'"') {
            let mut builder = TextBuilder::default();
            at += 1;
            loop {
                let quote = next(at, b'"')?;
                builder.push_text(record, at..quote);
                at = quote + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                builder.push_text(record, quote..at);
                at += 1;
            }
            fields.push(builder.finish(record.span_of(start..at)));
            if at < bytes.len() && bytes[at] != b',' {
                return None;
            }
        } else {
            at = next(at, b',').unwrap_or(bytes.len());
            if bytes[start..at].contains(&b'"') {
                return None;
            }
            fields.push(words::part(record, start..at));
        }
        if at >= bytes.len() {
            return Some(fields);
        }
        at += 1;
    }
}

/// What a flag takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// Nothing, `true` or `false`.
    Bool,
    /// One value.
    Value,
    /// One value each time, and it may be repeated.
    Values,
}

/// The flags that an instruction has (`instructions/parse.go` and its hooks); `None` where BuildKit ignores all flags.
fn allowed(keyword: &str, rest: &str) -> Option<&'static [(&'static str, Takes)]> {
    use Takes::{Bool, Value, Values};
    Some(match keyword {
        "from" => &[("platform", Value)],
        "run" => &[("mount", Values), ("network", Value), ("security", Value), ("device", Values)],
        "copy" => &[
            ("chown", Value),
            ("from", Value),
            ("chmod", Value),
            ("link", Bool),
            ("parents", Bool),
            ("exclude", Values),
        ],
        "add" => &[
            ("chown", Value),
            ("chmod", Value),
            ("link", Bool),
            ("keep-git-dir", Bool),
            ("checksum", Value),
            ("unpack", Bool),
            ("exclude", Values),
        ],
        "healthcheck" if rest.eq_ignore_ascii_case("none") => return None,
        "healthcheck" => &[
            ("interval", Value),
            ("timeout", Value),
            ("start-period", Value),
            ("start-interval", Value),
            ("retries", Value),
        ],
        "arg" | "stopsignal" => return None,
        _ => &[],
    })
}

/// Reports the flags that BuildKit refuses. `rest` is what follows them.
pub(super) fn check(keyword: &str, instruction: &Instruction, rest: &str, errors: &mut Vec<SyntaxError>) {
    let Some(allowed) = allowed(keyword, rest) else {
        return;
    };
    // Which of the allowed flags were seen, a bit each.
    let mut seen = 0_u32;
    for flag in &instruction.flags {
        let name = flag.name.value.as_str();
        let Some(index) = allowed.iter().position(|(allowed, _)| *allowed == name) else {
            let message = format!("{} has no flag `--{name}`", keyword.to_ascii_uppercase());
            errors.push(SyntaxError::new(flag.span, message));
            continue;
        };
        let takes = allowed[index].1;
        let value = flag.value.as_ref().map(Text::as_str);
        let problem = if seen & (1 << index) != 0 && takes != Takes::Values {
            Some(format!("the flag `--{name}` can be used only once"))
        } else {
            value_problem(flag, takes, value)
        };
        seen |= 1 << index;
        errors.extend(problem.map(|message| SyntaxError::new(flag.span, message)));
    }
}

fn value_problem(flag: &Flag, takes: Takes, value: Option<&str>) -> Option<String> {
    let name = flag.name.value.as_str();
    let Some(value) = value else {
        return (takes != Takes::Bool).then(|| format!("the flag `--{name}` needs a value"));
    };
    let fine = match name {
        _ if takes == Takes::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
        "interval" | "timeout" | "start-period" | "start-interval" => {
            value.is_empty() || duration(value).is_some_and(|seconds| seconds == 0.0 || seconds >= 0.001)
        }
        "retries" => value.is_empty() || value.parse::<i32>().is_ok_and(|retries| retries >= 0),
        "network" => matches!(value, "default" | "none" | "host"),
        "security" => matches!(value, "sandbox" | "insecure"),
        "mount" => return mount_problem(flag.value.as_ref()?),
        _ => true,
    };
    (!fine).then(|| format!("`{value}` is not a value of the flag `--{name}`"))
}

fn mount_problem(value: &Text) -> Option<String> {
    let Some(options) = options(value) else {
        return Some("the quotes of the mount's options do not match".to_owned());
    };
    let variable = |text: &Text| text.value.trim_end_matches('$').contains('$') || text.value.contains("$$");
    let expands =
        options.iter().any(|option| option.key.value == "from" && option.value.as_ref().is_some_and(variable));
    expands.then(|| "a mount's `from` cannot hold a variable".to_owned())
}

/// A duration as Go's `time.ParseDuration` reads it (`1m30s`, `500ms`), in seconds.
pub fn duration(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { -1.0 } else { 1.0 }, rest),
        None => (1.0, text),
    };
    if unsigned == "0" {
        return Some(0.0);
    }
    let mut rest = unsigned;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = run(rest, |c| c.is_ascii_digit() || c == '.');
        let unit = number.end..number.end + run(&rest[number.end..], |c| !c.is_ascii_digit() && c != '.').end;
        let scale = match &rest[unit.clone()] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += rest[number].parse::<f64>().ok()? * scale;
        rest = &rest[unit.end..];
    }
    (!unsigned.is_empty()).then_some(sign * seconds)
}

/// The characters at the start of `text` that are `wanted`.
fn run(text: &str, wanted: impl Fn(char) -> bool) -> Range<usize> {
    0..text.find(|c| !wanted(c)).unwrap_or(text.len())
}
