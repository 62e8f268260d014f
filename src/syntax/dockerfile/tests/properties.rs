//! Properties that hold for any text, and hostile text.

use proptest::prelude::*;

use super::super::*;
use crate::effort;
use crate::source::FileId;

/// Asserts that every span of the model is inside the text and on character boundaries, and that every character of
/// every text stands where its span says.
pub(super) fn check_spans(source: &str, dockerfile: &Dockerfile) {
    let span = |span: Span| {
        assert!(source.get(span.range()).is_some(), "{span:?} in {source:?}");
    };
    for directive in &dockerfile.directives {
        span(directive.name.span);
        span(directive.value.span);
    }
    dockerfile.comments.iter().for_each(|comment| assert!(source[comment.range()].starts_with('#')));
    dockerfile.errors.iter().for_each(|error| span(error.span));
    for stage in &dockerfile.stages {
        stage.name.iter().for_each(|name| span(name.span));
    }
    dockerfile.instructions.iter().for_each(|instruction| check_instruction(source, instruction));
}

fn check_text(source: &str, text: &Text) {
    assert!(source.get(text.span.range()).is_some(), "{text:?}");
    for (at, c) in text.value.char_indices() {
        let span = text.span_of(at..at + c.len_utf8());
        assert!(text.span.contains(span), "{text:?}");
        let written = &source[span.start as usize..];
        // An escape of a JSON string starts where its meaning is said to stand.
        assert!(written.starts_with(c) || written.starts_with('\\'), "{c:?} of {text:?} in {source:?}");
    }
}

fn check_instruction(source: &str, instruction: &Instruction) {
    let check = |text: &Text| check_text(source, text);
    let all = |texts: &[Text]| texts.iter().for_each(check);
    let invocation = |invocation: &Invocation| match invocation {
        Invocation::Shell(text) => check(text),
        Invocation::Exec(words) => all(words),
    };
    let keyword = &instruction.keyword;
    assert!(instruction.span.contains(keyword.span));
    if keyword.span.range().len() == keyword.value.len() {
        assert_eq!(source[keyword.span.range()], keyword.value);
    }
    assert!(instruction.lines.0 >= 1 && instruction.lines.0 <= instruction.lines.1);
    instruction.rest().into_iter().for_each(check);
    for flag in &instruction.flags {
        assert!(instruction.span.contains(flag.span) && flag.span.contains(flag.name.span));
        flag.value.iter().for_each(check);
    }
    for heredoc in &instruction.heredocs {
        assert!(instruction.span.contains(heredoc.name.span));
        check(&heredoc.body);
    }
    for mount in instruction.mounts() {
        for option in &mount.options {
            assert!(mount.span.contains(option.span) && mount.span.contains(option.key.span));
            option.value.iter().for_each(check);
        }
    }
    match &instruction.kind {
        Kind::From { image, name } => {
            check(image);
            name.iter().for_each(|name| check(name));
        }
        Kind::Run(command) | Kind::Cmd(command) | Kind::Entrypoint(command) => invocation(command),
        Kind::Healthcheck(Healthcheck::Cmd(command)) => invocation(command),
        Kind::Shell(texts) | Kind::Expose(texts) | Kind::Volume(texts) => all(texts),
        Kind::Copy(transfer) | Kind::Add(transfer) => {
            all(&transfer.sources);
            check(&transfer.destination);
        }
        Kind::Env(pairs) | Kind::Label(pairs) => {
            for pair in pairs {
                assert!(instruction.span.contains(pair.span));
                check(&pair.key);
                check(&pair.value);
            }
        }
        Kind::Arg(declarations) => {
            for arg in declarations {
                check(&arg.name);
                arg.default.iter().for_each(check);
            }
        }
        Kind::User(text) | Kind::Workdir(text) | Kind::StopSignal(text) | Kind::Maintainer(text) => check(text),
        Kind::Onbuild(trigger) => check_instruction(source, trigger),
        Kind::Healthcheck(Healthcheck::None) | Kind::Unknown => {}
    }
}

/// Parses and evaluates; what comes out must be well-formed.
fn exercise(source: &str) {
    let dockerfile = parse(FileId(0), source);
    check_spans(source, &dockerfile);
    for stage in 0..dockerfile.stages.len().min(8) {
        let config = evaluate(&dockerfile, stage, &[]);
        assert_eq!(config.chain.last(), Some(&stage));
        assert!(dockerfile.reachable(stage)[stage]);
        for name in config.undefined.iter().chain(&config.undefined_in_from) {
            // A name may run on over continued lines, with blank lines and comments in between.
            let written = &source[name.span.range()];
            assert!(written.starts_with(name.value.chars().next().expect("a name has characters")), "{written:?}");
            assert!(written.ends_with(name.value.chars().last().expect("a name has characters")), "{written:?}");
        }
    }
}

const PIECES: [&str; 72] = [
    "FROM ",
    "AS ",
    "a",
    "b ",
    "RUN ",
    "COPY ",
    "ADD ",
    "ENV ",
    "ARG ",
    "LABEL ",
    "CMD ",
    "ENTRYPOINT ",
    "ONBUILD ",
    "HEALTHCHECK ",
    "NONE",
    "SHELL ",
    "USER ",
    "WORKDIR ",
    "EXPOSE ",
    "VOLUME ",
    "STOPSIGNAL ",
    "\n",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\\\n",
    "\\\n",
    " \\ \n",
    "\\",
    "`",
    "# c\n",
    "# escape=`\n",
    "#",
    "<<",
    "<<EOF",
    "<<-EOF",
    "<<\"E F\"",
    "<<'EOF'",
    "EOF\n",
    "\tEOF\n",
    "E F\n",
    "EOF",
    "--mount=",
    "--from=",
    "--",
    "type=bind,",
    ",",
    "=",
    "'",
    "\"",
    "\"",
    "$",
    "${",
    "}",
    ":-",
    "##",
    "/",
    "*",
    "%",
    "[",
    "]",
    "[\"",
    "\"]",
    " ",
    "\t",
    "é",
    "\u{85}",
    "\u{a0}",
    "\u{2003}",
    "\u{feff}",
    "\\u00e9",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_dockerfile_pieces_is_read_with_exact_spans(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)
    ) {
        exercise(&pieces.concat());
        exercise(&format!("FROM x\n{}", pieces.concat()));
    }

    #[test]
    fn any_text_is_read_with_exact_spans(text in any::<String>()) {
        exercise(&text);
        exercise(&format!("FROM x\nRUN {text}\nENV {text}\nCOPY {text}"));
    }
}

#[test]
fn hostile_files_take_linear_time() {
    let cases = |size: usize| {
        let many = |line: &dyn Fn(usize) -> String| -> String { (0..size / 10).map(line).collect() };
        let cases = [
            ("continuations", format!("FROM x\nRUN a{}", "\\\n".repeat(size / 2))),
            ("continued words", format!("FROM x\nENV {}", "a=b \\\n".repeat(size / 6))),
            ("comments in a continuation", format!("FROM x\nRUN a \\\n{}", "#\n".repeat(size / 2))),
            ("long flag", format!("FROM x\nRUN --mount=\"{}\" x", "a,".repeat(size / 2))),
            ("continued flag", format!("FROM x\nRUN --mount={}", "a\\\n".repeat(size / 3))),
            ("many flags", format!("FROM x\nRUN {}x", "--mount=a ".repeat(size / 10))),
            ("here-documents without end", format!("FROM x\n{}", many(&|i| format!("RUN <<A{i}\n")))),
            ("second without end", format!("FROM x\n{}", many(&|i| format!("RUN <<A <<B{i}\nA\n")))),
            ("one here-document after another", format!("FROM x\n{}", many(&|_| "RUN <<A\nA\n".to_owned()))),
            ("here-document words", format!("FROM x\nCOPY {}", "<<a ".repeat(size / 4))),
            ("nested substitutions", format!("FROM x\nUSER {}", "${a:-".repeat(size / 5))),
            ("nested substitutions in a here-document line", format!("FROM x\nRUN <<A {}", "${a:-".repeat(size / 5))),
            ("nested JSON", format!("FROM x\nCMD {}", "[".repeat(size))),
            ("escapes in JSON", format!("FROM x\nCMD [\"{}\"]", "\\n".repeat(size / 2))),
            ("triggers", format!("FROM x\n{}RUN x", "ONBUILD ".repeat(size / 8))),
            ("values in values", format!("FROM x\nENV A=xxxx\n{}", many(&|_| "ENV A=$A$A\n".to_owned()))),
            ("deep directories", format!("FROM x\n{}", many(&|_| "WORKDIR a$B\n".to_owned()))),
            ("chain of stages", format!("FROM x AS s0\n{}", many(&|i| format!("FROM s{i} AS s{}\n", i + 1)))),
            (
                "declarations",
                format!("{}FROM x\n{}", many(&|i| format!("ARG A{i}=1\n")), many(&|i| format!("ARG A{i}\n"))),
            ),
            (
                "patterns",
                format!("FROM x\nENV A={}\n{}", "a".repeat(size / 12), many(&|_| "USER ${A%%*b*}\n".to_owned())),
            ),
            ("quotes", format!("FROM x\nENV {}", "\"'".repeat(size / 2))),
        ];
        cases.map(|(name, text)| (name.to_owned(), text)).into()
    };
    effort::assert_linear(100_000, 256 << 10, cases, |text: &String| {
        let dockerfile = parse(FileId(0), text);
        if let Some(stage) = dockerfile.shipped() {
            evaluate(&dockerfile, stage, &[]);
            dockerfile.reachable(stage);
        }
        dockerfile.instructions.iter().for_each(|instruction| drop(instruction.mounts()));
    });
}
