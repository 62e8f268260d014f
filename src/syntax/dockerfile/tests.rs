//! Tests of the Dockerfile front end.

mod evaluation;
mod properties;

use super::*;
use crate::source::FileId;

fn read(text: &str) -> Dockerfile {
    let dockerfile = parse(FileId(0), text);
    properties::check_spans(text, &dockerfile);
    dockerfile
}

/// The last instruction of `text`, which must be accepted.
fn last(text: &str) -> Instruction {
    let mut dockerfile = read(&format!("FROM x\n{text}"));
    assert_eq!(dockerfile.errors, [], "{text}");
    dockerfile.instructions.pop().expect("an instruction")
}

/// Bytes of `FROM x\n` plus `text` that a span covers.
fn slice(text: &str, span: Span) -> String {
    format!("FROM x\n{text}")[span.range()].to_owned()
}

fn values(texts: &[Text]) -> Vec<&str> {
    texts.iter().map(Text::as_str).collect()
}

#[test]
fn directives_are_read_until_the_first_line_that_is_none() {
    let text = "# Syntax = docker/dockerfile:1 \n#ESCAPE=`\n# plain\n# check=skip=all\nFROM a `\n  AS b\n";
    let dockerfile = read(text);
    let directives: Vec<_> =
        dockerfile.directives.iter().map(|d| (d.name.value.as_str(), d.value.value.as_str())).collect();
    assert_eq!(directives, [("syntax", "docker/dockerfile:1"), ("escape", "`")]);
    assert_eq!(&text[dockerfile.directives[0].name.span.range()], "Syntax");
    assert_eq!(&text[dockerfile.directives[0].value.span.range()], "docker/dockerfile:1");
    let comments: Vec<_> = dockerfile.comments.iter().map(|span| &text[span.range()]).collect();
    assert_eq!(comments, ["# plain", "# check=skip=all"]);
    assert_eq!((dockerfile.escape, dockerfile.errors.len()), ('`', 0));
    assert_eq!(dockerfile.stages[0].name.as_ref().map(|name| name.value.as_str()), Some("b"));
    for (text, count) in [("\n# escape=`\nFROM a", 0), ("FROM a\n# escape=`\n", 0), ("# escape\n# escape=`\nFROM a", 0)]
    {
        assert_eq!(read(text).directives.len(), count, "{text:?}");
    }
    for bad in ["# escape=x\nFROM a", "# escape=`\n# escape=`\nFROM a", "# check=a\n# Check=b\nFROM a"] {
        assert_eq!(read(bad).errors.len(), 1, "{bad:?}");
    }
}

#[test]
fn continued_lines_are_joined_and_every_word_keeps_its_place() {
    let text = "RUN apt \\\n  # a comment \\\n\n  install \\  \n\tcurl\n";
    let run = last(text);
    let Kind::Run(Invocation::Shell(command)) = &run.kind else { panic!("{run:?}") };
    assert_eq!(command.value, "apt   install \tcurl");
    for word in ["apt", "install", "curl"] {
        let at = command.value.find(word).expect("the word");
        assert_eq!(slice(text, command.span_of(at..at + word.len())), word);
    }
    assert_eq!(slice(text, run.span), text.trim_end());
    assert_eq!(run.lines, (2, 6));
    assert_eq!(read(&format!("FROM x\n{text}")).comments.len(), 1);
    for (text, value) in [
        ("RUN a\\\\\nUSER b", "b"),
        ("USER \\\n\\\n b\\\n", "b"),
        ("US\\\nER b", "b"),
        ("USER b \\", "b"),
        ("USER b\\ \t\r\n\r\n", "b"),
        ("USER a\\ b", "a\\ b"),
    ] {
        let user = last(text);
        assert!(matches!(&user.kind, Kind::User(name) if name.value == value), "{text:?}: {user:?}");
    }
}

#[test]
fn flags_lose_their_quotes_and_keep_their_places() {
    let text = "RUN --mount=\"type=bind,target=/a b\" --network=ho\\\nst --x\\=y -- --not cmd";
    let dockerfile = read(&format!("FROM x\n{text}"));
    let run = &dockerfile.instructions[1];
    let flags: Vec<_> =
        run.flags.iter().map(|flag| (flag.name.value.as_str(), flag.value.as_ref().map(Text::as_str))).collect();
    assert_eq!(flags, [("mount", Some("type=bind,target=/a b")), ("network", Some("host")), ("x", Some("y"))]);
    assert_eq!(slice(text, run.flags[0].span), "--mount=\"type=bind,target=/a b\"");
    let value = run.flags[0].value.as_ref().expect("a value");
    assert_eq!(slice(text, value.span), "\"type=bind,target=/a b\"");
    assert_eq!(slice(text, value.span_of(17..21)), "/a b");
    assert_eq!(slice(text, run.flags[1].name.span), "network");
    assert_eq!(run.rest().unwrap().value, "--not cmd");
    let messages: Vec<_> = dockerfile.errors.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(messages, ["RUN has no flag `--x`"]);
}

#[test]
fn mounts_are_csv_records_with_a_place_for_every_option() {
    let text =
        "RUN --mount=type=secret,ID=npm,required --mount='type=bind,\"source=/a,\"\"b\",from=base,dst=/c,ro=false' x";
    let run = last(text);
    let mounts = run.mounts();
    assert_eq!(mounts.len(), 2);
    let get = |text: Option<&Text>| text.map(|text| text.value.clone());
    assert_eq!(get(mounts[0].kind()).as_deref(), Some("secret"));
    assert_eq!(get(mounts[0].id()).as_deref(), Some("npm"));
    assert!(mounts[0].is_set(&["required"]) && !mounts[1].is_set(&["readonly", "ro"]));
    assert_eq!(get(mounts[1].source()).as_deref(), Some("/a,\"b"));
    assert_eq!(get(mounts[1].from()).as_deref(), Some("base"));
    assert_eq!(slice(text, mounts[0].id().expect("an id").span), "npm");
    assert_eq!(slice(text, mounts[1].target().expect("a target").span), "/c");
    assert_eq!(slice(text, mounts[1].options[1].span), "\"source=/a,\"\"b\"");
    for bad in
        ["RUN --mount='a\"b' x", "RUN --mount='\"a' x", "RUN --mount=from=$x x", "RUN --mount x", "RUN --network=lan x"]
    {
        assert_eq!(read(&format!("FROM x\n{bad}")).errors.len(), 1, "{bad}");
    }
}

#[test]
fn pairs_are_split_in_both_spellings() {
    let text = "ENV A=1 B=\"x y\" C=a\\ b \\\n  D='p\"q'  E=";
    let env = last(text);
    let Kind::Env(pairs) = &env.kind else { panic!("{env:?}") };
    let split: Vec<_> = pairs.iter().map(|pair| (pair.key.as_str(), pair.value.as_str())).collect();
    assert_eq!(split, [("A", "1"), ("B", "\"x y\""), ("C", "a\\ b"), ("D", "'p\"q'"), ("E", "")]);
    for pair in pairs {
        assert_eq!(slice(text, pair.span), format!("{}={}", pair.key.value, pair.value.value));
        assert_eq!(slice(text, pair.key.span), pair.key.value);
        assert_eq!(slice(text, pair.value.span), pair.value.value);
        assert!(!pair.legacy);
    }
    let text = "LABEL name  a value = \"b\"";
    let label = last(text);
    let Kind::Label(pairs) = &label.kind else { panic!("{label:?}") };
    assert_eq!((pairs[0].key.as_str(), pairs[0].value.as_str()), ("name", "a value = \"b\""));
    assert!(pairs[0].legacy);
    let text = "ARG A B=c=d";
    let arg = last(text);
    let Kind::Arg(declarations) = &arg.kind else { panic!("{arg:?}") };
    assert_eq!(declarations[0].default, None);
    assert_eq!(slice(text, declarations[1].span), "B=c=d");
    assert_eq!(declarations[1].default.as_ref().map(Text::as_str), Some("c=d"));
    let text = "ENV A=\\\n B=c";
    let env = last(text);
    let Kind::Env(pairs) = &env.kind else { panic!("{env:?}") };
    let place = pairs[0].value.span.range();
    assert_eq!(place, "FROM x\nENV A=".len().."FROM x\nENV A=".len(), "an empty value stands behind its `=`");
    for bad in ["ENV", "ENV a", "ENV a=b c", "ENV =b", "LABEL", "ARG", "ARG =x"] {
        assert_eq!(read(&format!("FROM x\n{bad}")).errors.len(), 1, "{bad}");
    }
}

#[test]
fn exec_form_is_decoded_and_anything_else_is_for_the_shell() {
    let text = "CMD [ \"a\", \"b\\n\\u00e9\\ud83d\\ude00\\ud800\" ,\\\n \"\" ]";
    let cmd = last(text);
    let Kind::Cmd(Invocation::Exec(words)) = &cmd.kind else { panic!("{cmd:?}") };
    assert_eq!(values(words), ["a", "b\né😀\u{fffd}", ""]);
    assert_eq!(slice(text, words[0].span), "\"a\"");
    assert_eq!(slice(text, words[0].span_of(0..1)), "a");
    let at = words[1].value.find('é').expect("the letter");
    assert!(slice(text, words[1].span_of(at..at)).is_empty());
    assert!(text[words[1].span_of(at..at).start as usize - 7..].starts_with("\\u00e9"));
    assert!(cmd.json);
    for shell in ["CMD [\"a\"] # c", "CMD ['a']", "CMD [\"a\",]", "CMD [\"a\"", "CMD [\"a\tb\"]", "CMD a"] {
        let cmd = last(shell);
        assert!(!cmd.json, "{shell}");
        assert!(matches!(&cmd.kind, Kind::Cmd(Invocation::Shell(text)) if text.value == shell[4..]), "{shell}");
    }
    assert!(matches!(&last("ENTRYPOINT []").kind, Kind::Entrypoint(Invocation::Exec(words)) if words.is_empty()));
    assert!(
        matches!(&last("SHELL [\"/bin/bash\", \"-c\"]").kind, Kind::Shell(words) if values(words) == ["/bin/bash", "-c"])
    );
    for bad in ["CMD [1]", "SHELL bash", "SHELL []", "VOLUME [\" \"]", "COPY [\"a\"]", "ONBUILD CMD [1]"] {
        assert_eq!(read(&format!("FROM x\n{bad}")).errors.len(), 1, "{bad}");
    }
}

#[test]
fn here_documents_are_taken_from_the_lines_behind_their_instruction() {
    // Source, then for each here-document: name, body, expand, chomp.
    type Found<'a> = &'a [(&'a str, &'a str, bool, bool)];
    let cases: &[(&str, Found)] = &[
        ("RUN <<EOF\nUSER a\nEOF\n", &[("EOF", "USER a\n", true, false)]),
        ("RUN cat << 'E F' > /x\na\nE F\n", &[("E F", "a\n", false, false)]),
        ("COPY <<-\"E\" <<F /x/\n\t\ta\n\tE\nb\nF", &[("E", "a\n", false, true), ("F", "b\n", true, false)]),
        ("ADD <<EOF /x\r\na\r\nEOF\r\n", &[("EOF", "a\r\n", true, false)]),
        ("ONBUILD RUN 3<<EOF\na\nEOF", &[("EOF", "a\n", true, false)]),
        ("RUN <<\\EOF|sh\na\nEOF|sh", &[("EOF|sh", "a\n", true, false)]),
        ("RUN a \\\n <<EOF\nb\nEOF", &[("EOF", "b\n", true, false)]),
    ];
    for (text, expected) in cases {
        let instruction = last(&format!("{text}\nUSER u"));
        assert!(matches!(&instruction.kind, Kind::User(_)), "{text:?}");
        let dockerfile = read(&format!("FROM x\n{text}\nUSER u"));
        let owner = dockerfile.effective(1).expect("the instruction");
        let found: Vec<_> = owner
            .heredocs
            .iter()
            .map(|heredoc| (heredoc.name.value.as_str(), heredoc.body.as_str(), heredoc.expand, heredoc.chomp))
            .collect();
        assert_eq!(found, *expected, "{text:?}");
        for heredoc in &owner.heredocs {
            let written = slice(text, heredoc.name.span);
            assert_eq!(written.trim_matches(['"', '\'', '\\']), heredoc.name.value);
        }
    }
    for none in
        ["RUN a <<<EOF", "RUN \"a <<EOF\"", "CMD cat <<EOF", "RUN [\"<<EOF\"]", "RUN a' <<EOF", "RUN ${a[0]} <<EOF"]
    {
        assert!(last(none).heredocs.is_empty(), "{none}");
    }
}

#[test]
fn a_run_script_is_what_the_shell_gets() {
    let body = |text: &str| match last(text).kind {
        Kind::Run(Invocation::Shell(text)) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(body("RUN <<EOF\na\nb\nEOF\n").value, "a\nb\n");
    assert_eq!(body("RUN <<-EOF\n\ta\n\tEOF\n").value, "a\n");
    let text = "RUN cat <<-A > /x && \\\n  cat <<B\n\ta\n\tA\nb\nB\n";
    let script = body(text);
    assert_eq!(script.value, "cat <<-A > /x &&   cat <<B\n\ta\nA\nb\nB");
    let at = script.value.find("\nb").expect("the body") + 1;
    assert_eq!(slice(text, script.span_of(at..at + 1)), "b");
}

#[test]
fn stages_have_lower_case_names_and_their_instructions() {
    let dockerfile = read("ARG V\nFROM --platform=linux/arm64 a:$V AS Build\nRUN a\nUSER b\nfrom build\nCMD c\n");
    let stages: Vec<_> = dockerfile
        .stages
        .iter()
        .map(|stage| (stage.name.as_ref().map(|name| name.value.as_str()), stage.from, stage.body.clone()))
        .collect();
    assert_eq!(stages, [(Some("build"), 1, 2..4), (None, 4, 5..6)]);
    assert_eq!(dockerfile.errors, []);
    assert_eq!((dockerfile.shipped(), dockerfile.stage_by_name("BUILD")), (Some(1), Some(0)));
    for bad in ["FROM a b", "FROM a AS 1b", "FROM a AS b c", "RUN a\nFROM b", "# only\n", "", "FROM a\nFROM --x=y b"] {
        assert_eq!(read(bad).errors.len(), 1, "{bad:?}");
    }
}

#[test]
fn health_checks_and_triggers_hold_what_they_run() {
    let text = "HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x";
    let health = last(text);
    assert!(
        matches!(&health.kind, Kind::Healthcheck(Healthcheck::Cmd(Invocation::Shell(text))) if text.value == "curl -f x")
    );
    assert_eq!(health.flag_value("interval").map(Text::as_str), Some("1m30s"));
    assert!(matches!(&last("healthcheck none").kind, Kind::Healthcheck(Healthcheck::None)));
    let text = "ONBUILD copy --from=a b /c";
    let onbuild = last(text);
    let Kind::Onbuild(trigger) = &onbuild.kind else { panic!("{onbuild:?}") };
    assert_eq!(slice(text, trigger.keyword.span), "copy");
    assert!(
        matches!(&trigger.kind, Kind::Copy(copy) if values(&copy.sources) == ["b"] && copy.destination.value == "/c")
    );
    assert_eq!((trigger.flags.len(), onbuild.flags.len()), (1, 0));
    for bad in [
        "HEALTHCHECK",
        "HEALTHCHECK CMD",
        "HEALTHCHECK x",
        "HEALTHCHECK NONE x",
        "HEALTHCHECK --interval=1 CMD x",
        "HEALTHCHECK --retries=-1 CMD x",
        "ONBUILD",
        "ONBUILD FROM x",
        "ONBUILD ONBUILD RUN x",
        "ONBUILD ENV x",
        "MAINTAINER",
        "EXPOSE",
        "USER",
        "USER --x=y z",
        "COPY a",
        "COPY --link=maybe a b",
        "COPY --from=a --from=b c d",
        "COPY a <<EOF\nEOF",
    ] {
        let dockerfile = read(&format!("FROM x\n{bad}"));
        assert_eq!(dockerfile.errors.len(), 1, "{bad}: {:?}", dockerfile.errors);
    }
    // BuildKit looks at the arguments of a trigger only where it runs.
    for fine in
        ["ONBUILD COPY a", "ONBUILD NOSUCH x", "ONBUILD COPY --nosuch a b", "STOPSIGNAL --x 9", "HEALTHCHECK --x NONE"]
    {
        last(fine);
    }
}

#[test]
fn a_bad_instruction_does_not_hide_the_rest_of_the_file() {
    let text = "FROM x\nRUNN a\nENV\nCOPY <<EOF /x\nUSER y\nEOFF\nUSER z\n";
    let dockerfile = read(text);
    let keywords: Vec<_> = dockerfile.instructions.iter().map(|i| (&*i.keyword.value, i.is_known())).collect();
    assert_eq!(
        keywords,
        [
            ("FROM", true),
            ("RUNN", false),
            ("ENV", true),
            ("COPY", true),
            ("USER", true),
            ("EOFF", false),
            ("USER", true)
        ]
    );
    assert!(matches!(dockerfile.instructions[1].kind, Kind::Unknown));
    assert!(matches!(dockerfile.instructions[2].kind, Kind::Unknown));
    let errors: Vec<_> = dockerfile.errors.iter().map(|error| &text[error.span.range()]).collect();
    assert_eq!(errors, ["ENV", "EOF"]);
    let mut long = "FROM x\nUSER a\n#".to_owned();
    long.push_str(&"x".repeat(65_535));
    long.push_str("\nUSER b\n");
    let dockerfile = read(&long);
    assert_eq!((dockerfile.instructions.len(), dockerfile.errors.len()), (3, 1));
}

#[test]
fn a_keyword_is_compared_in_the_lower_case_of_go() {
    assert!(matches!(last("WOR\u{212a}DIR /a").kind, Kind::Workdir(_)));
    assert!(matches!(last("ENTRYPO\u{130}NT a").kind, Kind::Entrypoint(_)));
    assert!(!read("FROM x\nU\u{17f}ER a").instructions[1].is_known());
}

#[test]
fn durations_are_those_of_go() {
    for (text, seconds) in [("1m30s", 90.0), ("500ms", 0.5), ("1.5h", 5400.0), ("-2s", -2.0), ("0", 0.0), ("1us", 1e-6)]
    {
        let read = duration(text).unwrap_or_else(|| panic!("{text}"));
        assert!((read - seconds).abs() < 1e-9, "{text}: {read}");
    }
    for bad in ["", "5", "s", "1 s", "1d", "-", "1.s.", "é"] {
        assert_eq!(duration(bad), None, "{bad}");
    }
}
