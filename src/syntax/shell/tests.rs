use proptest::prelude::*;

use super::*;
use crate::effort;
use crate::limit::SHELL_BYTES;
use crate::source::{FileId, TextBuilder};

/// A script and what is expected of it.
type Case<'a, Row> = (&'a str, &'a [Row]);

/// The commands of each stage of a pipeline.
type Stages<'a> = &'a [&'a [usize]];

fn text(source: &str) -> Text {
    Text::verbatim(source, Span::new(FileId(0), 0..source.len()))
}

/// Each command as its joint, words and the source of its span.
fn commands(source: &str) -> Vec<(Joint, String, String)> {
    let script = parse(&text(source));
    assert!(!script.partial, "{source}");
    let row = |c: &Command| {
        let words: Vec<&str> = c.words.iter().map(|w| w.text.as_str()).collect();
        (c.joined_by, words.join("|"), source[c.span.range()].to_owned())
    };
    script.commands.iter().map(row).collect()
}

fn names(source: &str) -> Vec<String> {
    parse(&text(source)).commands.iter().map(|c| c.name().unwrap_or("?").to_owned()).collect()
}

#[test]
fn lists_say_what_joins_each_command_to_the_one_before() {
    use Joint::*;
    let cases: &[Case<(Joint, &str, &str)>] = &[
        (
            "a 1 && b || c; d & e\nf | g |& h",
            &[
                (First, "a|1", "a 1"),
                (And, "b", "b"),
                (Or, "c", "c"),
                (Then, "d", "d"),
                (Background, "e", "e"),
                (Then, "f", "f"),
                (Pipe, "g", "g"),
                (Pipe, "h", "h"),
            ],
        ),
        (
            "if a; then b; c; else d; fi && e",
            &[(First, "a", "a"), (First, "b", "b"), (Then, "c", "c"), (First, "d", "d"), (And, "e", "e")],
        ),
        ("a && b >f x && c", &[(First, "a", "a"), (And, "b|x", "b >f x"), (And, "c", "c")]),
        ("if a; then ! { b; } fi; c", &[(First, "a", "a"), (First, "b", "b"), (Then, "c", "c")]),
        ("if a; then (b) else c; fi", &[(First, "a", "a"), (First, "b", "b"), (First, "c", "c")]),
        ("! if a; then b; fi", &[(First, "a", "a"), (First, "b", "b")]),
        ("! a | b", &[(First, "a", "a"), (Pipe, "b", "b")]),
        (
            "case $x in a|b) c;; *) d; e;; esac; f",
            &[(First, "c", "c"), (First, "d", "d"), (Then, "e", "e"), (Then, "f", "f")],
        ),
        ("[ -n \"a b\" ] && c", &[(First, "[|-n|a b|]", "[ -n \"a b\" ]"), (And, "c", "c")]),
        ("export A=1 B; unset C", &[(First, "export|A=1|B", "export A=1 B"), (Then, "unset|C", "unset C")]),
    ];
    for (source, expected) in cases {
        let got = commands(source);
        let got: Vec<_> = got.iter().map(|(joint, words, span)| (*joint, words.as_str(), span.as_str())).collect();
        assert_eq!(got, *expected, "{source}");
    }
}

#[test]
fn words_lose_their_quotes_and_keep_their_place() {
    let cases: &[(&str, &str, bool)] = &[
        ("plain", "plain", true),
        ("'a $b'", "a $b", true),
        ("\"a b\"c\\ d'e'", "a bc de", true),
        ("\"a\\$b\\n\\\"\"", "a$b\\n\"", true),
        ("a\\\nb", "ab", true),
        ("$'a\\n\\x41\\'b'", "a\nA'b", true),
        ("--x=\"$HOME/a\"", "--x=$HOME/a", false),
        ("${a:-\"b c\"}d", "${a:-\"b c\"}d", false),
        ("\"$(f \"x\")\"", "$(f \"x\")", false),
        ("`f`", "`f`", false),
        ("<(f)", "<(f)", false),
        ("$((1 + 2))", "$((1 + 2))", false),
        ("*.txt", "*.txt", true),
        ("{a,b}c", "{a,b}c", true),
        ("\\;", ";", true),
        ("\\ x", " x", true),
        ("é'漢'", "é漢", true),
        ("a$", "a$", true),
        ("''", "", true),
        ("{😀", "{😀", true),
        ("a\u{a0}b", "a\u{a0}b", true),
    ];
    for (written, value, literal) in cases {
        let source = format!("cmd {written}");
        let script = parse(&text(&source));
        assert!(!script.partial, "{source}");
        let [word] = script.commands[0].args() else { panic!("{source}: {:?}", script.commands[0].words) };
        assert_eq!((word.text.as_str(), word.literal, &source[word.text.span.range()]), (*value, *literal, *written));
    }
    let source = "cmd a\"b\"c";
    let script = parse(&text(source));
    let word = &script.commands[0].args()[0].text;
    assert_eq!(&source[word.span_of(1..2).range()], "b");
    assert_eq!(&source[word.span_of(1..3).range()], "b\"c");
}

#[test]
fn spans_point_into_the_file_across_joined_lines() {
    let source = "RUN curl -k \\\n  # note\n  https://x | sh";
    let mut builder = TextBuilder::default();
    builder.push("curl -k ", 4);
    builder.push("  https://x | sh", source.find("  https").unwrap());
    let script = parse(&builder.finish(Span::new(FileId(0), 4..source.len())));
    let curl = &script.commands[0];
    assert_eq!(&source[curl.args()[1].text.span.range()], "https://x");
    assert_eq!(&source[script.pipelines[0].span.range()], &source[4..]);
    assert_eq!(&source[script.commands[1].span.range()], "sh");
}

#[test]
fn substitutions_name_the_command_they_stand_in() {
    let cases: &[Case<(&str, Option<usize>)>] = &[
        ("a $(b `c`) <(d) | e", &[("a", None), ("b", Some(0)), ("c", Some(1)), ("d", Some(0)), ("e", None)]),
        ("x=$(a) b=\"$(c)\"", &[("?", None), ("a", Some(0)), ("c", Some(0))]),
        ("[ \"$(id -u)\" = 0 ]", &[("[", None), ("id", Some(0))]),
        ("bash -c \"$(curl x)\"", &[("bash", None), ("curl", Some(0))]),
        ("cat <<EOF | sh\n$(a)\nEOF\nb", &[("cat", None), ("sh", None), ("a", Some(0)), ("b", None)]),
        ("a > $(b)", &[("a", None), ("b", Some(0))]),
        ("echo $((1 + $(a)))", &[("echo", None), ("a", Some(0))]),
        ("for i in $(a); do b; done", &[("a", None), ("b", None)]),
    ];
    for (source, expected) in cases {
        let script = parse(&text(source));
        let got: Vec<_> = script.commands.iter().map(|c| (c.name().unwrap_or("?"), c.inside)).collect();
        assert_eq!(got, *expected, "{source}");
    }
}

#[test]
fn pipelines_list_the_commands_of_their_stages() {
    let cases: &[Case<(&str, Stages)>] = &[
        ("a && b | c || d", &[("b | c", &[&[1], &[2]])]),
        ("(a; b $(x)) | c", &[("(a; b $(x)) | c", &[&[0, 1], &[3]])]),
        ("{ a | b; } | c", &[("{ a | b; } | c", &[&[0, 1], &[2]]), ("a | b", &[&[0], &[1]])]),
        ("while read x; do a; done < f | b > g", &[("while read x; do a; done < f | b > g", &[&[0, 1], &[2]])]),
        ("cat <<EOF | sh && a\nx\nEOF", &[("cat <<EOF | sh", &[&[0], &[1]])]),
    ];
    for (source, expected) in cases {
        let script = parse(&text(source));
        let got: Vec<_> = script.pipelines.iter().map(|p| (&source[p.span.range()], p.stages.clone())).collect();
        let expected: Vec<(&str, Vec<Vec<usize>>)> =
            expected.iter().map(|(s, stages)| (*s, stages.iter().map(|s| s.to_vec()).collect())).collect();
        assert_eq!(got, expected, "{source}");
    }
}

#[test]
fn redirections_belong_to_the_statement_before_them() {
    let cases: &[Case<(&str, &str, &str)>] = &[
        ("a >f 2>&1 <g", &[(">", "f", ">f"), ("2>", "", ""), ("<", "g", "<g")]),
        ("a && b >> 'f g'", &[(">>", "f g", ">> 'f g'")]),
        ("a &> f", &[("&>", "f", "&> f")]),
        ("a <<< \"x y\"", &[("<<<", "x y", "<<< \"x y\"")]),
        ("> f", &[(">", "f", "> f")]),
        ("{ a; b; } > f", &[(">", "f", "> f")]),
    ];
    for (source, expected) in cases {
        let script = parse(&text(source));
        assert!(!script.partial, "{source}");
        let own = script.commands.iter().flat_map(|c| &c.redirections);
        let all: Vec<&Redirection> = own.chain(script.groups.iter().flat_map(|g| &g.redirections)).collect();
        assert_eq!(all.len(), expected.len(), "{source}");
        for (redirection, (operator, target, span)) in all.iter().zip(*expected) {
            if *operator == "2>" {
                assert_eq!((redirection.operator.as_str(), redirection.target.text.as_str()), ("2>&", "1"));
                continue;
            }
            let got = (redirection.operator.as_str(), redirection.target.text.as_str());
            assert_eq!((got.0, got.1, &source[redirection.span.range()]), (*operator, *target, *span), "{source}");
        }
    }
}

#[test]
fn here_documents_end_where_the_shell_ends_them() {
    let cases: &[(&str, &str, &[&str])] = &[
        ("cat <<EOF > f\na $b\nEOF\nnext", "a $b\n", &["cat", "next"]),
        ("cat <<'EOF'\n$(a)\nEOF", "$(a)\n", &["cat"]),
        ("cat <<-EOF\n\tx\n\t\ty\n\tEOF\nnext", "x\ny\n", &["cat", "next"]),
        ("cat <<-EOF > f\n\tx\n\t  EOF\n\tEOF\nnext", "x\n  EOF\n", &["cat", "next"]),
        ("cat <<EOF\n  EOF 'open\nEOF\nnext", "  EOF 'open\n", &["cat", "next"]),
    ];
    for (source, expected, names) in cases {
        let script = parse(&text(source));
        assert!(!script.partial, "{source}");
        let redirection = &script.commands[0].redirections[0];
        assert_eq!(redirection.target.text.as_str(), "EOF");
        assert_eq!(redirection.body.as_ref().unwrap().as_str(), *expected, "{source}");
        assert_eq!(self::names(source), *names, "{source}");
    }
}

#[test]
fn groups_hold_their_commands_and_redirections() {
    let source = "f() { a; b; }; (c) && if d; then e; fi > log";
    let script = parse(&text(source));
    let got: Vec<_> = script.groups.iter().map(|g| (g.kind, g.commands.clone(), &source[g.span.range()])).collect();
    assert_eq!(
        got,
        [
            (GroupKind::Function, 0..2, "f() { a; b; }"),
            (GroupKind::Brace, 0..2, "{ a; b; }"),
            (GroupKind::Subshell, 2..3, "(c)"),
            (GroupKind::If, 3..5, "if d; then e; fi > log"),
        ]
    );
    assert_eq!(script.groups[0].name.as_ref().unwrap().as_str(), "f");
    assert_eq!(script.groups[3].joined_by, Joint::And);
    assert_eq!(script.groups[3].redirections[0].target.text.as_str(), "log");
}

#[test]
fn background_covers_the_whole_list_before_the_ampersand() {
    let script = parse(&text("a; b && c & d; (e & f)"));
    let background: Vec<bool> = script.commands.iter().map(|c| c.background).collect();
    assert_eq!(background, [false, true, true, false, true, false]);
}

#[test]
fn shell_options_hold_from_where_they_are_set() {
    let cases: &[(&str, bool, bool)] = &[
        ("set -o pipefail; x", true, false),
        ("set -euxo pipefail && x", true, true),
        ("set -eux -o pipefail; x", true, true),
        ("set -e; set +e; x", false, false),
        ("set -o errexit; x", false, true),
        ("set -eo pipefail; set +o pipefail; x", false, true),
        ("shopt -so pipefail; x", true, false),
        ("(set -eo pipefail); x", false, false),
        ("(set -eo pipefail; x)", true, true),
        ("f() { set -e; }; x", false, false),
        ("a $(set -e; x)", false, true),
        ("a $(set -e); x", false, false),
        ("set -- -e; x", false, false),
        ("x; set -e", false, false),
    ];
    for (source, pipefail, errexit) in cases {
        let script = parse(&text(source));
        let at = script.commands.iter().position(|c| c.name() == Some("x")).unwrap();
        assert_eq!(
            (script.sets_pipefail_before(at), script.sets_errexit_before(at)),
            (*pipefail, *errexit),
            "{source}"
        );
    }
}

#[test]
fn what_cannot_be_parsed_leaves_the_rest() {
    for source in ["a b | | c", "a; fi; c", "a && c 'open", "a; c $(", "a; c )"] {
        let script = parse(&text(source));
        assert!(script.partial, "{source}");
        assert_eq!(script.commands[0].name(), Some("a"), "{source}");
        assert!(script.commands.iter().any(|c| c.name() == Some("c")), "{source}");
    }
}
#[test]
fn hostile_scripts_take_linear_time_and_little_stack() {
    let cases = |size: usize| {
        let filled = |unit: &str| unit.repeat(size / unit.len());
        let cases = [
            filled("a|").repeat(7),
            filled("a|"),
            format!("a \"{}", filled("x").repeat(30)),
            format!("echo {}", filled("$(")),
            format!("echo {}x{}", "$(a ".repeat(size / 5), ")".repeat(size / 5)),
            format!("echo {}", filled("${")),
            format!("echo {}", filled("\"${a:-")),
            "(a;".repeat(size / 4) + &")".repeat(size / 4),
            filled("{ "),
            filled("a <<E\n"),
            filled("a <<E\n E\nE\n"),
            filled("if a; then "),
            filled("`a "),
            filled("a\\\n"),
            filled(")"),
            filled("@(a"),
            filled("f() {export ]]"),
            filled("|<<'E'}"),
        ];
        cases.map(|source| (source[..30].to_owned(), source)).into()
    };
    effort::assert_linear(62_000, 256 << 10, cases, |source: &String| drop(parse(&text(source))));
}

#[test]
fn only_the_start_of_a_script_over_the_limit_is_read() {
    let line = "echo some words; ls\n";
    let source = line.repeat(SHELL_BYTES.most / line.len() + 10);
    let script = parse(&text(&source));
    assert!(script.partial);
    assert_eq!(script.commands.len(), SHELL_BYTES.most / line.len() * 2);
}

/// Pieces of shell, so that what is put together at random is often nearly valid.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        " ",
        " ",
        "\n",
        "a",
        "cmd",
        "-f",
        "'",
        "\"",
        "$(",
        ")",
        "(",
        "`",
        "${",
        "}",
        "{",
        "$x",
        "$'",
        "\\",
        "\\\n",
        "|",
        "&&",
        "||",
        ";",
        ";;",
        "&",
        ">",
        "<",
        "<<E\n",
        "\nE\n",
        "<<-E",
        "<<<",
        "if ",
        "then ",
        "fi",
        "for x in ",
        "do ",
        "done",
        "case ",
        " in ",
        "esac",
        "[ ",
        " ]",
        "[[ ",
        "=",
        "x=",
        "#",
        "é",
        "漢",
        "2>&1",
        "f() {",
        "((",
        "))",
        "\t",
        "!",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.concat())
}

/// Scripts of plain commands, and what is nearly one.
fn plain_pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        " ",
        " ",
        " ",
        " ",
        "  ",
        "\n",
        "\t",
        "a",
        "cmd",
        "apt-get",
        "-y",
        "--x=1",
        "x=",
        "x=1",
        "X_2=v",
        "/a/*",
        "a:b@c%d+e,f",
        "'q r'",
        "\"q $x\"",
        "\"${y}\"",
        "$x",
        "${y}",
        "$1",
        "$",
        "|",
        "&&",
        "||",
        ";",
        "&",
        "if",
        "in",
        "export",
        "test",
        "[",
        "2",
        "=",
        "==",
        "~",
        "*",
        "%",
        "-",
        "--",
        "+",
        "@",
        "time",
        "0",
        "a=b=c",
        "''",
        "\"\"",
        "!",
        "é",
        "x+=1",
        ".",
        "1=2",
        "_",
        ":",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..14).prop_map(|pieces| pieces.concat())
}

/// Every word of a script.
fn words(script: &Script) -> impl Iterator<Item = &Word> {
    let redirections = script.groups.iter().flat_map(|g| &g.redirections);
    let own = script.commands.iter().flat_map(|c| {
        let values = c.assignments.iter().map(|a| &a.value);
        c.words.iter().chain(values).chain(c.redirections.iter().map(|r| &r.target))
    });
    own.chain(redirections.map(|r| &r.target))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_short_way_reads_what_the_grammar_reads(source in prop_oneof![3 => plain_pieces(), 1 => pieces()]) {
        let text = text(&source);
        let (short, long) = (parse(&text), lower::by_grammar(&text));
        if long.partial && !short.partial {
            // The grammar stumbles over words such as `ifx%`.
            let bash = std::process::Command::new("bash").args(["-n", "-c", &source]).output().unwrap();
            prop_assert!(bash.status.success(), "bash refuses this");
        } else {
            prop_assert_eq!(format!("{short:?}"), format!("{long:?}"));
        }
    }

    #[test]
    fn any_text_gives_spans_inside_it(source in prop_oneof![pieces(), "\\PC{0,80}"]) {
        let script = parse(&text(&source));
        let spans = script.commands.iter().map(|c| c.span).chain(script.groups.iter().map(|g| g.span));
        for span in spans.chain(script.pipelines.iter().map(|p| p.span)).chain(words(&script).map(|w| w.text.span)) {
            prop_assert!(source.get(span.range()).is_some(), "{span:?}");
        }
        for group in &script.groups {
            prop_assert!(script.commands.get(group.commands.clone()).is_some());
        }
        for (index, command) in script.commands.iter().enumerate() {
            prop_assert!(command.inside.is_none_or(|owner| owner < index));
        }
        for word in words(&script) {
            let written = &source[word.text.span.range()];
            let quoted = written.contains(['\'', '"', '\\']) || written.contains("$\"");
            if word.literal && !quoted {
                prop_assert_eq!(written, word.text.as_str());
            }
        }
    }
}

/// Needs the folder `oracle` with what BuildKit reads from real Dockerfiles; its path is in `CONFSCAN_SHARED`.
#[test]
fn real_run_bodies_are_read_whole_unless_bash_refuses_them_too() {
    let Ok(shared) = std::env::var("CONFSCAN_SHARED") else {
        eprintln!("skipped: CONFSCAN_SHARED is not set");
        return;
    };
    let lines = std::fs::read_to_string(format!("{shared}/oracle/dockerfile.jsonl")).unwrap();
    let mut bodies = 0;
    for line in lines.lines() {
        let file: serde_json::Value = serde_json::from_str(line).unwrap();
        for instruction in file["Ins"].as_array().into_iter().flatten() {
            let shell = instruction["Cmd"] == "RUN" && instruction["JSON"] == false && instruction["HD"].is_null();
            let Some(body) = instruction["Args"][0].as_str().filter(|_| shell) else { continue };
            bodies += 1;
            let body_text = text(body);
            assert_eq!(format!("{:?}", parse(&body_text)), format!("{:?}", lower::by_grammar(&body_text)), "{body}");
            if parse(&body_text).partial {
                let bash = std::process::Command::new("bash").args(["-n", "-c", body]).output().unwrap();
                assert!(!bash.status.success(), "bash takes this: {body}");
            }
        }
    }
    assert!(bodies > 1_000, "{bodies} bodies");
}
