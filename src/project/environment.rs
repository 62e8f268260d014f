//! Where something runs, by the words in file names, directories, profiles and stage names.

use crate::container::{Environment, Marked};

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
        return Marked { environment, reason: format!("file name part `{word}`") };
    }
    // Compose merges an override file on its own, so that it is where development settings are kept.
    if file.split('.').any(|part| part == "override") {
        return Marked { environment: Environment::Development, reason: "override file".to_owned() };
    }
    for directory in directories.rsplit('/').filter(|part| !part.is_empty()) {
        if let Some((environment, _)) = by_name(directory) {
            return Marked { environment, reason: format!("directory `{directory}`") };
        }
    }
    Marked { environment: Environment::Unmarked, reason: "nothing says otherwise".to_owned() }
}

/// The environment that a comment settles: `# confscan: environment=production`.
pub fn by_comment(comment: &str) -> Option<Marked> {
    let rest = comment.trim_start_matches(['#', ';', ' ', '\t']).strip_prefix("confscan:")?.trim();
    let value = rest.strip_prefix("environment=")?.trim();
    let all = [Environment::Development, Environment::Test, Environment::Unmarked, Environment::Production];
    let environment = all.into_iter().find(|environment| environment.name() == value)?;
    Some(Marked { environment, reason: "comment in the file".to_owned() })
}

/// The environment of a service that only runs under profiles: what all of them mark.
pub fn by_profiles<'a>(profiles: impl Iterator<Item = &'a str>) -> Option<Marked> {
    let mut found: Option<Marked> = None;
    for profile in profiles {
        let (environment, _) = by_name(profile)?;
        let more_live = found.as_ref().is_none_or(|marked| environment > marked.environment);
        if more_live {
            found = Some(Marked { environment, reason: format!("profile `{profile}`") });
        }
    }
    found
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
        assert_eq!(by_profiles(["dev", "test"].into_iter()).unwrap().environment, Test);
        assert_eq!(by_profiles(["dev", "full"].into_iter()), None);
        assert_eq!(by_profiles([].into_iter()), None);
    }
}
