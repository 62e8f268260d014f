//! Hostile contents: nothing takes more stack, time or memory than its size is worth, and what is left out is said.

#[path = "support/effort.rs"]
mod effort;
#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use std::{env, fs};

use confscan::config::Config;
use confscan::limit;
use confscan::report::{Format, Options, Report, write};

type Files = Vec<(String, Vec<u8>)>;

/// Stack of the threads that the deep cases run in, in bytes: that of a thread of musl libc is half of it, and rayon's
/// threads have eight times as much.
const STACK: usize = 256 << 10;

fn scan(files: &Files) -> Report {
    let config = Config { pedantic: true, ..Config::new(jiff::civil::date(2026, 11, 1)) };
    confscan::scan(virtual_repository::sources(files), &config)
}

/// Repeats `unit` up to `size` bytes.
fn filled(unit: &str, size: usize) -> String {
    unit.repeat(size.div_ceil(unit.len()))
}

/// One line after the other with `@` as its number, up to `size` bytes.
fn numbered(line: &str, size: usize) -> String {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < size {
        text.push_str(&line.replace('@', &number.to_string()));
        number += 1;
    }
    text
}

fn one(path: &str, text: String) -> Files {
    vec![(path.to_owned(), text.into_bytes())]
}

const SERVICE: &str = "services:\n  a:\n    image: b\n";

/// Texts that are nothing but openings, in every format that has them.
fn deep(size: usize) -> Vec<(String, Files)> {
    let mut cases = Vec::new();
    let shell = [
        "(",
        "{ ",
        "$(",
        "${",
        "${A:-",
        "`",
        "\\`",
        "\"",
        "'",
        "\"$(",
        "if a; then ",
        "while a; do ",
        "case a in a) ",
        "f() { ",
        "((",
        "$((",
        "[[ ( ",
        "<(",
        "a | ",
        "a && ",
        "<<E ",
        "sh -c \"",
        "sudo ",
        "env A=b ",
        "eval ",
        "! ",
        "{a,",
    ];
    for unit in shell {
        cases.push((format!("RUN {unit}"), one("Dockerfile", format!("FROM a\nRUN {}\n", filled(unit, size)))));
        let body = filled(unit, size).replace('\\', "\\\\").replace('"', "\\\"");
        cases.push((
            format!("command {unit}"),
            one("compose.yaml", format!("{SERVICE}    command: [sh, -c, \"{body}\"]\n")),
        ));
    }
    for unit in ["[", "{", "{a: ", "[{", "- ", "? ", "!a ", "&a ", "a: ", "\"", "'", "${A:-", "$"] {
        for start in ["    command: ", "    command: [", "    command: \"", "x-a: ", ""] {
            cases.push((
                format!("YAML {start}{unit}"),
                one("compose.yaml", format!("{SERVICE}{start}{}\n", filled(unit, size))),
            ));
        }
    }
    let steps = (0..((2 * size) as f64).sqrt() as usize).map(|level| format!("{}a:\n", " ".repeat(level)));
    cases.push((
        "YAML indentation".to_owned(),
        one("compose.yaml", format!("{SERVICE}x-a:\n{}", steps.collect::<String>())),
    ));
    for unit in ["{", "a {", "location / {", "http {", "if ($a) {", "\"", "'", "}", "content_by_lua_block {"] {
        cases.push((
            format!("nginx {unit}"),
            one("nginx.conf", format!("server {{ listen 80;\n{}", filled(unit, size))),
        ));
    }
    for unit in ["(", "[", "(?:", "(?<a>", "a|(", "(a*)*"] {
        let text = format!("server {{ location ~ \"{}\" {{ return 301 $1; }} }}\n", filled(unit, size));
        cases.push((format!("expression {unit}"), one("nginx.conf", text)));
    }
    for unit in ["ONBUILD ", "[", "[\"", "${A:-", "${A:-${B%", "\"", "--a=", "<<E "] {
        for keyword in ["", "CMD ", "ENV A=", "COPY ", "HEALTHCHECK CMD ", "FROM "] {
            let text = format!("FROM a\n{keyword}{}\n", filled(unit, size));
            cases.push((format!("Dockerfile {keyword}{unit}"), one("Dockerfile", text)));
        }
    }
    for unit in ["%(", "%(ENV_A)s", "\"", "'", "a=\"", "A=%("] {
        for key in ["command", "environment"] {
            let text = format!("[supervisord]\n[program:a]\n{key}={}\n", filled(unit, size));
            cases.push((format!("supervisord {key} {unit}"), one("supervisord.conf", text)));
        }
    }
    for unit in ["${A:-", "${A:-}", "\"", "'", "$", "A="] {
        cases.push((format!(".env {unit}"), one(".env", format!("A={}\n", filled(unit, size)))));
    }
    let number = size / 40;
    let stages = (0..number).map(|at| format!("FROM s{at} AS s{}\n", at + 1));
    cases.push(("FROM chain".to_owned(), one("Dockerfile", format!("FROM a AS s0\n{}", stages.collect::<String>()))));
    let extends = (0..number).map(|at| format!("  s{}:\n    extends: s{at}\n", at + 1));
    cases.push((
        "extends chain".to_owned(),
        one("compose.yaml", format!("services:\n  s0:\n    image: a\n{}", extends.collect::<String>())),
    ));
    let chain = |name: &dyn Fn(usize) -> String, text: &dyn Fn(usize) -> String| -> Files {
        (0..number).map(|at| (name(at), text(at).into_bytes())).collect()
    };
    let compose = |at| if at == 0 { "compose.yaml".to_owned() } else { format!("c{at}.yaml") };
    cases.push((
        "include chain".to_owned(),
        chain(&compose, &|at| format!("include: [c{}.yaml]\nservices: {{s{at}: {{image: a}}}}\n", at + 1)),
    ));
    let config = |at| if at == 0 { "nginx.conf".to_owned() } else { format!("c{at}.conf") };
    cases.push((
        "nginx include chain".to_owned(),
        chain(&config, &|at| format!("include c{}.conf;\nserver {{ listen {at}; }}\n", at + 1)),
    ));
    let scripts: String = (0..number).map(|at| format!("\"s{at}\":\"npm run s{}\",", at + 1)).collect();
    cases.push((
        "package scripts".to_owned(),
        vec![
            ("Dockerfile".to_owned(), b"FROM node:22\nCOPY . .\nCMD npm run s0\n".to_vec()),
            ("package.json".to_owned(), format!("{{\"scripts\":{{{scripts}\"z\":\"true\"}}}}").into_bytes()),
        ],
    ));
    cases
}

/// Texts that are long, or in which everything could be compared with everything.
fn wide(size: usize) -> Vec<(String, Files)> {
    let mut cases = Vec::new();
    let lines: &[(&str, &str, &str)] = &[
        ("Dockerfile", "FROM alpine AS s0\n", "FROM s@ AS t@\nCOPY --from=s@ a b\n"),
        ("Dockerfile", "FROM alpine\n", "COPY a@ b@\nENV A@=$A\n"),
        ("Dockerfile", "FROM alpine\nENV A=x\n", "ENV A=$A:/some/path/@\n"),
        ("Dockerfile", "FROM alpine\nENV A0=xxxxxxxx\n", "ENV A@=$A$A\nENV A=$A@$A@\n"),
        ("Dockerfile", "", "ARG A@=1\nFROM x$A@\nARG A@\n"),
        ("Dockerfile", "FROM alpine\n", "RUN curl http://x@ | sh\nUSER root\n"),
        ("Dockerfile", "FROM alpine\n", "RUN useradd u@ && apt-get install p@\nUSER u@\n"),
        ("Dockerfile", "FROM alpine\n", "ENV SECRET@=hunter22xx\nRUN x --password=hunter22xx\n"),
        ("Dockerfile", "FROM alpine\nRUN ", "a@ | "),
        ("Dockerfile", "FROM alpine\n", "RUN <<E@\na\nE@\n"),
        ("compose.yaml", "services:\n", "  s@:\n    image: b@\n"),
        ("compose.yaml", "services:\n", "  s@:\n    image: b@\n    depends_on: [s0]\n    networks: [n@, m]\n"),
        ("compose.yaml", SERVICE, "  s@:\n    extends: a\n"),
        ("compose.yaml", SERVICE, "  a:\n    image: b\n"),
        ("compose.yaml", "services:\n  a:\n    image: b\n    ports:\n", "      - \"@:80\"\n"),
        ("compose.yaml", "services:\n  a:\n    image: b\n    env_file:\n", "      - a@.env\n"),
        ("compose.yaml", "services:\n  a:\n    image: b\n    environment:\n", "      SECRET@: hunter22zz\n"),
        ("compose.yaml", "services: {a: {image: b}}\ninclude:\n", "  - a@.yaml\n"),
        ("compose.yaml", "x: &a {image: b, privileged: true}\nservices:\n", "  s@:\n    <<: *a\n"),
        ("compose.yaml", "services: {a: {image: b}}\nx: &a [lol]\ny:\n", "  - [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"),
        ("nginx.conf", "", "upstream u@ { server a@:80; }\nserver { location / { proxy_pass http://u@; } }\n"),
        ("nginx.conf", "server {\n", "set $a $a$a@;\nif ($a ~ b@) { return 301 $uri$a; }\n"),
        ("nginx.conf", "", "map $v@ $v1@ { default $v@; }\nserver { return 301 http://$v1@; }\n"),
        ("nginx.conf", "server {\n", "location /a@ { add_header A@ b; alias /b@/; deny @; }\n"),
        ("supervisord.conf", "[supervisord]\n", "[program:p@]\ncommand=x@\nuser=root\n"),
        ("supervisord.conf", "[supervisord]\n[program:a]\nenvironment=A=", "# a@;"),
        (".env", "", "A@=$A@$A\nSECRET@=hunter22aa\n"),
        (".env", "A0=xxxxxxxx\n", "A=$A$A@\nA@=$A$A\n"),
    ];
    for (path, head, line) in lines {
        cases.push((format!("{path}: {line}"), one(path, format!("{head}{}", numbered(line, size)))));
    }
    for unit in
        ["a", " ", "\t", "\\", "$", "\"", "'", "#", ",", ":", "=", "/", "é", "<", "%", "*", "|", "&", ";", "-", "{"]
    {
        for (path, head) in [
            ("Dockerfile", "FROM a\nRUN "),
            ("Dockerfile", "FROM a\nENV A="),
            ("Dockerfile", "FROM "),
            ("compose.yaml", "services:\n  a:\n    image: b\n    command: x"),
            ("compose.yaml", "services:\n  a:\n    image: b\n    volumes:\n      - x"),
            ("nginx.conf", "server { listen 80; } "),
            ("nginx.conf", "server { proxy_pass http://"),
            ("supervisord.conf", "[supervisord]\n[program:a]\nenvironment=A="),
            (".env", "A="),
        ] {
            cases.push((format!("{path}: {head:?}{unit}"), one(path, format!("{head}{}\n", filled(unit, size)))));
        }
    }
    let number = size / 50;
    let circle =
        |at: usize| (format!("c{at}.conf"), format!("include c*.conf;\nserver {{ listen {at}; }}\n").into_bytes());
    cases.push(("nginx files that all include all".to_owned(), (0..number).map(circle).collect()));
    // What many services share.
    let half = size / 2;
    let services = |service: &str| format!("services:\n{}", numbered(service, half));
    let shared = |service: &str, path: &str, text: String| {
        vec![("compose.yaml".to_owned(), services(service).into_bytes()), (path.to_owned(), text.into_bytes())]
    };
    let mut doubled = "A0=xxxxxxxx\n".to_owned();
    (0..size / 16).for_each(|at| writeln!(doubled, "A{}=$A{at}$A{at}", at + 1).expect("a string takes all"));
    cases.extend([
        ("doubled variables".to_owned(), shared("  s@:\n    image: b$A@\n", ".env", doubled)),
        (
            "services of one Dockerfile".to_owned(),
            shared("  s@:\n    build: .\n", "Dockerfile", format!("FROM a\n{}", numbered("COPY a@ b@\n", half))),
        ),
        (
            "services with arguments of their own".to_owned(),
            shared(
                "  s@:\n    build: {context: ., args: {V: x@}}\n",
                "Dockerfile",
                format!("FROM a\nARG V\n{}", numbered("COPY a@ $V\n", half)),
            ),
        ),
        (
            "services with one env_file".to_owned(),
            shared("  s@:\n    image: b\n    env_file: a.env\n", "a.env", numbered("A@=b\n", half)),
        ),
        (
            "services with one supervisord.conf".to_owned(),
            shared(
                "  s@: {image: b, command: supervisord, volumes: ['./s.conf:/etc/supervisord.conf']}\n",
                "s.conf",
                format!("[supervisord]\n{}", numbered("[program:p@]\ncommand=x@\n", half)),
            ),
        ),
        (
            "services with one nginx.conf".to_owned(),
            shared(
                "  s@: {image: nginx, volumes: ['./nginx.conf:/etc/nginx/nginx.conf']}\n",
                "nginx.conf",
                format!("http {{ server {{\n{}}} }}\n", numbered("location /@ { proxy_pass http://s@; }\n", half)),
            ),
        ),
    ]);
    cases
}

/// The first line of a name that a failure shows.
fn short(name: &str) -> &str {
    name.lines().next().unwrap_or_default()
}

#[test]
fn the_deepest_text_takes_a_small_stack() {
    let run = || {
        for (name, files) in deep(100_000) {
            // Threads of the pool take as little.
            let report = scan(&files);
            let broken = report.findings.iter().find(|finding| finding.rule.id == "internal-error");
            assert!(broken.is_none(), "{}: {broken:?}", short(&name));
            let mut out = Vec::new();
            write(&report, Format::Sarif, &Options::default(), &mut out).expect("a vector takes all");
        }
    };
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(2).stack_size(STACK).build().expect("threads can be started");
    pool.install(run);
}

/// What meets everything else of its kind, so many times as a limit lets it: up to there that grows with the square.
const BOUNDED: [&str; 4] = [
    "Dockerfile: RUN useradd u@ && apt-get install p@",
    "services of one Dockerfile",
    "services with one nginx.conf",
    "nginx files that all include all",
];

/// Scans, and writes what is found.
fn whole(files: &Files) {
    let mut out = Vec::new();
    write(&scan(files), Format::Json, &Options::default(), &mut out).expect("a vector takes all");
    assert!(out.len() < 12 << 20, "a report of {} bytes", out.len());
}

#[test]
fn no_deep_text_takes_more_time_than_its_size_is_worth() {
    let cases = |size| deep(size).into_iter().map(|(name, files)| (short(&name).to_owned(), files)).collect();
    effort::assert_linear(50_000, 2 << 20, cases, whole);
}

#[test]
fn no_wide_text_takes_more_time_than_its_size_is_worth() {
    let size = 50_000;
    let cases = |size| wide(size).into_iter().map(|(name, files)| (short(&name).to_owned(), files));
    let is_bounded = |(name, _): &(String, Files)| BOUNDED.contains(&name.as_str());
    let bounded: Vec<_> = cases(size).filter(is_bounded).collect();
    assert_eq!(bounded.len(), BOUNDED.len());
    for (name, files) in &bounded {
        // A second for 100 KB in a release build, where two processors share the work.
        let most = Duration::from_secs(if cfg!(debug_assertions) { 20 } else { 2 });
        let cost = effort::cost(2 << 20, || whole(files));
        assert!(cost < most, "{name}: {cost:?}");
    }
    effort::assert_linear(size, 2 << 20, |size| cases(size).filter(|case| !is_bounded(case)).collect(), whole);
}

#[test]
fn work_that_grows_with_the_square_of_its_size_is_told_from_work_that_does_not() {
    let steps = |count: u64| move || (0..count).for_each(|step| assert!(std::hint::black_box(step) < count));
    let size = 2_000_000;
    assert_eq!(effort::grows_linearly(STACK, steps(size), steps(4 * size)), Ok(()));
    assert!(effort::grows_linearly(STACK, steps(size), steps(16 * size)).is_err());
    // Nor does work on other threads stay unseen.
    let parallel = |count: u64| move || rayon::scope(|scope| scope.spawn(move |_| steps(count)()));
    assert!(effort::grows_linearly(STACK, parallel(size), parallel(16 * size)).is_err());
}

/// Names of the limits that a report says were exceeded.
fn exceeded(report: &Report) -> Vec<&str> {
    let said = report.findings.iter().filter(|finding| finding.rule.id == "limit-exceeded");
    let mut names: Vec<&str> = said.map(|finding| finding.evidence.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn what_is_left_out_is_a_gap() {
    let size = 200_000;
    let wanted = [
        ("command sudo ", "command-wrappers"),
        ("closed groups", "shell-depth"),
        ("FROM chain", "stages"),
        ("doubled variables", "variables-of-stack"),
        ("services of one Dockerfile", "services"),
        ("services of one Dockerfile", "shared-dockerfiles"),
        ("services with one env_file", "shared-variables"),
        ("services with one supervisord.conf", "shared-programs"),
    ];
    let groups = format!("FROM a\nRUN {}a{}\n", "( ".repeat(200), " )".repeat(200));
    let groups = ("closed groups".to_owned(), one("Dockerfile", groups));
    let cases: Vec<(String, Files)> = [groups].into_iter().chain(deep(8_000)).chain(wide(size)).collect();
    for (name, limit) in wanted {
        let (_, files) = cases.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("no case {name}"));
        let report = scan(files);
        assert!(exceeded(&report).contains(&limit) && report.has_gaps(), "{name}: {:?}", exceeded(&report));
    }
}

const START: &str = "<!-- limits: written by `UPDATE=1 cargo test --test limits` -->\n";
const END: &str = "<!-- end of limits -->\n";

#[test]
fn the_documentation_lists_every_limit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/limits.md");
    let text = fs::read_to_string(&path).expect("the page is there");
    let start = text.find(START).expect("the marker before the limits") + START.len();
    let end = text.find(END).expect("the marker behind the limits");
    let mut table = String::from("| limit | most | of what | beyond it |\n|---|---|---|---|\n");
    for limit in limit::ALL {
        let what = limit.what.replace('|', "\\|");
        writeln!(table, "| `{}` | {} | {what} | {} |", limit.name, limit::grouped(limit.most), limit.lost)
            .expect("a string takes all");
    }
    if text[start..end] != table && env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{}{table}{}", &text[..start], &text[end..])).expect("the page can be written");
        return;
    }
    assert!(text[start..end] == table, "docs/limits.md lists other limits: UPDATE=1 rewrites the table");
}
