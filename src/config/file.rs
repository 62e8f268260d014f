//! The `confscan.toml` files of a scan, and what they say together about a path.

use std::borrow::Cow;
use std::ops::Range;

use super::Error;
use super::settings::{At, FailOn, Ignore, Level, Settings, Stack};
use super::values::RelativePath;
use crate::container::{Environment, Marked};
use crate::finding::{Confidence, Rule, Tier};
use crate::policy::Setting;
use crate::project::{self, Configured, path};
use crate::rules;
use crate::source::{Kind, ReadError, Source, Sources, Span, Spanned};
use crate::text::closest;

/// What the files are called.
pub const NAME: &str = "confscan.toml";

/// Larger files are refused, in bytes.
pub const MAX_SIZE: u64 = 256 << 10;

/// One `confscan.toml`.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the scan root, with `..` where it is above.
    pub path: String,
    /// The text.
    pub text: String,
    /// Where its folder is.
    pub folder: Folder,
    /// What it says.
    pub settings: Settings,
}

/// Where the folder of a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Folder {
    /// The scan root, or above: the path from the folder to the scan root.
    Above(String),
    /// The path from the scan root to the folder.
    Below(String),
}

impl File {
    /// Reads `text` as the settings of `path`.
    ///
    /// # Errors
    /// It is not TOML, or holds a key or value that there is not.
    pub fn parse(path: impl Into<String>, folder: Folder, text: impl Into<String>) -> Result<File, Error> {
        let (path, text) = (path.into(), text.into());
        // An editor may have put a byte order mark in front, which TOML allows.
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        let settings: Settings = toml::from_str(&text).map_err(|error| Error::toml(&path, &text, &error))?;
        let file = File { path, text, folder, settings };
        file.check()?;
        Ok(file)
    }

    /// What the types cannot say.
    fn check(&self) -> Result<(), Error> {
        let Settings { rules, overrides, stacks, .. } = &self.settings;
        let wrong =
            |range: &Range<usize>, message: String| Err(Error::at(&self.path, &self.text, range.clone(), message));
        for (name, level) in rules.0.iter().chain(overrides.iter().flat_map(|one| &one.value.rules.0)) {
            if level.value == Level::Off && rules::find(name.0).is_some_and(|registered| registered.rule.gap) {
                let lift = "an [[ignore]] with a reason or --allow-gaps lifts it";
                let message = format!("`{}` says that something was not graded and cannot be off; {lift}", name.0);
                return wrong(&level.range, message);
            }
        }
        for one in overrides {
            if one.value.paths.is_none() && one.value.environment.is_none() {
                return wrong(
                    &one.range,
                    "an override needs `paths` or `environment`; for all files, use [rules]".to_owned(),
                );
            }
        }
        for (index, stack) in stacks.iter().enumerate() {
            if let Some(name) = &stack.value.name
                && stacks[..index]
                    .iter()
                    .any(|other| other.value.name.as_ref().is_some_and(|it| it.value == name.value))
            {
                return wrong(&name.range, format!("another stack is called `{}` already", name.value.0));
            }
            if stack.value.files.is_empty() {
                return wrong(&stack.range, "a stack needs at least one file".to_owned());
            }
            let files = stack.value.files.iter().chain(&stack.value.env_file.0);
            if let Some(file) = files.into_iter().find(|file| self.leads_out(&file.value.0)) {
                return wrong(&file.range, format!("`{}` leads out of the repository", file.value.0));
            }
        }
        for (inside, folder) in &self.settings.nginx.root {
            if self.leads_out(&folder.value.0) {
                let message = format!("`{}`, for `{}`, leads out of the repository", folder.value.0, inside.0);
                return wrong(&folder.range, message);
            }
        }
        Ok(())
    }

    /// Whether a path that is written in the file leads out of the scan root and of the file's folder.
    fn leads_out(&self, written: &str) -> bool {
        match &self.folder {
            Folder::Above(_) => path::join("", written).is_none(),
            Folder::Below(folder) => path::join(folder, written).is_none(),
        }
    }

    /// `path`, which is seen from the scan root, as seen from the file's folder; nothing where it is not below that.
    pub fn seen<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        match &self.folder {
            Folder::Above(prefix) if prefix.is_empty() => Some(Cow::Borrowed(path)),
            Folder::Above(prefix) => Some(Cow::Owned(format!("{prefix}/{path}"))),
            Folder::Below(folder) => path::below(path, folder).map(Cow::Borrowed),
        }
    }

    /// Whether an accepted finding of this file is one of `rule` in the file at `path`, about one of `containers`. A day
    /// that is past has no part in it.
    pub fn covers<'c>(
        &self,
        ignore: &Ignore,
        rule: &str,
        path: &str,
        mut containers: impl Iterator<Item = &'c str>,
    ) -> bool {
        let Some(seen) = self.seen(path) else { return false };
        let container = ignore.container.as_deref();
        ignore.rule.0.iter().any(|name| name.value.0 == rule)
            && ignore.path.as_ref().is_none_or(|globs| globs.matches(&seen))
            && container.is_none_or(|pattern| containers.any(|name| path::glob(pattern, name)))
    }

    /// Where a value of the file is written, once the file is registered in `sources`.
    pub fn span<T>(&self, value: &At<T>, sources: &Sources) -> Option<Span> {
        sources.find(&self.path).map(|id| value.span(id))
    }

    /// The path from the scan root of a path that is written in the file; nothing where it leads out.
    pub fn resolve(&self, written: &str) -> Option<String> {
        match &self.folder {
            Folder::Below(folder) => path::join(folder, written),
            // What is outside of the scan root is not read, though it may be in the repository.
            Folder::Above(prefix) => {
                let joined = path::join("", written)?;
                path::below(&joined, prefix).map(str::to_owned)
            }
        }
    }
}

/// The `confscan.toml` files of a scan.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Outer ones first.
    files: Vec<File>,
    /// What those say that are known before the walk.
    max_file_size: Option<u64>,
}

impl Files {
    /// The files that count for all that is scanned, put into their order.
    pub fn new(mut files: Vec<File>) -> Files {
        sort(&mut files);
        let max_file_size = files.iter().rev().find_map(|file| file.settings.limits.max_file_size);
        Files { files, max_file_size: max_file_size.map(|size| size.0) }
    }

    /// Every file, outer ones first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &File> {
        self.files.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds the files that the walk came upon.
    ///
    /// # Errors
    /// One of them cannot be read, leads out of the scan root, or is wrong.
    pub fn add_below(&mut self, sources: &Sources) -> Result<(), Error> {
        for path in &sources.settings {
            if self.files.iter().any(|file| file.path == *path) {
                continue;
            }
            let bytes = sources.store().read(path).map_err(|error| Error::unreadable(path, &error))?;
            let folder = match path::directory(path) {
                "" => Folder::Above(String::new()),
                folder => Folder::Below(folder.to_owned()),
            };
            self.files.push(File::parse(path, folder, text(path, bytes)?)?);
        }
        sort(&mut self.files);
        Ok(())
    }

    /// Adds the files' texts to those of the scan, so that findings can point into them; [`Sources::find`] with a
    /// file's path gives its id.
    pub fn register(&self, sources: &mut Sources) {
        for file in &self.files {
            let mut source = Source::new(&file.path, &file.text);
            (source.kind, source.why) = (Kind::Auxiliary, "settings of confscan".to_owned());
            sources.add(source);
        }
    }

    /// Whether the files of every stack are there, as far as they may be read.
    ///
    /// # Errors
    /// Says which one is not, and what it was probably meant to be.
    pub fn check_stacks(&self, sources: &Sources) -> Result<(), Error> {
        for (file, stack) in self.stacks() {
            for written in &stack.value.files {
                let Some(path) = file.resolve(&written.value.0) else { continue };
                if sources.find(&path).is_some() || !matches!(sources.store().read(&path), Err(ReadError::Missing)) {
                    continue;
                }
                let beside = sources.list(path::directory(&path));
                let near = closest(path::file_name(&path), beside.iter().map(String::as_str));
                let hint = near.map(|near| format!("; is it `{near}`?")).unwrap_or_default();
                let message = format!("no file `{}`{hint}", written.value.0);
                return Err(Error::at(&file.path, &file.text, written.range.clone(), message));
            }
        }
        Ok(())
    }

    /// Takes the choice of the tier out of every file.
    pub fn without_pedantic(mut self) -> Files {
        self.files.iter_mut().for_each(|file| file.settings.pedantic = None);
        self
    }

    /// The files that are for `path`, outer ones first, each with that path as seen from its folder.
    fn of<'a>(&'a self, path: &'a str) -> impl DoubleEndedIterator<Item = (&'a File, Cow<'a, str>)> {
        self.files.iter().filter_map(move |file| Some((file, file.seen(path)?)))
    }

    /// The innermost of what `get` finds in the files that are for `path`.
    fn innermost<T>(&self, path: &str, get: impl Fn(&Settings) -> Option<T>) -> Option<T> {
        self.of(path).rev().find_map(|(file, _)| get(&file.settings))
    }

    /// What the files say of `rule` in the file at `path` where that runs in `environment`; `pedantic` runs the pedantic
    /// tier whatever they say.
    pub fn setting(&self, rule: &Rule, path: &str, environment: Environment, pedantic: bool) -> Setting {
        let mut last: Option<(Level, bool)> = None;
        for (file, seen) in self.of(path) {
            if let Some(level) = file.settings.rules.level(rule.id) {
                last = Some((level, false));
            }
            for At { value: one, .. } in &file.settings.overrides {
                let Some(level) = one.rules.level(rule.id) else { continue };
                let applies = one.paths.as_ref().is_none_or(|paths| paths.matches(&seen))
                    && one.environment.is_none_or(|place| Environment::from(place) == environment);
                if applies {
                    last = Some((level, one.environment.is_some()));
                }
            }
        }
        let by_tier = || {
            let asked = || pedantic || self.innermost(path, |settings| settings.pedantic).unwrap_or(false);
            rule.tier == Tier::Default || asked()
        };
        match last {
            Some((level, exact)) => Setting { runs: level != Level::Off, severity: level.severity(), exact },
            None => Setting { runs: by_tier(), severity: None, exact: false },
        }
    }

    /// Whether a rule of the pedantic tier may run somewhere.
    pub fn may_run(&self, rule: &Rule) -> bool {
        let on = |level: Level| level != Level::Off;
        self.files.iter().any(|File { settings, .. }| {
            settings.pedantic == Some(true)
                || settings.rules.level(rule.id).is_some_and(on)
                || settings.overrides.iter().any(|one| one.value.rules.level(rule.id).is_some_and(on))
        })
    }

    /// The least severity that fails a scan for a finding in the file at `path`.
    pub fn fail_on(&self, path: &str) -> Option<FailOn> {
        self.innermost(path, |settings| settings.fail_on)
    }

    /// How sure a finding in the file at `path` has to be to be shown.
    pub fn min_confidence(&self, path: &str) -> Option<Confidence> {
        self.innermost(path, |settings| settings.min_confidence).map(Confidence::from)
    }

    /// Whether the file at `path` may use an image, named in full (`docker.io/library/postgres`); nothing where no file
    /// says which images are trusted.
    pub fn trusts(&self, path: &str, image: &str) -> Option<bool> {
        let lists = self.of(path).filter_map(|(file, _)| file.settings.images.trusted.as_ref());
        lists.map(|trusted| trusted.matches(image)).reduce(|one, other| one || other)
    }

    /// Size in bytes over which files are not read, as the files of [`Files::new`] have it.
    pub fn max_file_size(&self) -> Option<u64> {
        self.max_file_size
    }

    /// Findings of one rule in one file that are listed.
    pub fn max_findings(&self) -> Option<usize> {
        let above = self.files.iter().rev().filter(|file| matches!(file.folder, Folder::Above(_)));
        above.filter_map(|file| file.settings.limits.max_findings).map(|number| number.0).next()
    }

    /// Every stack, with the file that it stands in; [`File::resolve`] gives the paths of its files.
    pub fn stacks(&self) -> impl Iterator<Item = (&File, &At<Stack>)> {
        self.files.iter().flat_map(|file| file.settings.stacks.iter().map(move |stack| (file, stack)))
    }

    /// Every accepted finding, with the file that it stands in; [`File::covers`] says what it is for.
    pub fn ignores(&self) -> impl Iterator<Item = (&File, &At<Ignore>)> {
        self.files.iter().flat_map(|file| file.settings.ignores.iter().map(move |ignore| (file, ignore)))
    }
}

impl project::Settings for Files {
    fn environment(&self, path: &str, sources: &Sources) -> Option<Marked> {
        self.of(path).rev().find_map(|(file, seen)| {
            let globs = &file.settings.environments;
            let lists = [
                (&globs.production, Environment::Production),
                (&globs.unmarked, Environment::Unmarked),
                (&globs.test, Environment::Test),
                (&globs.development, Environment::Development),
            ];
            let lists = lists.into_iter().filter_map(|(globs, environment)| Some((globs.as_ref()?, environment)));
            let (globs, environment) = lists.into_iter().find(|(globs, _)| globs.value.matches(&seen))?;
            let marked = Marked::new(environment, format!("`environments` in {}", file.path));
            Some(Marked { decided_by: file.span(globs, sources), ..marked })
        })
    }

    fn configured(&self, sources: &Sources) -> Vec<Configured> {
        let stacks = self.stacks().filter_map(|(file, stack)| {
            let paths = |paths: &[At<RelativePath>]| paths.iter().map(|path| file.resolve(&path.value.0)).collect();
            let files: Option<Vec<String>> = paths(&stack.value.files);
            let env_files: Option<Vec<String>> = paths(&stack.value.env_file.0);
            let environment = stack.value.environment.as_ref().map(|environment| {
                let marked = Marked::new(environment.value.into(), format!("`stack` in {}", file.path));
                Marked { decided_by: file.span(environment, sources), ..marked }
            });
            // Registered, every value has its place.
            let place = |name: &At<String>| Some(Spanned::new(name.value.clone(), file.span(name, sources)?));
            let profiles = stack.value.profiles.as_ref().map(|names| names.iter().filter_map(place).collect());
            let name = stack.value.name.as_ref().map(|name| name.value.0.clone());
            Some(Configured { files: files?, environment, env_files: env_files?, name, profiles })
        });
        stacks.collect()
    }

    fn nginx_root(&self, path: &str, inside: &str) -> Option<String> {
        self.of(path).rev().find_map(|(file, _)| {
            let roots = file.settings.nginx.root.iter();
            let fits = roots.filter_map(|(folder, to)| Some((folder, to, path::below(inside, &folder.0)?)));
            let (_, to, rest) = fits.max_by_key(|(folder, ..)| folder.0.len())?;
            path::join(&file.resolve(&to.value.0)?, rest)
        })
    }
}

/// Puts files into their order: from the repository's root to the scan root, then into the tree.
fn sort(files: &mut [File]) {
    files.sort_by_key(|file| match &file.folder {
        Folder::Above(prefix) => (0, usize::MAX - parts(prefix)),
        Folder::Below(folder) => (1, parts(folder)),
    });
}

/// Number of parts of a path.
fn parts(path: &str) -> usize {
    path.split('/').filter(|part| !part.is_empty()).count()
}

/// The content of the file at `path` as text.
///
/// # Errors
/// It is too large, or not UTF-8, which TOML is.
pub fn text(path: &str, bytes: Vec<u8>) -> Result<String, Error> {
    if bytes.len() as u64 > MAX_SIZE {
        let reason = format!("{} bytes, over the limit of {MAX_SIZE}", bytes.len());
        return Err(Error::unreadable(path, &reason));
    }
    String::from_utf8(bytes).map_err(|_| Error::unreadable(path, &"not UTF-8"))
}
