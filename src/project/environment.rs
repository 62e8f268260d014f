//! Where something runs, by the words in file names, directories, profiles and stage names.

use crate::container::{Environment, Marked};
use crate::source::Spanned;

/// Words that mark an environment when they stand alone between `.`, `-`, `_`, `+` or the ends of a name.
const WORDS: &[(Environment, &[&str])] = &[
    (
        Environment::Development,
        &["dev", "devel", "develop", "development", "local", "debug", "devcontainer", "sandbox"],
    ),
    (
        Environment::Test,
        &[
            "test",
            "tests",
            "testing",
            "ci",
            "e2e",
            "cypress",
            "playwright",
            "unittest",
            "unittests",
            "integration",
            "qa",
        ],
    ),
    (Environment::Production, &["prod", "production", "live", "staging", "release"]),
];

/// The environment that a single name marks, with the word that does.
pub fn by_name(name: &str) -> Option<(Environment, &str)> {
    // The last mark of a name wins: `dev-tests` are tests.
    name.split(['.', '-', '_', '+', ' ']).rev().find_map(|part| {
        let mark = WORDS.iter().find(|(_, words)| words.iter().any(|word| part.eq_ignore_ascii_case(word)));
        mark.map(|(environment, _)| (*environment, part))
    })
}

/// The environment that a path marks: its file name, then its directories from the inside out.
pub fn by_path(path: &str) -> Marked {
    let (directories, file) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some((environment, word)) = by_name(file) {
        return Marked::new(environment, format!("file name part `{word}`"));
    }
    // Compose merges an override file on its own, so that it is where development settings are kept.
    if file.split('.').any(|part| part == "override") {
        return Marked::new(Environment::Development, "override file");
    }
    for directory in directories.rsplit('/').filter(|part| !part.is_empty()) {
        if let Some((environment, _)) = by_name(directory) {
            return Marked::new(environment, format!("directory `{directory}`"));
        }
    }
    Marked::new(Environment::Unmarked, "nothing says otherwise")
}

/// The environment that a comment settles: `# confscan: environment=production`. Words may follow.
pub fn by_comment(comment: &str) -> Option<Marked> {
    let rest = comment.trim_start_matches(['#', ';', ' ', '\t']).strip_prefix("confscan:")?.trim();
    let value = rest.strip_prefix("environment=")?.split_whitespace().next()?;
    let all = [Environment::Development, Environment::Test, Environment::Unmarked, Environment::Production];
    let environment = all.into_iter().find(|environment| environment.name() == value)?;
    Some(Marked::new(environment, "comment in the file"))
}

/// The environment of a service that only runs under profiles: what all of them mark.
pub fn by_profiles<'a>(profiles: impl Iterator<Item = &'a Spanned<String>>) -> Option<Marked> {
    let mut found: Option<Marked> = None;
    for profile in profiles {
        let (environment, _) = by_name(&profile.value)?;
        let more_live = found.as_ref().is_none_or(|marked| environment > marked.environment);
        if more_live {
            found = Some(Marked::new(environment, format!("profile `{}`", profile.value)).at(profile.span));
        }
    }
    found
}

/// Variables by which frameworks are told where they run (from their manuals), the most telling first.
const VARIABLES: [&str; 16] = [
    "NODE_ENV",
    "APP_ENV",
    "RAILS_ENV",
    "RACK_ENV",
    "DJANGO_SETTINGS_MODULE",
    "DJANGO_ENV",
    "FLASK_ENV",
    "SYMFONY_ENV",
    "MIX_ENV",
    "ASPNETCORE_ENVIRONMENT",
    "DOTNET_ENVIRONMENT",
    "SPRING_PROFILES_ACTIVE",
    "APP_ENVIRONMENT",
    "DEPLOY_ENV",
    "ENVIRONMENT",
    "ENV",
];

/// The environment that a variable tells a program that it runs in; `value` gives the value of a variable and its place.
pub fn by_variables(value: impl Fn(&str) -> Option<Spanned<String>>) -> Option<Marked> {
    VARIABLES.iter().find_map(|name| {
        let Spanned { value, span } = value(name)?;
        // A module (`acme.settings.local`) or several profiles (`prod,metrics`): each part may say it.
        let (environment, word) = value.split(',').find_map(|part| by_name(part.trim()))?;
        let shown = if value.len() <= 64 { value.as_str() } else { word };
        Some(Marked::new(environment, format!("`{name}={shown}`")).at(span))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Environment::*;

    #[test]
    fn the_nearest_name_marks_a_path() {
        for (path, expected) in [
            ("compose.yaml", Unmarked),
            ("docker-compose.dev.yml", Development),
            ("docker-compose-dev-saas.yml", Development),
            ("docker-compose.override.yml", Development),
            ("compose.prod.yaml", Production),
            ("deploy/production/compose.yaml", Production),
            ("tests/docker/compose.yaml", Test),
            (".devcontainer/Dockerfile", Development),
            ("Dockerfile.e2e", Test),
            ("dev/compose.prod.yaml", Production),
            ("devices/compose.yaml", Unmarked),
            ("latest/Dockerfile", Unmarked),
        ] {
            assert_eq!(by_path(path).environment, expected, "{path}");
        }
    }

    #[test]
    fn a_comment_settles_it() {
        assert_eq!(by_comment("# confscan: environment=production").unwrap().environment, Production);
        assert_eq!(by_comment("; confscan: environment=test").unwrap().environment, Test);
        assert_eq!(by_comment("# confscan: environment=prod"), None);
        assert_eq!(by_comment("# environment=production"), None);
    }

    #[test]
    fn profiles_mark_a_service_only_when_all_of_them_do() {
        let span = crate::source::Span::new(crate::source::FileId(0), 0..0);
        let of = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| Spanned::new((*name).to_owned(), span)).collect();
            by_profiles(names.iter()).map(|marked| marked.environment)
        };
        assert_eq!(of(&["dev", "test"]), Some(Test));
        assert_eq!(of(&["dev", "full"]), None);
        assert_eq!(of(&[]), None);
    }
}
