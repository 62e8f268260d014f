mod format;

use std::path::Path;

use super::*;
use crate::container::Environment::{Development, Production, Test, Unmarked};
use crate::effort;
use crate::finding::Severity;
use crate::project::Settings as _;
use crate::rules;
use crate::source::Sources;

/// A file in a folder of the scan root (`""` is the root itself, `../` above it, where the root is called `app`).
fn file(folder: &str, text: &str) -> File {
    let folder = match folder {
        "" => Folder::Above(String::new()),
        "../" => Folder::Above("app".to_owned()),
        below => Folder::Below(below.to_owned()),
    };
    File::parse(NAME, folder, text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn files(texts: &[(&str, &str)]) -> Files {
    Files::new(texts.iter().map(|(folder, text)| file(folder, text)).collect())
}

fn refusal(text: &str) -> String {
    match File::parse(NAME, Folder::Above(String::new()), text) {
        Ok(file) => panic!("{text}: {:?}", file.settings),
        Err(error) => error.to_string(),
    }
}

#[test]
fn whatever_is_wrong_is_shown_with_its_line_and_what_was_probably_meant() {
    let cases: &[(&str, &str)] = &[
        ("# x\n[ruels]\n", "2:2: unknown key `ruels`; is it `rules`?\n 2 | [ruels]\n   |  ^^^^^"),
        (
            "[environments]\nlive = []",
            "2:1: unknown key `live`; there are: production, development, test, unmarked\n 2 | live = []\n   | ^^^^",
        ),
        ("pedantic = 1", "1:12: integer `1`, expected a boolean\n 1 | pedantic = 1\n   |            ^"),
        ("fail-on = 'hgih'", "1:11: unknown value `hgih`; is it `high`?\n 1 | fail-on = 'hgih'\n   |           ^^^^^^"),
        ("fail-on = 3", "1:11: expected a string\n 1 | fail-on = 3\n   |           ^"),
        ("rules = 3", "1:9: integer `3`, expected a table\n 1 | rules = 3\n   |         ^"),
        (
            "rules.missing-usr = 'off'",
            "1:7: no rule `missing-usr`; is it `missing-user`?\n 1 | rules.missing-usr = 'off'\n   |       ^^^^^^^^^^^",
        ),
        (
            "rules.zzz = 'off'",
            "1:7: no rule `zzz`; `confscan rules` lists them\n 1 | rules.zzz = 'off'\n   |       ^^^",
        ),
        (
            "rules.missing-user = 'of'",
            "1:22: unknown value `of`; is it `off`?\n 1 | rules.missing-user = 'of'\n   |                      ^^^^",
        ),
        (
            "rules.parse-error = 'off'",
            "1:21: `parse-error` says that something was not graded and cannot be off; an [[ignore]] with a reason or \
             --allow-gaps lifts it\n 1 | rules.parse-error = 'off'\n   |                     ^^^^^",
        ),
        (
            "[[override]]\nrules = {}",
            "1:1: an override needs `paths` or `environment`; for all files, use [rules]\n 1 | [[override]]\n   | \
             ^^^^^^^^^^^^",
        ),
        (
            "[[override]]\npaths = ['ok', '[a']\nrules = {}",
            "2:16: not a pattern: unclosed character class; missing ']'\n 2 | paths = ['ok', '[a']\n   |                \
             ^^^^",
        ),
        (
            "environments.test = ['a/../b']",
            "1:22: `a/../b` leads out of the folder of this file\n 1 | environments.test = ['a/../b']\n   |                      \
             ^^^^^^^^",
        ),
        (
            "environments.test = '/'",
            "1:21: `/` is not a pattern: `**` stands for every file\n 1 | environments.test = '/'\n   |                     ^^^",
        ),
        ("[[stack]]\n", "1:1: the key `files` is missing\n 1 | [[stack]]\n   | ^^^^^^^^^"),
        ("[stack]\nfiles = []", "1:1: there can be several: write [[stack]]\n 1 | [stack]\n   | ^^^^^^^"),
        ("[[stack]]\nfiles = []", "1:1: a stack needs at least one file\n 1 | [[stack]]\n   | ^^^^^^^^^"),
        (
            "[[stack]]\nfiles = ['a', '../b']",
            "2:15: `../b` leads out of the repository\n 2 | files = ['a', '../b']\n   |               ^^^^^^",
        ),
        (
            "[[stack]]\nfiles = ['a']\nenv-file = '/b'",
            "3:12: `/b` is not a path from the folder of this file\n 3 | env-file = '/b'\n   |            ^^^^",
        ),
        (
            "[[ignore]]\nrule = ['missing-user', 'y']",
            "2:25: no rule `y`; `confscan rules` lists them\n 2 | rule = ['missing-user', 'y']\n   |                         \
             ^^^",
        ),
        (
            "[[ignore]]\nrule = 1",
            "2:8: integer `1`, expected a string or a list of strings\n 2 | rule = 1\n   |        ^",
        ),
        (
            "[[ignore]]\nrule = 'missing-user'\nuntil = 'soon'",
            "3:9: `soon` is not a date such as 2027-01-31\n 3 | until = 'soon'\n   |         ^^^^^^",
        ),
        (
            "[[ignore]]\nrule = 'missing-user'\nuntil = 2027-01-31T00:00:00Z",
            "3:9: `2027-01-31T00:00:00Z` is not a date such as 2027-01-31\n 3 | until = 2027-01-31T00:00:00Z\n   |         \
             ^^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "images.trusted = ['acme/x']",
            "1:19: `acme/x` names no registry; on Docker Hub it is `docker.io/acme/x`\n 1 | images.trusted = ['acme/x']\n   \
             |                   ^^^^^^^^",
        ),
        (
            "images.trusted = ['nginx']",
            "1:19: `nginx` names no registry; the official image is `docker.io/library/nginx`\n 1 | images.trusted = \
             ['nginx']\n   |                   ^^^^^^^",
        ),
        (
            "images.trusted = ['docker.io/nginx:1']",
            "1:19: `docker.io/nginx:1` names a tag or digest; a pattern is for a registry and repositories\n 1 | \
             images.trusted = ['docker.io/nginx:1']\n   |                   ^^^^^^^^^^^^^^^^^^^",
        ),
        (
            "nginx.root = { etc = 'x' }",
            "1:16: `etc` is not an absolute path of a container\n 1 | nginx.root = { etc = 'x' }\n   |                ^^^",
        ),
        (
            "nginx.root = { '/etc' = '../x' }",
            "1:25: `../x`, for `/etc`, leads out of the repository\n 1 | nginx.root = { '/etc' = '../x' }\n   |                         \
             ^^^^^^",
        ),
        (
            "limits.max-file-size = '1G'",
            "1:24: not a number of bytes, K or M\n 1 | limits.max-file-size = '1G'\n   |                        ^^^^",
        ),
        (
            "limits.max-file-size = -1",
            "1:24: not a number of bytes up to 1073741824\n 1 | limits.max-file-size = -1\n   |                        ^^",
        ),
        ("x", "1:2: key with no value, expected `=`\n 1 | x\n   |  ^"),
        ("a = 1\na = 2", "2:1: duplicate key\n 2 | a = 2\n   | ^"),
        ("\u{feff}pedantic = 3", "1:12: integer `3`, expected a boolean\n 1 | pedantic = 3\n   |            ^"),
        (
            "'\u{202e}x' = 1",
            "1:1: unknown key `\\u{202e}x`; there are: pedantic, fail-on, min-confidence, rules, override, environments, \
             stack, ignore, images, nginx, limits\n 1 | '\\u{202e}x' = 1\n   | ^^^^^^^^^^^",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), format!("confscan.toml:{expected}"), "{text}");
    }
    let long = refusal(&format!("pedantic = false # {0}\nimages.trusted = ['{0}/x']", "é".repeat(500)));
    let shown: Vec<&str> = long.lines().collect();
    assert!(shown.len() == 3 && shown[1].chars().count() < 90 && shown[2].chars().count() < 90, "{long}");
}

#[test]
fn hostile_settings_take_linear_time() {
    let names =
        |bytes: usize, text: &str| (0..bytes / (text.len() + 8)).map(|at| format!("'{text}{at}',")).collect::<String>();
    let filled = |bytes: usize, unit: &str| unit.repeat(bytes / unit.len());
    // A longer file is refused, and a longer pattern, too.
    let cases = |size: usize| {
        let texts = [
            format!("x = {}", filled(size, "[")),
            format!("x = {}", filled(size, "{a=")),
            filled(size, "a.") + "a = 1",
            filled(size, "[[stack]]\nfiles = ['a']\n"),
            (0..size / 24).map(|at| format!("[nginx.root.a{at}]\n")).collect(),
            format!("environments.test = [{}]", names(size, "*{a,b}?[a-z]")),
            format!("environments.test = ['{}']", filled(size / 256, "{a,b}")),
            format!("environments.test = ['{}']", filled(size / 256, "{")),
            format!("environments.test = ['{}']", filled(size / 256, "**/*")),
            format!("images.trusted = [{}]", names(size, "*.a*b?c.org/")),
            format!("'{}' = 1", filled(size, "x")),
        ];
        texts.map(|text| (text[..40].to_owned(), text)).into()
    };
    effort::assert_linear(240_000, 2 << 20, cases, |text: &String| {
        if let Ok(file) = File::parse(NAME, Folder::Above(String::new()), text.as_str()) {
            let files = Files::new(vec![file]);
            files.environment(&"a/b_c/".repeat(600), &Sources::default());
            files.trusts("x", &"a.b".repeat(600));
        }
    });
}

#[test]
fn patterns_match_as_gitignore_lines_do() {
    for (pattern, path, expected) in [
        ("compose.dev.yaml", "compose.dev.yaml", true),
        ("compose.dev.yaml", "a/b/compose.dev.yaml", true),
        ("*.dev.yaml", "a/compose.dev.yaml", true),
        ("/*.dev.yaml", "a/compose.dev.yaml", false),
        ("/*.dev.yaml", "compose.dev.yaml", true),
        ("./*.dev.yaml", "compose.dev.yaml", true),
        ("deploy", "deploy/a/b", true),
        ("deploy", "a/deploy/b", true),
        ("deploy/", "deploy/b", true),
        ("deploy/", "deploy", false),
        ("/deploy/", "a/deploy/b", false),
        ("deploy/*.yaml", "deploy/a.yaml", true),
        ("deploy/*.yaml", "deploy/a/b.yaml", false),
        ("deploy/*", "deploy/a/b.yaml", true),
        ("deploy/**/x", "deploy/a/b/x", true),
        ("deploy/**/x", "deploy/x", true),
        ("**", "a/b", true),
        ("a/**", "a", false),
        ("{a,b}.yaml", "x/b.yaml", true),
        ("a?", "ab", true),
        ("[ab]", "b", true),
        ("*", "a/b", true),
        ("deploy", "deployment/x", false),
        ("A", "a", false),
    ] {
        let files = files(&[("", &format!("environments.test = ['{pattern}']"))]);
        assert_eq!(files.environment(path, &Sources::default()).is_some(), expected, "{pattern} {path}");
    }
}

#[test]
fn what_a_file_says_starts_at_its_folder() {
    let text = "environments.test = ['app/dev/*', 'dev/*']\n[[stack]]\nfiles = ['app/dev/a', 'dev/a', '../b']";
    let mut above = file("", "");
    above.folder = Folder::Above("app".to_owned());
    let below = |text| file("sub", text);
    // By the folder of the file: the paths that are matched and not matched.
    let other = text.replace(", '../b'", "");
    for (file, matched, resolved) in [
        (file("", &other), &["app/dev/x", "dev/x"][..], &[Some("app/dev/a"), Some("dev/a")][..]),
        (file("../", &other), &["dev/x"], &[Some("dev/a"), None]),
        (below(text), &["sub/app/dev/x", "sub/dev/x"], &[Some("sub/app/dev/a"), Some("sub/dev/a"), Some("b")]),
    ] {
        let stack = &file.settings.stacks[0].value;
        let found: Vec<Option<String>> = stack.files.iter().map(|path| file.resolve(&path.value.0)).collect();
        assert_eq!(found.iter().map(Option::as_deref).collect::<Vec<_>>(), resolved);
        let files = Files::new(vec![file]);
        for path in ["app/dev/x", "dev/x", "sub/app/dev/x", "sub/dev/x", "other/x"] {
            assert_eq!(files.environment(path, &Sources::default()).is_some(), matched.contains(&path), "{path}");
        }
    }
}

#[test]
fn inner_files_win_and_lists_add_up() {
    let files = files(&[
        (
            "sub",
            "fail-on = 'low'\nimages.trusted = ['quay.io']\nenvironments.production = ['dev/']\nnginx.root = { '/etc/nginx' = 'n' \
             }\n[[ignore]]\nrule = 'missing-user'",
        ),
        ("", "fail-on = 'never'\nlimits.max-file-size = '2M'\n[[ignore]]\nrule = 'host-network'"),
        (
            "../",
            "fail-on = 'info'\nlimits.max-file-size = 1\nimages.trusted = ['docker.io/library']\nenvironments.development = \
             ['dev/']\nnginx.root = { '/etc/nginx' = 'app/web', '/etc/nginx/tls' = 'app/tls' }",
        ),
    ]);
    for (path, expected) in [("x", FailOn::Never), ("sub/x", FailOn::Low), ("subs/x", FailOn::Never)] {
        assert_eq!(files.fail_on(path), Some(expected), "{path}");
    }
    assert_eq!(files.max_file_size(), Some(2 << 20), "the inner one of those that count before the walk");
    for (path, expected) in [("dev/x", Development), ("sub/dev/x", Production)] {
        assert_eq!(
            files.environment(path, &Sources::default()).map(|marked| marked.environment),
            Some(expected),
            "{path}"
        );
    }
    assert_eq!(files.environment("x", &Sources::default()), None);
    for (path, image, expected) in [
        ("x", "docker.io/library/nginx", true),
        ("x", "quay.io/a/b", false),
        ("sub/x", "docker.io/library/nginx", true),
        ("sub/x", "quay.io/a/b", true),
        ("sub/x", "quay.io.evil.org/a/b", false),
    ] {
        assert_eq!(files.trusts(path, image), Some(expected), "{path} {image}");
    }
    for (path, inside, expected) in [
        ("x.conf", "/etc/nginx/conf.d/*.conf", Some("web/conf.d/*.conf")),
        ("x.conf", "/etc/nginx/tls/x", Some("tls/x")),
        ("x.conf", "/etc/nginx", Some("web")),
        ("x.conf", "/etc/nginxx", None),
        ("sub/x.conf", "/etc/nginx/tls/x", Some("sub/n/tls/x")),
    ] {
        assert_eq!(files.nginx_root(path, inside).as_deref(), expected, "{path} {inside}");
    }
    assert_eq!(files.ignores().count(), 2);
    assert_eq!(self::files(&[]).trusts("x", "evil.org/x"), None, "nothing is configured");
}

#[test]
fn the_last_setting_of_the_innermost_file_decides_about_a_rule() {
    let rule = |id: &str| &rules::find(id).unwrap().rule;
    let files = files(&[
        (
            "",
            "[rules]\nmissing-user = 'high'\nhost-network = 'off'\n[[override]]\npaths = ['x/']\nrules.missing-user = 'low'\n\
             [[override]]\nenvironment = 'test'\nrules.missing-user = 'info'\n[[override]]\npaths = 'x/'\nenvironment = \
             'development'\nrules.missing-user = 'on'",
        ),
        ("sub", "pedantic = true\nrules.host-network = 'on'\nrules.unpinned-os-package = 'off'"),
        ("sub/deep", "pedantic = false\nrules.image-without-digest = 'critical'"),
    ]);
    let of = |runs, severity, exact| Setting { runs, severity, exact };
    let plain = of(true, None, false);
    let off = of(false, None, false);
    for (id, path, environment, expected) in [
        ("missing-user", "a", Unmarked, of(true, Some(Severity::High), false)),
        ("missing-user", "x/a", Production, of(true, Some(Severity::Low), false)),
        ("missing-user", "x/a", Test, of(true, Some(Severity::Info), true)),
        ("missing-user", "a", Development, of(true, Some(Severity::High), false)),
        ("missing-user", "x/a", Development, of(true, None, true)),
        ("missing-user", "sub/a", Unmarked, of(true, Some(Severity::High), false)),
        ("host-network", "a", Unmarked, off),
        ("host-network", "sub/a", Unmarked, plain),
        ("host-pid-namespace", "sub/a", Unmarked, plain),
        ("image-without-digest", "a", Unmarked, off),
        ("image-without-digest", "sub/a", Unmarked, plain),
        ("image-without-digest", "sub/deep/a", Unmarked, of(true, Some(Severity::Critical), false)),
        ("unpinned-os-package", "sub/a", Unmarked, off),
        ("unpinned-os-package", "sub/deep/a", Unmarked, off),
    ] {
        assert_eq!(files.setting(rule(id), path, environment, false), expected, "{id} {path} {environment:?}");
    }
    // The command line wins over the files' tier, not over what they say of a rule.
    assert_eq!(files.setting(rule("image-without-digest"), "a", Unmarked, true), plain);
    assert_eq!(files.setting(rule("unpinned-os-package"), "sub/a", Unmarked, true), off);
    let without = files.clone().without_pedantic();
    assert_eq!(without.setting(rule("image-without-digest"), "sub/a", Unmarked, false), off);
    for (files, id, expected) in [
        (&files, "unpinned-os-package", true),
        (&without, "image-without-digest", true),
        (&without, "unpinned-os-package", false),
    ] {
        let config = Config { files: files.clone(), ..Config::new(jiff::civil::date(2026, 11, 1)) };
        assert_eq!(config.may_run(rule(id)), expected, "{id}");
    }
}

/// A finding of the given weight.
fn finding(severity: Severity, confidence: Confidence) -> Finding {
    let (project, sources) = (crate::project::Project::default(), Sources::default());
    let config = Config::new(jiff::civil::date(2026, 11, 1));
    let rule = &rules::find("missing-user").expect("a rule").rule;
    let mut cx = rules::Cx::new(&project, &sources, &config, rule, None);
    let place = crate::source::Span::at(crate::source::FileId(0), 0);
    cx.report(place, "").severity(severity).confidence(confidence).clone()
}

#[test]
fn what_is_less_sure_than_the_files_or_the_command_line_say_is_not_shown_but_gaps_are() {
    use Confidence::{Certain, Guess, Likely};
    let default = Config::new(jiff::civil::date(2026, 11, 1));
    let cascade = [("", "min-confidence = 'likely'"), ("a", "min-confidence = 'certain'")];
    let configured = Config { files: files(&cascade), ..default.clone() };
    let told = Config { min_confidence: Some(Guess), ..configured.clone() };
    for (config, path, least) in
        [(&default, "x", Guess), (&configured, "x", Likely), (&configured, "a/x", Certain), (&told, "a/x", Guess)]
    {
        for confidence in Confidence::ALL {
            let mut found = finding(Severity::High, confidence);
            assert_eq!(config.shows(&found, path), confidence >= least, "{path} {least:?} {confidence:?}");
            found.gap = true;
            assert!(config.shows(&found, path), "{path} {least:?} {confidence:?}");
        }
    }
}

#[test]
fn the_command_line_wins_over_files_and_they_over_defaults() {
    let default = Config::new(jiff::civil::date(2026, 11, 1));
    let configured = Config { files: files(&[("", "fail-on = 'low'")]), ..default.clone() };
    let told = Config { fail_on: Some(FailOn::Critical), ..configured.clone() };
    let never = Config { fail_on: Some(FailOn::Never), ..configured.clone() };
    for (config, least) in [
        (default, Some(Severity::High)),
        (configured, Some(Severity::Low)),
        (told, Some(Severity::Critical)),
        (never, None),
    ] {
        for severity in Severity::ALL {
            for confidence in Confidence::ALL {
                let fails = confidence != Confidence::Guess && least.is_some_and(|least| severity >= least);
                let found = finding(severity, confidence);
                assert_eq!(config.fails(&found, "x"), fails, "{least:?} {severity:?} {confidence:?}");
            }
        }
    }
}

#[test]
fn an_accepted_finding_is_told_by_rule_path_and_container() {
    let text = "[[ignore]]\nrule = ['missing-user', 'host-network']\npath = ['a/*', 'b']\ncontainer = 'db-*'\nreason = \
                'why'\nuntil = 2027-01-31\n[[ignore]]\nrule = 'host-network'\nuntil = '2027-02-01'";
    let file = file("sub", text);
    let [narrow, wide] = &file.settings.ignores[..] else { panic!("two") };
    for (ignore, rule, path, containers, expected) in [
        (narrow, "missing-user", "sub/a/x", &["web", "db-1"][..], true),
        (narrow, "host-network", "sub/c/b", &["db-"], true),
        (narrow, "missing-user", "sub/a/x", &["web"], false),
        (narrow, "missing-user", "sub/a/x", &[], false),
        (narrow, "host-pid-namespace", "sub/a/x", &["db-1"], false),
        (narrow, "missing-user", "a/x", &["db-1"], false),
        (wide, "host-network", "sub/x", &[], true),
        (wide, "missing-user", "sub/x", &[], false),
    ] {
        assert_eq!(file.covers(&ignore.value, rule, path, containers.iter().copied()), expected, "{rule} {path}");
    }
    assert_eq!(narrow.value.reason.as_deref(), Some("why"));
    let until = narrow.value.until.as_ref().unwrap();
    assert_eq!((until.value.0, &text[until.range.clone()]), (jiff::civil::date(2027, 1, 31), "2027-01-31"));
    assert_eq!(&text[narrow.range.clone()], "[[ignore]]");
    assert_eq!(&text[narrow.value.rule.0[1].range.clone()], "'host-network'");
    assert_eq!(wide.value.until.as_ref().unwrap().value.0, jiff::civil::date(2027, 2, 1));
}

#[test]
fn an_environment_names_the_line_that_decided_it() {
    let files = files(&[("../", "pedantic = true\nenvironments.test = ['load/']")]);
    let mut sources = Sources::default();
    files.register(&mut sources);
    let marked = files.environment("load/compose.yaml", &sources).unwrap();
    assert_eq!((marked.environment, sources.text(marked.decided_by.unwrap())), (Test, "['load/']"));
}

#[test]
fn sizes_are_bytes_with_a_suffix() {
    for (given, bytes) in [("0", 0), ("1048576", 1 << 20), ("64K", 1 << 16), ("2MiB", 2 << 20)] {
        assert_eq!(size(given), Ok(bytes));
    }
    for given in ["", "K", "-1", "1G", "99999999999999999999", "4096M", "1.5M"] {
        assert!(size(given).is_err(), "{given}");
    }
}

/// The text of a file of the repository.
fn repository_file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
