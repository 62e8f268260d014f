//! Tests of the supervisord front end; what the reader makes of a text is compared with Supervisor itself in
//! `testdata/oracle_supervisor.rs`.

use proptest::prelude::*;

use super::*;
use crate::effort;

const FILE: FileId = FileId(3);

fn messages(text: &str) -> Vec<(&str, String)> {
    parse(FILE, text).errors.into_iter().map(|error| (&text[error.span.range()], error.message)).collect()
}

/// The option `key` of the section `section`.
fn setting<'a>(config: &'a Supervisor, section: &str, key: &str) -> &'a Setting {
    config.section(section).and_then(|section| section.get(key)).expect(key)
}

#[test]
fn spans_cover_what_was_written() {
    let text = "; é\r\n[program:x] # c\r\n Command = a  b ;c\r\n\r\n   c\r\n;d\r\n\te=\r\nuser:\r\n";
    let config = parse(FILE, text);
    let slice = |span: Span| &text[span.range()];
    assert_eq!(config.errors, []);
    assert_eq!(config.comments.iter().map(|&span| slice(span)).collect::<Vec<_>>(), ["; é", "# c", ";c", ";d"]);
    let section = &config.sections[0];
    assert_eq!((slice(section.header), slice(section.name.span)), ("[program:x]", "program:x"));
    assert_eq!(section.name_after_colon(), Spanned::new("x".to_owned(), Span::new(FILE, 15..16)));
    let [command, _, user] = section.options.as_slice() else { panic!("{:?}", section.options) };
    assert_eq!((slice(command.name.span), command.name.value.as_str()), ("Command", "command"));
    // The tab before `e` is one character, no more than the blank before `Command`: it would not continue the value.
    assert_eq!(command.value.value, "a  b\n\nc");
    assert_eq!(slice(command.value.span), "a  b ;c\r\n\r\n   c");
    assert_eq!(slice(command.value.span_of(3..4)), "b");
    assert_eq!(slice(command.value.span_of(6..7)), "c");
    assert_eq!(command.value.span_of(6..7).start as usize, text.find("   c").unwrap() + 3);
    assert_eq!((slice(user.name.span), slice(user.value.span)), ("user", ""));
}

#[test]
fn broken_lines_are_reported_and_the_rest_is_read() {
    let text = "a=1\n[b]\nc=2\nwhat\n=3\nd=4\n";
    assert_eq!(
        messages(text),
        [
            ("a=1", "line before the first section header".to_owned()),
            ("what", "line that is neither a section header nor an option: it has no \"=\" or \":\"".to_owned()),
            ("=3", "option without a name".to_owned()),
        ]
    );
    let config = parse(FILE, text);
    let names: Vec<&str> = config.sections[0].options.iter().map(|option| option.name.value.as_str()).collect();
    assert_eq!(names, ["c", "d"]);
    let text = "\u{feff}[b]\nc=2";
    assert_eq!(
        messages(text),
        [("\u{feff}", "byte order mark, which Supervisor reads as a part of the first line".into())]
    );
    assert_eq!(setting(&parse(FILE, text), "b", "c").value.value, "2");
}

#[test]
fn a_section_written_twice_is_one_and_the_last_option_counts() {
    let text = "[a]\nk=1\n[b]\n[a]\nK=2\n";
    let config = parse(FILE, text);
    assert_eq!(config.sections.len(), 2);
    assert_eq!(config.sections[0].options.len(), 2);
    assert_eq!(config.sections[0].header, Span::new(FILE, 0..3));
    assert_eq!(setting(&config, "a", "k").value.span, Span::new(FILE, 18..19));
}

#[test]
fn programs_and_groups_know_their_names_and_the_defaults() {
    let text = "[DEFAULT]\nuser=www\n[program: web ]\ncommand=a\n[fcgi-program:f]\nuser=b\n[eventlistener:e]\n[group:g]\n\
                programs=web, f\n[program-x]\n[supervisord]\n";
    let config = parse(FILE, text);
    let programs: Vec<_> = config
        .programs()
        .map(|program| {
            let user = program.get("user").map(|user| user.value.value.clone());
            assert_eq!(&text[program.name.span.range()], program.name.value);
            (program.kind, program.name.value, text[program.header.range()].to_owned(), user.unwrap_or_default())
        })
        .collect();
    let expected = [
        (ProgramKind::Program, "web", "[program: web ]", "www"),
        (ProgramKind::FastCgi, "f", "[fcgi-program:f]", "b"),
        (ProgramKind::EventListener, "e", "[eventlistener:e]", "www"),
    ];
    assert_eq!(programs, expected.map(|(kind, a, b, c)| (kind, a.to_owned(), b.to_owned(), c.to_owned())));
    let groups: Vec<_> = config.groups().collect();
    assert_eq!(groups[0].name.value, "g");
    let members: Vec<_> = groups[0].programs.iter().map(|name| (&text[name.span.range()], name.as_str())).collect();
    assert_eq!(members, [("web", "web"), ("f", "f")]);
}

#[test]
fn included_files_are_words_with_their_places() {
    let text = "[include]\nfiles = %(here)s/a.conf  /etc/b*.ini ; c\n  d.conf\n";
    let config = parse(FILE, text);
    let files = config.include_files();
    let words: Vec<_> = files.iter().map(|file| (&text[file.span.range()], file.as_str())).collect();
    let expected = ["%(here)s/a.conf", "/etc/b*.ini", "d.conf"];
    assert_eq!(words, expected.map(|word| (word, word)));
    assert!(has_expansions(&files[0]) && !has_expansions(&files[1]));
}

#[test]
fn environment_values_have_exact_spans() {
    let text = "[program:x]\nenvironment = A=\"a b,c\" , B='it',\n  C=%(ENV_C)s/x,D=\"100%%\",E=\"open\n";
    let config = parse(FILE, text);
    let environment = setting(&config, "program:x", "environment").environment();
    let variables: Vec<_> = environment
        .variables
        .iter()
        .map(|(name, value)| {
            assert_eq!(&text[name.span.range()], name.value);
            assert_eq!(&text[value.span.range()], value.as_str());
            (name.value.as_str(), value.as_str())
        })
        .collect();
    assert_eq!(variables, [("A", "a b,c"), ("B", "it"), ("C", "%(ENV_C)s/x"), ("D", "100%%")]);
    let error = environment.error.unwrap();
    assert_eq!(error.span.start as usize, text.find("\"open").unwrap());
    for (value, rest) in [("A=1 B=2", "=2"), ("A=1,B", "B"), ("A=1,B:=2", "B:=2"), ("A=1,,B=2", "B")] {
        let text = format!("[a]\nk={value}\n");
        let environment = setting(&parse(FILE, &text), "a", "k").environment();
        let error = environment.error;
        let place = error.map(|error| text[error.span.range()].to_owned());
        match value {
            // `B:` is one word to Supervisor.
            "A=1,B:=2" => assert_eq!(place, None),
            _ => assert_eq!(place.as_deref(), Some(rest), "{value}"),
        }
    }
}

#[test]
fn expansions_are_found_and_percent_signs_are_not() {
    let text = "[a]\nk=%(ENV_HOME)s/%(program_name)s_%(process_num)02d %%(x)s %(open %(y\n";
    let config = parse(FILE, text);
    let found = expansions(&setting(&config, "a", "k").value);
    let shown: Vec<_> = found
        .iter()
        .map(|e| (&text[e.span.range()], &text[e.name.span.range()], e.environment_variable().unwrap_or("-")))
        .collect();
    assert_eq!(
        shown,
        [
            ("%(ENV_HOME)s", "ENV_HOME", "HOME"),
            ("%(program_name)s", "program_name", "-"),
            ("%(process_num)02d", "process_num", "-"),
        ]
    );
}

#[test]
fn options_are_known_by_the_kind_of_their_section() {
    for (section, key, known, meant) in [
        ("supervisord", "nodaemon", true, None),
        ("supervisord", "nodeamon", false, Some("nodaemon")),
        ("program:x", "stopasgroup", true, None),
        ("program:x", "socket", false, None),
        ("fcgi-program:x", "socket", true, None),
        ("eventlistener:x", "event", false, Some("events")),
        ("inet_http_server", "port", true, None),
        ("inet_http_server:two", "file", false, None),
        ("unix_http_server", "chmode", false, Some("chmod")),
        ("group:x", "program", false, Some("programs")),
        ("include", "file", false, Some("files")),
        ("supervisorctl", "serverurl", true, None),
        ("rpcinterface:x", "supervisor.rpcinterface_factory", true, None),
        ("DEFAULT", "anything", true, None),
        ("something", "anything", true, None),
    ] {
        let kind = SectionKind::of(section);
        assert_eq!((known_option(kind, key), suggested_option(kind, key)), (known, meant), "{section} {key}");
    }
}

#[test]
fn configs_are_told_from_other_files() {
    for text in [
        "[supervisord]\n",
        "; c\n[program:x]\ncommand=a",
        "[unix_http_server]",
        "[inet_http_server]\r\nport=1",
        "\u{feff}[fcgi-program:x]",
        "[group:x]\nprograms=a,b",
        "a\r[eventlistener:x]",
    ] {
        assert!(looks_like(text), "{text}");
    }
    for text in [
        "",
        "[Unit]\nDescription=supervisord\n[Service]\nExecStart=/usr/bin/supervisord\n",
        "[program]\n",
        "[program:]\n",
        "; [supervisord]\n",
        "[www]\nuser = a\n",
        "[group:x]\nname=y\n",
        "server { listen 80; } # supervisord",
    ] {
        assert!(!looks_like(text), "{text}");
    }
}

#[test]
fn hostile_files_are_read_in_linear_time() {
    let cases = |n: usize| {
        let cases: Vec<(&str, String)> = vec![
            ("sections", (0..n / 5).map(|i| format!("[program:{i}]\n")).collect()),
            ("one section again and again", "[a]\n".repeat(n)),
            ("options", format!("[a]\n{}", "k=v\n".repeat(n))),
            ("blank lines in a value", format!("[a]\nk=v\n{}  w", "\n".repeat(n))),
            ("continuation lines", format!("[a]\nk=v\n{}", " w\n".repeat(n))),
            ("long line", format!("[a]\nk={}", "x ".repeat(n))),
            ("signs that are no comments", format!("[a]\nk={}", "x;x#".repeat(n))),
            ("broken lines", "x\n".repeat(n)),
            ("open brackets", "[".repeat(n)),
            ("environment", format!("[a]\nk={}", "A=\"1\",".repeat(n / 4))),
            ("expansions", format!("[a]\nk={}", "%(a".repeat(n))),
            ("open quotes", format!("[a]\nk={}", "A='1\",".repeat(n / 4))),
            ("hashes", format!("[a]\nk=A=x{}", "#\n  x".repeat(n / 4))),
        ];
        cases.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    };
    effort::assert_linear(500_000, 256 << 10, cases, |text: &String| {
        let config = parse(FILE, text);
        looks_like(text);
        if let Some(value) = config.sections.first().and_then(|section| section.get("k")) {
            value.environment();
            value.as_words();
            expansions(&value.value);
        }
    });
}

fn check_spans(text: &str) -> Result<(), TestCaseError> {
    let config = parse(FILE, text);
    let slice = |span: Span| text.get(span.range()).expect("a span on character boundaries");
    for error in &config.errors {
        prop_assert!(slice(error.span).len() <= text.len());
    }
    for &comment in &config.comments {
        prop_assert!(slice(comment).starts_with([';', '#']));
    }
    for section in &config.sections {
        prop_assert_eq!(slice(section.name.span), &section.name.value);
        prop_assert_eq!(slice(section.header), format!("[{}]", section.name.value));
        for option in &section.options {
            prop_assert_eq!(slice(option.name.span).to_lowercase(), option.name.value.as_str());
            let value = &option.value;
            for (at, character) in value.value.char_indices() {
                let source = slice(value.span_of(at..at + character.len_utf8()));
                prop_assert!(source.starts_with(character) || (character == '\n' && source == "\r"), "{source:?}");
            }
            for word in option.as_words().iter().chain(&option.as_list()) {
                slice(word.span);
            }
            for (name, variable) in option.environment().variables {
                slice(name.span);
                slice(variable.span);
            }
            for expansion in expansions(value) {
                prop_assert!(slice(expansion.span).starts_with("%("));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_with_spans_inside_it(text in "\\PC*") {
        check_spans(&text)?;
        looks_like(&text);
    }

    #[test]
    fn any_mixture_of_syntax_is_read_with_spans_inside_it(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "[a]", "[", "]", "k", "K=", "=", ":", ";", " ;", "#", " #", "\n", "\r\n", "\r", "\n  ", "\t", " ", "é", "漢",
            "\u{a0}", "\u{1c}", "\u{2028}", "\"", "'", ",", "A=", "%(x)s", "%(", "%%", "\u{feff}", "environment=",
        ]), 0..60)
    ) {
        check_spans(&pieces.concat())?;
        check_spans(&format!("[a]\nk=A=\"{}", pieces.concat()))?;
    }
}
