use super::*;
use crate::effort;
use crate::report::Report;
use crate::scan;
use crate::syntax::recognise;
use jiff::civil::date;

fn config() -> Config {
    Config { pedantic: true, ..Config::new(date(2026, 11, 1)) }
}

fn scanned(files: &[(&str, &str)], config: &Config) -> Report {
    let mut sources = Sources::default();
    for (path, text) in files {
        let mut source = Source::new(*path, *text);
        (source.kind, source.why) = recognise(path, text).unwrap_or_else(|| panic!("{path} is no config"));
        sources.add(source);
    }
    scan(sources, config)
}

/// Lines of `file` at which `rule` is reported, and at which it is hidden.
fn lines(report: &Report, file: &str, rule: &str) -> (Vec<u32>, Vec<u32>) {
    let of = |finding: &&Finding| finding.rule.id == rule && report.sources.get(finding.primary().file).path == file;
    let line = |finding: &Finding| report.sources.position(finding.primary()).0.line;
    let shown = report.findings.iter().filter(of).map(line).collect();
    let hidden = report.suppressed.iter().map(|(finding, _)| finding).filter(of).map(line).collect();
    (shown, hidden)
}

/// The same for one file, in which `@` stands for the mark of an ignore of the rule with a reason.
fn of_one(path: &str, text: &str, rule: &str) -> (Vec<u32>, Vec<u32>) {
    let text = text.replace('@', &format!("confscan: ignore[{rule}] -- why"));
    let report = scanned(&[(path, &text)], &config());
    let (shown, hidden) = lines(&report, path, rule);
    // What is hidden is credited to the ignore, and to nothing else.
    let count: usize = report.exceptions.iter().map(|exception| exception.hides).sum();
    assert_eq!(count, report.suppressed.len());
    (shown, hidden)
}

#[test]
fn an_ignore_covers_its_line_the_line_below_it_or_its_node_in_every_format() {
    // Path, text, rule, lines that are reported, lines that are hidden.
    type Case<'a> = (&'a str, &'a str, &'a str, &'a [u32], &'a [u32]);
    let cases: &[Case] = &[
        ("Dockerfile", "FROM a:1\n# @\nUSER root\n", "explicit-root-user", &[], &[3]),
        ("Dockerfile", "FROM a:1\n# @\n# more words\nUSER root\n", "explicit-root-user", &[], &[4]),
        ("Dockerfile", "FROM a:1\n# @\n\nUSER root\n", "explicit-root-user", &[4], &[]),
        ("Dockerfile", "FROM a:1\nUSER root\n# @\n", "explicit-root-user", &[2], &[]),
        // All lines of an instruction, and a line inside of one.
        ("Dockerfile", "FROM a:1\n# @\nRUN true && \\\n  chmod 777 /x\n", "world-writable-permission", &[], &[4]),
        ("Dockerfile", "FROM a:1\nRUN true && \\\n  # @\n  chmod 777 /x\n", "world-writable-permission", &[], &[4]),
        ("Dockerfile", "FROM a:1\n# @\nRUN <<EOF\nchmod 777 /x\nEOF\n", "world-writable-permission", &[], &[4]),
        // A stage: what it lacks, and nothing of the next one.
        ("Dockerfile", "# @\nFROM a:1 AS a\nWORKDIR x\nFROM b:1\nWORKDIR y\n", "relative-workdir", &[5], &[3]),
        ("Dockerfile", "FROM a:1 AS a\nWORKDIR x\n# @\nFROM b:1\nWORKDIR y\n", "relative-workdir", &[2], &[5]),
        (
            "compose.yaml",
            "services:\n  a:\n    image: a:1\n    privileged: true # @\n",
            "privileged-container",
            &[],
            &[4],
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: a:1\n    # @\n    privileged: true\n",
            "privileged-container",
            &[],
            &[5],
        ),
        (
            "compose.yaml",
            "services:\n  a: # @\n    image: a:1\n  b:\n    image: b:1\n",
            "missing-memory-limit",
            &[4],
            &[2],
        ),
        (
            "compose.yaml",
            "services:\n  # @\n  a:\n    image: a:1\n  b:\n    image: b:1\n",
            "missing-memory-limit",
            &[5],
            &[3],
        ),
        (
            "compose.yaml",
            "services:\n  a:\n    image: a:1\n    ports: # @\n    - 81:80\n    - 82:80\n  b:\n    image: b:1\n    ports: [83:80]\n",
            "port-on-all-interfaces",
            &[9],
            &[5, 6],
        ),
        ("supervisord.conf", "[program:a]\ncommand=a\nstdout_logfle=/x ; @\n", "supervisor-unknown-key", &[], &[3]),
        ("supervisord.conf", "[program:a]\ncommand=a\n; @\nstdout_logfle=/x\n", "supervisor-unknown-key", &[], &[4]),
        (
            "supervisord.conf",
            "# @\n[program:a]\ncommand=a\nx=y\n[program:b]\ncommand=a\nx=y\n",
            "supervisor-unknown-key",
            &[7],
            &[4],
        ),
        ("nginx.conf", "server {\n  autoindex on; # @\n}\n", "autoindex-on", &[], &[2]),
        ("nginx.conf", "server {\n  # @\n  autoindex\n    on;\n}\n", "autoindex-on", &[], &[3]),
        (
            "nginx.conf",
            "server { # @\n  location /x {\n    autoindex on;\n  }\n}\nserver {\n  autoindex on;\n}\n",
            "autoindex-on",
            &[7],
            &[3],
        ),
        ("nginx.conf", "server\n# @\n{\n  autoindex on;\n}\n", "autoindex-on", &[], &[4]),
        (".env", "A=1\nGRAFANA_PASSWORD=123456 # @\n", "default-credentials", &[], &[2]),
        (".env", "# @\nGRAFANA_PASSWORD=\"123456\"\n", "default-credentials", &[], &[2]),
    ];
    for (path, text, rule, shown, hidden) in cases {
        assert_eq!(of_one(path, text, rule), (shown.to_vec(), hidden.to_vec()), "{text}");
        let bare = text.replace('@', "words");
        let both: Vec<u32> = {
            let mut both = [*shown, *hidden].concat();
            both.sort_unstable();
            both
        };
        assert_eq!(of_one(path, &bare, rule), (both, vec![]), "without the ignore: {text}");
    }
}

#[test]
fn an_ignore_in_a_text_inside_a_file_works_as_in_a_file_of_its_own() {
    let nginx = |indent: &str, first: &str, second: &str| {
        let lines = [
            "events {}",
            "http {",
            "  server {",
            &format!("    # {first}"),
            "    location /f {",
            "      autoindex on;",
        ];
        let rest = ["    }", &format!("    autoindex on; # {second}"), "  }", "}"];
        lines.iter().chain(&rest).map(|line| format!("{indent}{line}\n")).collect::<String>()
    };
    let image = |body: &str| format!("FROM nginx:1\nCOPY <<EOF /etc/nginx/nginx.conf\n{body}EOF\n");
    let config = |above: &str, body: &str| {
        format!(
            "services:\n  web:\n    image: nginx:1\n    configs:\n    - source: c\n      target: /etc/nginx/nginx.conf\n\
             configs:\n{above}  c:\n    content: |\n{body}"
        )
    };
    let inline = |stage: &str, line: &str| {
        format!(
            "services:\n  app:\n    build:\n      dockerfile_inline: |\n        # {stage}\n        FROM debian:13\n        \
             # {line}\n        RUN chmod 777 /x\n        CMD [\"x\"]\n"
        )
    };
    // Path, text, rule, lines that are reported, lines that are hidden.
    type Case<'a> = (&'a str, String, &'a str, &'a [u32], &'a [u32]);
    let cases: &[Case] = &[
        ("Dockerfile", image(&nginx("", "@", "words")), "autoindex-on", &[10], &[8]),
        ("Dockerfile", image(&nginx("", "words", "@")), "autoindex-on", &[8], &[10]),
        ("Dockerfile", image(&format!("# @-file\n{}", nginx("", "a", "b"))), "autoindex-on", &[], &[9, 11]),
        (
            "Dockerfile",
            "FROM a:1\nRUN <<EOF\n  # @\n  chmod 777 /x\nEOF\n".into(),
            "world-writable-permission",
            &[],
            &[4],
        ),
        (
            "Dockerfile",
            "FROM a:1\nRUN <<EOF\nx\n\n# @\nchmod 777 /x\nEOF\n".into(),
            "world-writable-permission",
            &[],
            &[6],
        ),
        (
            "Dockerfile",
            "FROM a:1\nRUN <<EOF\n# @\ntrue\nchmod 777 /x\nEOF\n".into(),
            "world-writable-permission",
            &[5],
            &[],
        ),
        ("compose.yaml", config("", &nginx("      ", "@", "words")), "autoindex-on", &[17], &[15]),
        ("compose.yaml", config("  # @\n", &nginx("      ", "a", "b")), "autoindex-on", &[], &[16, 18]),
        ("compose.yaml", inline("words", "@"), "world-writable-permission", &[], &[8]),
        ("compose.yaml", inline("@", "words"), "missing-user", &[], &[6]),
    ];
    for (path, text, rule, shown, hidden) in cases {
        let text = text.replace("@-file", &format!("confscan: ignore-file[{rule}] -- why"));
        assert_eq!(of_one(path, &text, rule), (shown.to_vec(), hidden.to_vec()), "{text}");
    }
    // Reports say where in the file it stands, in the order of the lines.
    let both = inline("words", "confscan: ignore[world-writable-permission]")
        + "    # confscan: ignore[missing-healthcheck]\n    user: x\n";
    let report = scanned(&[("compose.yaml", &both)], &self::config());
    let places = report.exceptions.iter().map(|it| it.span.map(|span| report.sources.position(span).0.line));
    assert_eq!(places.collect::<Vec<_>>(), [Some(7), Some(10)]);
    let text = inline("words", "confscan: ignore[relative-workdir]");
    assert_eq!(
        lines(&scanned(&[("compose.yaml", &text)], &self::config()), "compose.yaml", "suppression-unused").0,
        [7]
    );
}

#[test]
fn a_whole_file_is_ignored_only_from_its_top() {
    let bad = "USER root\n";
    for (text, hidden) in [
        (format!("# confscan: ignore-file[explicit-root-user]\nFROM a:1\n{bad}"), true),
        (
            format!(
                "# syntax=docker/dockerfile:1\n\n# words\n# confscan: ignore-file[explicit-root-user]\nFROM a:1\n{bad}"
            ),
            true,
        ),
        (format!("FROM a:1\n# confscan: ignore-file[explicit-root-user]\n{bad}"), false),
        (format!("# confscan: ignore-file[relative-workdir]\nFROM a:1\n{bad}"), false),
    ] {
        let report = scanned(&[("Dockerfile", &text)], &config());
        let (shown, found) = lines(&report, "Dockerfile", "explicit-root-user");
        assert_eq!((shown.len(), found.len()), if hidden { (0, 1) } else { (1, 0) }, "{text}");
    }
    let text =
        "---\n# confscan: ignore-file[privileged-container]\nservices:\n  a:\n    image: a:1\n    privileged: true\n";
    assert_eq!(lines(&scanned(&[("compose.yaml", text)], &config()), "compose.yaml", "privileged-container").1, [6]);
}

#[test]
fn an_ignore_on_a_service_hides_what_its_image_lacks_but_not_what_other_services_share() {
    let image = ("Dockerfile", "FROM debian:13\nCMD [\"x\"]\n");
    let one = "services:\n  # confscan: ignore[missing-user]\n  a:\n    build: .\n";
    let report = scanned(&[image, ("compose.yaml", one)], &config());
    assert_eq!(lines(&report, "Dockerfile", "missing-user"), (vec![], vec![1]));
    let two = format!("{one}  b:\n    build: .\n");
    let report = scanned(&[image, ("compose.yaml", &two)], &config());
    assert_eq!(lines(&report, "Dockerfile", "missing-user"), (vec![1], vec![]));
    for (compose, fields, hidden) in [
        (one, "container = \"a\"", true),
        (one, "container = \"b\"", false),
        (&two, "container = \"a\"", false),
        (&two, "container = \"?\"", true),
        (&two, "path = \"Docker*\"", true),
        (&two, "path = \"docker/**\"", false),
        (&two, "until = 2026-11-01", true),
        (&two, "until = 2026-10-31", false),
        (one, "container = \"a\"\npath = \"compose.yaml\"", false),
    ] {
        let text = format!("[[ignore]]\nrule = \"missing-user\"\n{fields}\n");
        let file = config::File::parse("confscan.toml", config::Folder::Above(String::new()), text).expect("settings");
        let config = Config { files: config::Files::new(vec![file]), ..config() };
        let report = scanned(&[image, ("compose.yaml", &compose.replace("# confscan", "# "))], &config);
        assert_eq!(!lines(&report, "Dockerfile", "missing-user").1.is_empty(), hidden, "{fields}\n{compose}");
        // An entry that hides nothing is reported where it stands.
        let rule = if fields.contains("10-31") { "suppression-expired" } else { "suppression-unused" };
        assert_eq!(lines(&report, "confscan.toml", rule).0, if hidden { vec![] } else { vec![1] }, "{fields}");
    }
}

#[test]
fn only_an_exception_that_holds_hides_and_each_is_counted() {
    let text = |ignore: &str| format!("FROM a:1\n# confscan: {ignore}\nUSER root\n");
    let required = Config { require_reason: true, ..config() };
    let audit = Config { no_ignores: true, ..config() };
    for (ignore, config, hidden, findings) in [
        ("ignore[explicit-root-user]", &config(), true, &[][..]),
        ("ignore[explicit-root-user] until=2026-11-01", &config(), true, &[]),
        ("ignore[explicit-root-user] until=2026-10-31", &config(), false, &["suppression-expired"]),
        ("ignore[explicit-root-user] until=soon", &config(), false, &["suppression-expired"]),
        ("ignore[explicit-root-user]", &required, false, &["suppression-without-reason"]),
        ("ignore[explicit-root-user] -- why", &required, true, &[]),
        ("ignore[explicit-root-user] -- why", &audit, false, &[]),
        ("ignore[explicit-root-user, relative-workdir]", &config(), true, &["suppression-unused"]),
        ("ignore[explicit-root-user, no-such-rule]", &config(), true, &["suppression-unknown-rule"]),
        ("ignore[explicit-root-user, suppression-unused]", &config(), true, &["suppression-unused"]),
        ("ignore[explicit-root-user] utnil=2027-01-01", &config(), false, &["suppression-malformed"]),
    ] {
        let report = scanned(&[("Dockerfile", &text(ignore))], config);
        let found: Vec<&str> =
            report.findings.iter().map(|it| it.rule.id).filter(|id| id.starts_with("suppression-")).collect();
        assert_eq!(found, findings, "{ignore}");
        assert_eq!(lines(&report, "Dockerfile", "explicit-root-user").1.len(), usize::from(hidden), "{ignore}");
    }
}

#[test]
fn what_was_not_graded_is_only_left_out_for_a_reason() {
    for (reason, gaps) in [("", true), (" -- rendered by the deployment", false)] {
        let text = format!("# confscan: ignore-file[parse-error]{reason}\nserver {{\n  listen 80\n}}\n");
        let report = scanned(&[("nginx.conf", &text)], &config());
        assert_eq!(report.has_gaps(), gaps, "{text}");
        let about: Vec<&str> =
            report.findings.iter().map(|it| it.rule.id).filter(|id| id.starts_with("suppression-")).collect();
        assert_eq!(about, if gaps { &["suppression-without-reason"][..] } else { &[] }, "{text}");
    }
}

#[test]
fn many_exceptions_take_linear_time() {
    let ignore = "# confscan: ignore[autoindex-on] -- why\n";
    let beside = |size: usize| format!("server {{\n{}}}\n", format!("autoindex on; {ignore}").repeat(size / 4));
    // Neither of many lines above one, nor many that are about no line with a finding, compare each with each.
    let above = |size: usize| format!("server {{\n{}{}}}\n", ignore.repeat(size), "autoindex on;\n".repeat(size / 4));
    let scan = |text: &String| scanned(&[("nginx.conf", text)], &config());
    assert_eq!(scan(&beside(20_000)).suppressed.len(), Config::MAX_FINDINGS, "those that are listed");
    assert_eq!(scan(&above(20_000)).suppressed.len(), 1);
    let cases = |size: usize| vec![("beside".to_owned(), beside(size)), ("above".to_owned(), above(size))];
    effort::assert_linear(20_000, 2 << 20, cases, |text| drop(scan(text)));
}

#[test]
fn an_ignore_of_what_another_finding_has_taken_in_is_used_and_hides_nothing_else() {
    // A waiting service whose dependency has its health check switched off: one finding, which holds the other.
    let text = |mark: &str| {
        format!(
            "services:\n  web:\n    image: acme/web:1\n    depends_on:\n      db:\n        condition: service_healthy\n  db:\n    \
             image: acme/db:1\n    healthcheck:\n      {mark}disable: true\n"
        )
    };
    let plain = scanned(&[("compose.yaml", &text(""))], &config());
    let ignored = text("# confscan: ignore[healthcheck-disabled] -- watched from outside\n      ");
    let report = scanned(&[("compose.yaml", &ignored)], &config());
    let rules = |report: &Report| report.findings.iter().map(|finding| finding.rule.id).collect::<Vec<_>>();
    assert!(rules(&plain).contains(&"healthy-condition-without-healthcheck"), "{:?}", rules(&plain));
    assert!(!rules(&plain).contains(&"healthcheck-disabled"));
    // Neither is the ignore unused nor does anything come up or go.
    assert_eq!(rules(&report), rules(&plain));
    assert!(report.suppressed.is_empty() && report.exceptions[0].unused.is_empty());
    // Without the one that holds it, the ignore hides it.
    let alone = ignored.replace("service_healthy", "service_started");
    let report = scanned(&[("compose.yaml", &alone)], &config());
    assert_eq!(report.suppressed.iter().map(|(it, _)| it.rule.id).collect::<Vec<_>>(), ["healthcheck-disabled"]);
    // One that is for nothing at all is still unused.
    let nowhere = text("").replace("  web:\n", "  # confscan: ignore[healthcheck-disabled] -- not here\n  web:\n");
    let report = scanned(&[("compose.yaml", &nowhere)], &config());
    assert!(rules(&report).contains(&"suppression-unused"), "{:?}", rules(&report));
}
