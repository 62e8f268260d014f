//! What can be written in a `confscan.toml`: these types are its format, its JSON Schema and its documentation.

use std::borrow::Borrow;
#[cfg(test)]
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

#[cfg(test)]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserializer, SeqAccess, Visitor};

use super::pattern::{Globs, Trusted};
use super::values::{ContainerFolder, Day, MaxFindings, RelativePath, Size, StackName};
use crate::container::Environment;
use crate::finding::{Confidence, Severity};
use crate::source::{FileId, Span};
use crate::{rules, text};

/// Settings of confscan. They count for the files below the folder of the file that they stand in; what a file deeper
/// in the tree says wins there, and lists add up.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Settings {
    /// Also run the rules that are a matter of taste or of hardening beyond the usual: `true` or `false` (the default).
    pub pedantic: Option<bool>,
    /// Exit with 1 when there is a finding of at least this severity: `critical`, `high` (the default), `medium`, `low`,
    /// `info` or `never`.
    pub fail_on: Option<FailOn>,
    /// Show findings and fail on them only when they are at least this sure: `certain`, `likely` or `guess` (the
    /// default). A guess never fails a scan.
    pub min_confidence: Option<Sure>,
    /// What is made of rules, by their names: `off`, `on` (the severities of its page), or a severity.
    pub rules: Rules,
    /// Severities of rules for some files or environments only; a later one wins.
    #[serde(rename = "override")]
    pub overrides: Vec<At<Override>>,
    /// Where the containers of files run. A comment in the file says it more exactly, names say it less.
    pub environments: Environments,
    /// Compose files that run together.
    #[serde(rename = "stack")]
    pub stacks: Vec<At<Stack>>,
    /// Findings that are accepted, each with its reason.
    #[serde(rename = "ignore")]
    pub ignores: Vec<At<Ignore>>,
    /// Which images may be used.
    pub images: Images,
    /// Where the files of nginx lie in the repository.
    pub nginx: Nginx,
    /// What is too much to read. Counts for the whole scan, so only in a file at or above the scanned folder.
    pub limits: Limits,
}

/// A value and where it is written: bytes of the file's text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "toml::Spanned<T>", bound = "T: Deserialize<'de>")]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it is written; of a table, its header.
    pub range: Range<usize>,
}

impl<T> At<T> {
    /// Where it is written, once the file is one of the scan's.
    pub fn span(&self, file: FileId) -> Span {
        Span::new(file, self.range.clone())
    }
}

impl<T> From<toml::Spanned<T>> for At<T> {
    fn from(spanned: toml::Spanned<T>) -> Self {
        At { range: spanned.span(), value: spanned.into_inner() }
    }
}

#[cfg(test)]
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A value that is written as a string.
pub(super) trait FromText: Sized {
    /// The value, or what is wrong with the text.
    fn from_text(text: &str) -> Result<Self, String>;
}

/// Makes a [`FromText`] one of TOML's strings. What is wrong is said while the string is being read: only then does its
/// place go with it.
macro_rules! deserialize_from_text {
    ($type:ty) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                        f.write_str("a string")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        crate::config::settings::FromText::from_text(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
pub(super) use deserialize_from_text;

/// Severities of rules by the rules' names.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Rules(pub BTreeMap<RuleName, At<Level>>);

impl Rules {
    /// What is said of the rule called `id`.
    pub fn level(&self, id: &str) -> Option<Level> {
        self.0.get(id).map(|level| level.value)
    }
}

/// The name of a rule that there is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleName(pub &'static str);

impl FromText for RuleName {
    fn from_text(name: &str) -> Result<Self, String> {
        if let Some(registered) = rules::find(name) {
            return Ok(RuleName(registered.rule.id));
        }
        let near = text::closest(name, rules::RULES.iter().map(|registered| registered.rule.id));
        let hint = near.map_or("`confscan rules` lists them".to_owned(), |near| format!("is it `{near}`?"));
        Err(format!("no rule `{name}`; {hint}"))
    }
}

deserialize_from_text!(RuleName);

impl Borrow<str> for RuleName {
    fn borrow(&self) -> &str {
        self.0
    }
}

#[cfg(test)]
impl JsonSchema for RuleName {
    fn schema_name() -> Cow<'static, str> {
        "RuleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = rules::RULES.iter().map(|registered| registered.rule.id).collect();
        json_schema!({ "description": "Name of a rule", "type": "string", "enum": names })
    }
}

/// What is made of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub enum Level {
    /// It does not run.
    Off,
    /// It runs, with the severities of its page, also when it is of the pedantic tier.
    On,
    /// It runs, and what it finds is of this severity.
    Info,
    /// It runs, and what it finds is of this severity.
    Low,
    /// It runs, and what it finds is of this severity.
    Medium,
    /// It runs, and what it finds is of this severity.
    High,
    /// It runs, and what it finds is of this severity.
    Critical,
}

impl Level {
    /// The severity that it sets.
    pub fn severity(self) -> Option<Severity> {
        match self {
            Level::Off | Level::On => None,
            Level::Info => Some(Severity::Info),
            Level::Low => Some(Severity::Low),
            Level::Medium => Some(Severity::Medium),
            Level::High => Some(Severity::High),
            Level::Critical => Some(Severity::Critical),
        }
    }
}

/// The least severity that fails a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub enum FailOn {
    /// Of critical severity.
    Critical,
    /// High, or worse.
    High,
    /// Medium, or worse.
    Medium,
    /// Low, or worse.
    Low,
    /// Any finding.
    Info,
    /// None.
    Never,
}

impl FailOn {
    /// Every value, the one that fails least last.
    pub const ALL: [FailOn; 6] =
        [FailOn::Critical, FailOn::High, FailOn::Medium, FailOn::Low, FailOn::Info, FailOn::Never];

    /// The least severity that fails a scan; nothing for `never`.
    pub fn least(self) -> Option<Severity> {
        match self {
            FailOn::Critical => Some(Severity::Critical),
            FailOn::High => Some(Severity::High),
            FailOn::Medium => Some(Severity::Medium),
            FailOn::Low => Some(Severity::Low),
            FailOn::Info => Some(Severity::Info),
            FailOn::Never => None,
        }
    }

    /// The name used in options and settings.
    pub fn name(self) -> &'static str {
        self.least().map_or("never", Severity::name)
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub enum Sure {
    /// It stands in the files.
    Certain,
    /// True unless something out of sight says otherwise.
    Likely,
    /// Something that decides it is not known.
    Guess,
}

impl From<Sure> for Confidence {
    fn from(sure: Sure) -> Self {
        match sure {
            Sure::Certain => Confidence::Certain,
            Sure::Likely => Confidence::Likely,
            Sure::Guess => Confidence::Guess,
        }
    }
}

/// Severities of rules for some files or environments only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Override {
    /// The files that it is for, one pattern or a list; all where it is not given.
    pub paths: Option<Globs>,
    /// The environment that it is for: `production`, `development`, `test` or `unmarked`; every one where it is not given.
    pub environment: Option<Where>,
    /// As `rules`.
    pub rules: Rules,
}

/// Where something runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub enum Where {
    /// In production.
    Production,
    /// On development machines.
    Development,
    /// In tests and CI.
    Test,
    /// Nothing says: graded like production.
    Unmarked,
}

impl From<Where> for Environment {
    fn from(place: Where) -> Self {
        match place {
            Where::Production => Environment::Production,
            Where::Development => Environment::Development,
            Where::Test => Environment::Test,
            Where::Unmarked => Environment::Unmarked,
        }
    }
}

/// Files by where their containers run; where several match, the first of production, unmarked, test and development.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Environments {
    /// Files whose containers run in production.
    pub production: Option<At<Globs>>,
    /// Files whose containers run on development machines.
    pub development: Option<At<Globs>>,
    /// Files whose containers run in tests and CI.
    pub test: Option<At<Globs>>,
    /// Files whose names mean nothing.
    pub unmarked: Option<At<Globs>>,
}

/// Compose files that run together, as with `docker compose -f FILE -f FILE`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Stack {
    /// The files in the order in which they are merged, from the folder of this file.
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub files: Vec<At<RelativePath>>,
    /// Where the stack runs: `production`, `development`, `test` or `unmarked`.
    pub environment: Option<At<Where>>,
    /// What reports call it.
    pub name: Option<At<StackName>>,
    /// The profiles that are active, `*` for all of them: services of other ones do not run. Without it every service
    /// is graded.
    pub profiles: Option<Vec<At<String>>>,
    /// The files, one or a list, that variables are taken from instead of `.env`.
    #[serde(default)]
    pub env_file: OneOrMany<At<RelativePath>>,
}

/// A finding that is accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Ignore {
    /// The rule, or a list of rules.
    pub rule: OneOrMany<At<RuleName>>,
    /// The files that it is for, one pattern or a list; all where it is not given.
    pub path: Option<Globs>,
    /// The container that it is for; `*` stands for any characters. All where it is not given.
    pub container: Option<String>,
    /// Why it is accepted.
    pub reason: Option<String>,
    /// The last day on which it is accepted: `2027-01-31`.
    pub until: Option<At<Day>>,
    /// The day on which it was accepted, which reports tell its age from.
    pub since: Option<At<Day>>,
}

/// Which images may be used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Images {
    /// Registries and repositories that images may come from, such as `docker.io/library` or `*.example.org`; the rule
    /// `untrusted-registry` reports all others.
    pub trusted: Option<Trusted>,
}

/// Where the files of nginx lie in the repository.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Nginx {
    /// Folders of nginx in its container, each with the folder that it is made from: `{ "/etc/nginx" = "deploy/nginx" }`.
    /// `include` directives are looked up there, and a container that runs nginx and whose files give it no config has
    /// those.
    pub root: BTreeMap<ContainerFolder, At<RelativePath>>,
}

/// What is too much to read.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[cfg_attr(test, derive(JsonSchema))]
pub struct Limits {
    /// Larger files are reported instead of read: bytes, or a text such as `"512K"` (the default is `"1M"`).
    pub max_file_size: Option<Size>,
    /// Findings of one rule that are listed of one file, from 1 to 100000 (the default is 500); that there are more is a
    /// finding.
    pub max_findings: Option<MaxFindings>,
}

/// One value, or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        OneOrMany(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<At<T>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(std::marker::PhantomData<T>);
        /// What one of the two was, before the place of a single one is known.
        enum Given<T> {
            One(T),
            Many(Vec<At<T>>),
        }
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = Given<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Given<T>, E> {
                T::deserialize(serde::de::value::StrDeserializer::new(text)).map(Given::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Given<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Given::Many)
            }
        }
        impl<'de, T: Deserialize<'de>> Deserialize<'de> for Given<T> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Either(std::marker::PhantomData))
            }
        }
        let At { value, range } = At::<Given<T>>::deserialize(deserializer)?;
        Ok(OneOrMany(match value {
            Given::One(value) => vec![At { value, range }],
            Given::Many(values) => values,
        }))
    }
}

#[cfg(test)]
impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OneOrMany{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}
