use proptest::prelude::*;

use super::*;
use crate::effort;
use crate::source::FileId;

fn text(source: &str) -> Text {
    Text::verbatim(source, Span::new(FileId(0), 0..source.len()))
}

/// The programs with their arguments and the package scripts, `;` between them, then the account.
fn shown(effective: &Effective) -> String {
    let words = |words: &[Word]| words.iter().map(|word| format!(" {}", word.text.value)).collect::<String>();
    let commands = effective.commands.iter().map(|c| format!("{}{}", c.name, words(&c.args)));
    let scripts =
        effective.package_scripts.iter().map(|s| format!("@{}:{}{}", s.manager, s.name.text.value, words(&s.args)));
    let mut shown = commands.chain(scripts).collect::<Vec<_>>().join("; ");
    if let Some(account) = &effective.dropped_to {
        shown.push_str(&format!(" as {}", account.text.value));
    }
    shown
}

#[test]
fn wrappers_are_taken_off_down_to_the_program() {
    let cases = [
        ("nginx -g 'daemon off;'", "nginx -g daemon off;"),
        ("/usr/sbin/nginx", "nginx"),
        ("exec nginx -g x", "nginx -g x"),
        ("exec -a name nginx", "nginx"),
        ("sh -c 'nginx -t && exec nginx'", "nginx -t; nginx"),
        ("bash -lc 'a; b &'", "a; b"),
        ("bash -euo pipefail -c 'a'", "a"),
        ("/bin/sh -c \"sh -c 'gosu app a'\"", "a as app"),
        ("sh -c 'exec \"$@\"' -- nginx -t", "nginx -t"),
        ("sh script.sh x", "sh script.sh x"),
        ("sh -s -- x", "sh -s -- x"),
        ("bash -", "bash -"),
        ("bash /dev/stdin x", "bash /dev/stdin x"),
        ("sh -c '$CMD x'", "$CMD x"),
        ("eval 'a b'", "a b"),
        ("env -- A=b C=d x", "x"),
        ("env A=b", "env A=b"),
        ("env -i -u X A=b node x.js", "node x.js"),
        ("nice -n 5 ionice -c 3 nohup time a", "a"),
        ("nice -10 a", "a"),
        ("timeout -s KILL --kill-after=5 10 a b", "a b"),
        ("tini -g -- a", "a"),
        ("/sbin/tini -s -p SIGTERM a -x", "a -x"),
        ("dumb-init --rewrite 15:2 -- a", "a"),
        ("catatonit -- a", "a"),
        ("/init a", "a"),
        ("/usr/local/init a", "init a"),
        ("/sbin/my_init -- a", "a"),
        ("./wait-for-it.sh db:5432 -t 30 -- a b", "a b"),
        ("wait-for-it.sh db:5432", "wait-for-it.sh db:5432"),
        ("wait-for db:1 -- a", "a"),
        ("dockerize -wait tcp://db:1 -timeout 10s -no-overwrite a b", "a b"),
        ("docker-entrypoint.sh postgres", "docker-entrypoint.sh postgres"),
        ("gosu app:grp a -u x", "a -u x as app:grp"),
        ("su-exec 1000:1000 a", "a as 1000:1000"),
        ("setpriv --reuid=app --regid 5 --init-groups -- a", "a as app"),
        ("runuser -u app -- a b", "a b as app"),
        ("runuser -l app -c 'a b'", "a b as app"),
        ("su app -c 'exec a'", "a as app"),
        ("su -s /bin/sh -c 'a; b' app", "a; b as app"),
        ("su - app -c a", "a as app"),
        ("sudo -u app -E A=b a", "a as app"),
        ("sudo a", "a"),
        ("chpst -u app -b x a", "a as app"),
        ("s6-setuidgid app a", "a as app"),
        ("s6-applyuidgid -u 5 -g 5 a", "a as 5"),
        ("start-stop-daemon --start --chuid app --exec /usr/bin/a -- -x", "a -x as app"),
        ("capsh --user=app -- -c 'a b'", "a b as app"),
        ("uv run --with x uvicorn app:main --reload", "uvicorn app:main --reload"),
        ("uv run -m uvicorn a", "uvicorn a"),
        ("uv sync", "uv sync"),
        ("poetry run python -u -m uvicorn app:main", "uvicorn app:main"),
        ("pipenv run pdm run hatch run a", "a"),
        ("conda run --no-capture-output -n env a", "a"),
        ("bundle exec rails s", "rails s"),
        ("bundle install", "bundle install"),
        ("npx -y -p x next dev", "next dev"),
        ("bunx vite", "vite"),
        ("pnpm exec vite", "vite"),
        ("pnpm dlx vite", "vite"),
        ("yarn exec vite", "vite"),
        ("yarn --cwd web dev --host", "@yarn:dev --host"),
        ("yarn", "yarn"),
        ("yarn install --frozen-lockfile", "yarn install --frozen-lockfile"),
        ("npm run dev -- --host", "@npm:dev --host"),
        ("npm --prefix web start", "@npm:start"),
        ("npm ci", "npm ci"),
        ("pnpm run start", "@pnpm:start"),
        ("bun run index.ts", "bun run index.ts"),
        ("bun dev", "@bun:dev"),
        ("python manage.py runserver", "python manage.py runserver"),
        ("python3.12 -X dev -m http.server 80", "http.server 80"),
        ("python -c 'x' -m y", "python -c x -m y"),
        ("python3 -u /usr/local/bin/uvicorn a:b", "uvicorn a:b"),
        ("python3 bin/run.py", "python3 bin/run.py"),
        ("python -m debugpy --listen 0.0.0.0:5678 -m uvicorn a", "uvicorn a"),
        ("xvfb-run -a -s '-screen 0' a", "a"),
        ("strace -f -o x a", "a"),
        ("ddtrace-run gunicorn a", "gunicorn a"),
        ("newrelic-admin run-program gunicorn a", "gunicorn a"),
        ("opentelemetry-instrument --service_name x a", "a"),
        ("doppler run --project x -- a", "a"),
        ("op run --env-file=x -- a", "a"),
        ("chamber exec svc -- a", "a"),
        ("infisical run -- a", "a"),
        ("with-contenv sh -c a", "a"),
        ("cross-env A=b a", "a"),
        ("concurrently -k -n x,y 'a -b' npm:dev", "a -b; @npm:dev"),
        ("npx concurrently \"tsc -w\" 'node .'", "tsc -w; node ."),
        ("concurrently -k", "concurrently -k"),
        ("f() { a; }; g() { b; }; f", "a"),
        ("a $(b) | c", "a $(b); c"),
        ("A=b", ""),
        ("command -v a", "command -v a"),
        ("busybox httpd -f", "httpd -f"),
    ];
    let got = cases.map(|(source, _)| (source, shown(&Effective::of_shell(&text(source)))));
    let wrong: Vec<_> = got.iter().zip(cases).filter(|((_, got), (_, expected))| got != expected).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What is taken for no wrapper by its name alone starts itself.
    for (source, _) in cases {
        let script = shell::parse(&text(source));
        let named = |name: &str, args: &[Word]| (name.to_owned(), args.iter().map(|word| word.text.clone()).collect());
        let quick: Vec<(String, Vec<Text>)> =
            Unwrapped::of(&script).programs(&script).map(|(_, program)| named(program.name, program.args)).collect();
        let argvs = script.commands.iter().filter_map(Argv::command);
        let slow = argvs.flat_map(|argv| Effective::of_argv(&argv).commands);
        assert_eq!(quick, slow.map(|simple| named(&simple.name, &simple.args)).collect::<Vec<_>>(), "{source}");
    }
}

#[test]
fn every_word_stays_at_its_place_in_the_file() {
    let source = r#"gosu app sh -c "exec env A=\"b c\" uvicorn 'app:main' --reload""#;
    let effective = Effective::of_shell(&text(source));
    let [uvicorn] = effective.commands.as_slice() else { panic!("{effective:?}") };
    let at = |span: Span| &source[span.range()];
    assert_eq!(at(uvicorn.program.text.span), "uvicorn");
    assert_eq!(at(uvicorn.args[0].text.span), "'app:main'");
    assert_eq!(at(uvicorn.args[1].text.span), "--reload");
    assert_eq!(at(uvicorn.span), "uvicorn 'app:main' --reload");
    assert_eq!(at(uvicorn.assignments[0].name.span), "A");
    assert_eq!(uvicorn.assignments[0].value.text.value, "b c");
    assert_eq!(at(effective.dropped_to.unwrap().text.span), "app");
    assert_eq!(*effective.through, ["gosu", "sh", "exec", "env"]);
    assert_eq!(uvicorn.through, effective.through);
}

#[test]
fn exec_form_is_taken_as_it_is() {
    let source = r#"["/bin/sh", "-c", "a $X && b"]"#;
    let element = |written: &str| {
        let start = source.find(written).unwrap();
        Text::verbatim(written, Span::new(FileId(0), start..start + written.len()))
    };
    let effective = Effective::of_exec(&[element("/bin/sh"), element("-c"), element("a $X && b")]);
    assert_eq!(shown(&effective), "a $X; b");
    assert_eq!(&source[effective.commands[1].span.range()], "b");
    assert_eq!(shown(&Effective::of_exec(&[text("echo"), text("$X")])), "echo $X");
    assert!(Effective::of_exec(&[text("$X")]).commands[0].program.literal);
    assert!(Effective::of_exec(&[]).commands.is_empty());
}

#[test]
fn supervisor_commands_are_split_as_shlex_does() {
    let cases: &[(&str, &[(&str, bool)])] = &[
        ("/bin/sh -c \"a && b\"", &[("/bin/sh", true), ("-c", true), ("a && b", true)]),
        ("a\n  'b \\'c \"d\\\"\\e\"", &[("a", true), ("b \\c", true), ("d\"\\e", true)]),
        ("a %(ENV_X)s | ''", &[("a", true), ("%(ENV_X)s", false), ("|", true), ("", true)]),
        ("a\\ b 'open é", &[("a b", true), ("open é", true)]),
        ("\\é \\", &[("é", true), ("", true)]),
    ];
    for (source, expected) in cases {
        let argv = Argv::supervisor(&text(source)).unwrap();
        let words: Vec<_> = argv.words.iter().map(|word| (word.text.as_str(), word.literal)).collect();
        assert_eq!(words, *expected, "{source}");
    }
    let source = "gosu app python -m 'celery' -A x";
    let effective = Effective::of_supervisor(&text(source));
    assert_eq!(shown(&effective), "celery -A x as app");
    assert_eq!(&source[effective.commands[0].program.text.span.range()], "'celery'");
    assert!(Argv::supervisor(&text("  ")).is_none());
}

#[test]
fn flags_are_found_in_every_spelling() {
    let one = |source: &str| Effective::of_shell(&text(source)).commands.remove(0);
    for (source, expected) in [
        ("curl -k x", true),
        ("curl -fsSLk x", true),
        ("curl --insecure x", true),
        ("curl --insecure=true x", true),
        ("curl -fsSL x", false),
        ("curl -okernel x", false),
        ("curl --insecurely x", false),
        ("curl -- -k", false),
        ("curl x k", false),
    ] {
        assert_eq!(one(source).has_flag(&["-k", "--insecure"]), expected, "{source}");
    }
    for (source, expected) in [
        ("gunicorn --bind 0:80 a", Some("0:80")),
        ("gunicorn --bind=0:80 a", Some("0:80")),
        ("gunicorn -b 0:80 a", Some("0:80")),
        ("gunicorn -b0:80 a", Some("0:80")),
        ("gunicorn -Rb 0:80 a", Some("0:80")),
        ("gunicorn -Rb0:80 a", Some("0:80")),
        ("gunicorn -wb a", None),
        ("gunicorn --binding x a", None),
        ("gunicorn a -- -b x", None),
        ("gunicorn a -b", None),
    ] {
        let value = one(source).option(&["--bind", "-b"]);
        assert_eq!(value.as_ref().map(|word| word.text.as_str()), expected, "{source}");
        if let Some(word) = value {
            assert_eq!(&source[word.text.span.range()], "0:80");
        }
    }
    let curl = one("curl -o f -s a -- -b");
    let positional: Vec<_> = curl.positional(&["-o"]).into_iter().map(|word| word.text.as_str()).collect();
    assert_eq!(positional, ["a", "-b"]);
}

#[test]
fn hostile_command_lines_take_linear_time() {
    let cases = |size: usize| {
        let filled = |unit: &str| unit.repeat(size / unit.len());
        let mut nested = "a".to_owned();
        for _ in 0..12 {
            nested = format!("sh -c {:?} \"$@\" \"$@\"", nested);
            nested.truncate(size);
        }
        let cases = [
            filled("nice "),
            filled("env A=b ") + "x",
            filled("sh -c "),
            format!("sh -c '{}'", filled("a;")),
            filled("sh -c 'sh -c \"$@\" \"$@\" \"$@\"' x y z; "),
            nested,
            filled("f() { f; }; "),
            filled("eval "),
            format!("{} sh -c '{}'", "A=b ".repeat(size / 12), "a;".repeat(size / 3)),
        ];
        cases.map(|source| (source[..30].to_owned(), source)).into()
    };
    effort::assert_linear(60_000, 2 << 20, cases, |source: &String| {
        Effective::of_shell(&text(source));
        Effective::of_supervisor(&text(source));
    });
}

/// Words of command lines, so that what is put together at random runs through many wrappers.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "sh -c ",
        "bash -lc ",
        "'",
        "\"",
        "\\\"",
        "exec ",
        "env ",
        "A=b ",
        "tini -- ",
        "gosu ",
        "app ",
        "su -c ",
        "-- ",
        "-u ",
        "--user=x ",
        "timeout ",
        "uv run ",
        "npm run ",
        "yarn ",
        "python -m ",
        "-m ",
        "start-stop-daemon --exec ",
        "\"$@\" ",
        "capsh -- ",
        "eval ",
        "$(",
        ")",
        "; ",
        "f() { ",
        "}",
        "é",
        "-é",
        "=",
        "-",
        "%(x)s ",
        "\n",
        "\\",
        "wait-for x -- ",
        "init ",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_command_line_gives_spans_inside_it(source in pieces()) {
        for effective in [Effective::of_shell(&text(&source)), Effective::of_supervisor(&text(&source))] {
            for command in &effective.commands {
                prop_assert!(source.get(command.span.range()).is_some());
                command.has_flag(&["-u", "--user"]);
                let option = command.option(&["-u", "-m", "--user"]);
                for word in command.args.iter().chain(&option).chain(command.assignments.iter().map(|a| &a.value)) {
                    prop_assert!(source.get(word.text.span.range()).is_some());
                }
            }
            for script in &effective.package_scripts {
                prop_assert!(source.get(script.span.range()).is_some());
            }
        }
    }
}
