//! Tests of the nginx front end.

use proptest::prelude::*;

use super::*;
use crate::effort;

const FILE: FileId = FileId(7);

/// The directives as `name|argument|…;` and `name|argument|…{…}`, `Lua` for a Lua block.
fn outline(directives: &[Directive]) -> String {
    let mut out = String::new();
    for directive in directives {
        out += &directive.name.value;
        for argument in &directive.arguments {
            out.push('|');
            out += &argument.text.value;
        }
        match directive.block.as_deref() {
            None => out.push(';'),
            Some(Block { lua: Some(lua), .. }) => out += &format!("{{Lua {}}}", lua.value),
            Some(block) => out += &format!("{{{}}}", outline(&block.directives)),
        }
    }
    out
}

fn messages(config: &Nginx) -> Vec<&str> {
    config.errors.iter().map(|error| error.message.as_str()).collect()
}

#[test]
fn words_are_split_and_unescaped_as_nginx_does() {
    for (text, expected) in [
        ("listen 80;", "listen|80;"),
        ("a\tb\r\n  c ;", "a|b|c;"),
        ("a{b;}c{}", "a{b;}c{}"),
        (r#"a "b c" 'd;{}#e' f;"#, "a|b c|d;{}#e|f;"),
        (r#"a "b\"c" 'd\'e' \"f \' g;"#, r#"a|b"c|d'e|"f|'|g;"#),
        (r"a \\ \t \r \n \d \. \$x;", "a|\\|\t|\r|\n|\\d|\\.|\\$x;"),
        (r"a b\ c\;d\{e;", r"a|b\ c\;d\{e;"),
        ("a ${b}c$d ${{x} $;", "a|${b}c$d|${{x}|$;"),
        ("a b#c d}e #f;\n;", "a|b#c|d}e;"),
        ("if ($a ~ \"x{2}\") {}", "if|($a|~|x{2}|){}"),
        ("a \"b\"{}", "a|b{}"),
        ("'a' '' \"\";", "a||;"),
        ("a it's b\"c;", "a|it's|b\"c;"),
        ("a 'b\n c';", "a|b\n c;"),
        ("a é漢 '\u{85}\u{a0}';", "a|é漢|\u{85}\u{a0};"),
        ("a\u{a0}b;", "a\u{a0}b;"),
    ] {
        let config = parse(FILE, text);
        assert_eq!(outline(&config.directives), expected, "{text}");
        assert_eq!(messages(&config), [""; 0], "{text}");
    }
}

#[test]
fn spans_cover_what_was_written() {
    let text = "# c\r\nserver { # d\n  add_header 'X y' \"a\\\"b\" ${c}d;\n}\n";
    let config = parse(FILE, text);
    let slice = |span: Span| &text[span.range()];
    let server = &config.directives[0];
    let header = &server.children()[0];
    assert_eq!(config.comments.iter().map(|&span| slice(span)).collect::<Vec<_>>(), ["# c", "# d"]);
    assert_eq!(slice(server.span), "server {");
    assert_eq!(slice(server.block.as_ref().unwrap().span), &text[text.find('{').unwrap()..text.len() - 1]);
    assert_eq!(slice(header.span), "add_header 'X y' \"a\\\"b\" ${c}d;");
    assert_eq!(slice(header.name.span), "add_header");
    let arguments: Vec<_> = header.arguments.iter().map(|a| (slice(a.text.span), a.text.as_str(), a.quoted)).collect();
    assert_eq!(arguments, [("'X y'", "X y", true), ("\"a\\\"b\"", "a\"b", true), ("${c}d", "${c}d", false)]);
    assert_eq!(slice(header.arguments[0].text.span_of(2..3)), "y");
    assert_eq!(slice(header.arguments[1].text.span_of(2..3)), "b");
    assert_eq!(header.span.file, FILE);
}

#[test]
fn directives_are_found_by_name_and_with_the_blocks_around_them() {
    let config = parse(FILE, "http { server { listen 80; listen 81; location / { root /x; } } } events {}");
    let seen: Vec<String> = config
        .walk()
        .map(|visit| {
            let parents: Vec<&str> = visit.parents.iter().map(|parent| parent.name.as_str()).collect();
            format!("{}>{}", parents.join(">"), visit.directive.name.value)
        })
        .collect();
    let server = "http>server>";
    let expected = [">http", "http>server", &format!("{server}listen"), &format!("{server}listen")];
    assert_eq!(seen[..4], expected);
    assert_eq!(seen[4..], [&format!("{server}location"), "http>server>location>root", ">events"]);
    let server = config.walk().find(|visit| visit.directive.is("server")).unwrap().directive;
    let ports: Vec<_> = server.block.as_ref().unwrap().find("listen").map(|listen| listen.argument(0)).collect();
    assert_eq!(ports, [Some("80"), Some("81")]);
    assert_eq!(server.argument(0), None);
    let root = config.walk().find(|visit| visit.directive.is("root")).unwrap();
    assert!(root.is_in("http") && !root.is_in("events") && root.parent().unwrap().is("location"));
}

#[test]
fn broken_directives_are_reported_and_the_rest_is_read() {
    for (text, expected, errors) in [
        ("a; } b;", "a;b;", vec![("}", "unexpected \"}\": no block is open")]),
        ("a { b } c;", "a{b;}c;", vec![("}", "unexpected \"}\": no \";\" ends the directive \"b\"")]),
        ("; a;", "a;", vec![(";", "unexpected \";\"")]),
        ("{ a; } b;", "{a;}b;", vec![("{", "unexpected \"{\"")]),
        ("a b", "a|b;", vec![("", "the file ends before the \";\" of the directive \"a\"")]),
        ("a { b; c {", "a{b;c{}}", vec![("{", "the file ends before the \"}\" of the block \"c\"")]),
        ("a 'b'c d;", "a|b|c|d;", vec![("c", "'c' directly after the quote that closes \"b\"")]),
        ("a 'b;\nc 'd';", "a|b;c|d;", vec![("'", "quote that is not closed")]),
        ("a 'b\nc d;", "a|b;c|d;", vec![("'", "quote that is not closed")]),
        ("a 'b {\nc d; }", "a|b{c|d;}", vec![("'", "quote that is not closed")]),
        ("root /a\nlocation / {}", "root|/a;location|/{}", vec![("", "no \";\" ends the directive \"root\"")]),
        (
            "root /a\nindex b\nreturn 404;",
            "root|/a;index|b|return|404;",
            vec![("", "no \";\" ends the directive \"root\"")],
        ),
        ("listen 80\nserver_name a;", "listen|80;server_name|a;", vec![("", "no \";\" ends the directive \"listen\"")]),
        ("a {{ b }}.c;", "a|{{ b }}|.c;", vec![("{{ b }}", "template tag, which nginx cannot read")]),
        ("{% if x %}\na;", "a;", vec![("{% if x %}", "template tag, which nginx cannot read")]),
        ("\u{feff}a;", "a;", vec![("\u{feff}", "byte order mark, which nginx reads as a part of the first word")]),
        ("x_by_lua_block { '\n}\nb;", "x_by_lua_block{Lua  '\n}b;", vec![("{", "Lua block that is not closed")]),
    ] {
        let config = parse(FILE, text);
        assert_eq!(outline(&config.directives), expected, "{text}");
        let found: Vec<_> = config.errors.iter().map(|e| (&text[e.span.range()], e.message.as_str())).collect();
        assert_eq!(found, errors, "{text}");
    }
}

#[test]
fn words_that_only_resemble_a_missing_semicolon_are_left_as_nginx_reads_them() {
    for (text, expected) in [
        ("server_name a\nlisten 80;", "server_name|a|listen|80;"),
        ("log_format a\nroot 'b';", "log_format|a|root|b;"),
        ("root server { a; }", "root|server{a;}"),
        ("geo $a\nserver {}", "geo|$a|server{}"),
    ] {
        let config = parse(FILE, text);
        assert_eq!((outline(&config.directives).as_str(), messages(&config)), (expected, vec![]), "{text}");
    }
}

#[test]
fn placeholders_of_a_template_stand_for_whole_directives_when_alone_on_their_line() {
    let config = parse(FILE, "${A}\nserver {\n  ${B} # c\n  listen ${PORT};\n  ${NAME} x;\n}\n");
    assert_eq!(outline(&config.directives), "${A};server{${B};listen|${PORT};${NAME}|x;}");
    assert_eq!(messages(&config), [""; 0]);
}

#[test]
fn a_lua_block_ends_where_lua_says() {
    for source in [
        " a = { b = 1 } ",
        " a = '}' .. \"}\\\"}\" -- }\n",
        " --[[ } ]] a() --[==[ } ]] ]==] ",
        " a = [[ } ]] b = [=[ ]] } ]=] t[1] = t[ [[}]] ] ",
        " a = x[=y ",
        "",
    ] {
        let text = format!("content_by_lua_block {{{source}}} b;");
        let config = parse(FILE, &text);
        assert_eq!(outline(&config.directives), format!("content_by_lua_block{{Lua {source}}}b;"), "{source}");
        assert_eq!(messages(&config), [""; 0], "{source}");
        let block = config.directives[0].block.as_ref().unwrap();
        assert_eq!(&text[block.span.range()], format!("{{{source}}}"));
        assert_eq!(&text[block.lua.as_ref().unwrap().span.range()], source);
    }
}

#[test]
fn a_parameter_has_to_fit_into_nginx_s_buffer_with_what_ends_it() {
    let word = |length: usize| "x".repeat(length);
    for (text, fits) in [
        (format!("a {};", word(4095)), true),
        (format!("a {};", word(4096)), false),
        (format!("a {} ;", word(4094)), true),
        (format!("a {} ;", word(4095)), false),
        (format!("a '{}';", word(4094)), true),
        (format!("a '{}';", word(4095)), false),
        (format!("a '{}' ;", word(4093)), true),
        (format!("a '{}' ;", word(4094)), false),
        (format!("#{}\na;", word(4094)), true),
        (format!("#{}\na;", word(4095)), false),
        (format!("a;#{}", word(4095)), true),
        (format!("a;#{}", word(4096)), false),
        (format!("a {};", "é".repeat(2048)), false),
    ] {
        let config = parse(FILE, &text);
        assert_eq!(config.errors.is_empty(), fits, "{} bytes: {:?}", text.len(), messages(&config));
        assert_eq!(config.directives.len(), 1);
    }
    let latin1 = |count| Source::from_bytes("f", [b"a ".to_vec(), vec![0xe9; count], b";".to_vec()].concat());
    assert_eq!(parse_source(FILE, &latin1(4095)).errors.len(), 0);
    assert_eq!(parse_source(FILE, &latin1(4096)).errors.len(), 1);
}

#[test]
fn configs_are_told_from_other_files() {
    for text in [
        "server {}",
        "\u{feff}server {}",
        "server {\n listen 80;\n}",
        "location ~ \\.php$ {\n fastcgi_pass php:9000;\n}",
        "upstream a { server b:1; }",
        "map $a $b { default 1; x 2; }",
        "http {\n include mime.types;\n}",
        "events {}",
        "ssl_protocols TLSv1.3;\nssl_session_tickets off;",
        "add_header X-Content-Type-Options nosniff always;",
        "deny 192.0.2.1;\ndeny 2001:db8::/32;\nallow all;",
        "return 301 https://$host$request_uri;",
        "${A}\nserver { listen ${PORT}; }",
        "user nginx;\nworker_processes auto;\nevents { worker_connections 1024; }",
        "server {\n listen 80\n server_name a;\n}",
    ] {
        assert!(looks_like(text), "{text}");
    }
    for text in [
        "",
        "# only a comment; {",
        "[program:nginx]\ncommand=nginx -g 'daemon off;'\n;user=root\n",
        "<VirtualHost *:80>\n  RewriteRule ^/x{2};\n</VirtualHost>",
        "# bind 127.0.0.1 ;\nport 6379\nsave 900 1\n",
        "ssl = on ; TLS\nport = 5432;\n",
        "frontend a\n  bind *:80\n  http-request set-header X {y};\n",
        "FROM nginx\nRUN echo 'server { listen 80; }' > /etc/nginx/nginx.conf; true\n",
        "#!/bin/sh\nset -e;\nif [ -f a ]; then . a; fi\nexec nginx -g 'daemon off;'\n",
        "{ \"server\": { \"listen\": 80 } }",
        "options { directory \"/var\"; };\nzone \"a\" { type master; file \"b\"; };",
        "/var/log/x {\n  daily\n  rotate 7\n}",
        "server {\n  enabled = true\n}",
        "int main() { return 0; }",
        "user www-data; group www-data;",
    ] {
        assert!(!looks_like(text), "{text}");
    }
}

#[test]
fn hostile_files_are_read_in_linear_time_on_a_small_stack() {
    let cases = |size: usize| {
        let filled = |unit: &str| unit.repeat(size / unit.len());
        let cases = [
            ("nested", filled("a{")),
            ("nested and closed", "a{".repeat(size / 3) + &"}".repeat(size / 3) + "b;"),
            ("open quote", format!("a '{}", filled("x"))),
            ("open quote over lines", format!("a '{}", filled("x y;\n"))),
            ("a quote a line", filled("a '\n")),
            ("two kinds of quotes", filled("a '\na \"\n")),
            ("long line", format!("a {};", filled("x "))),
            ("open tags", filled("a {{")),
            ("open control tags", filled("{%")),
            ("only semicolons", filled(";")),
            ("only closing braces", filled("}")),
            ("open Lua blocks", filled("a_by_lua_block {[[\n")),
            ("open Lua blocks with braces", filled("a_by_lua_block {'\n}\n") + "'"),
            ("Lua brackets", format!("a_by_lua_block {{{}", filled("[="))),
            ("Lua levels", format!("a_by_lua_block {{[{}", filled("="))),
            ("missing semicolons", filled("root x\n") + ";"),
            ("missing semicolons before a block", filled("root x\n") + "location / {"),
        ];
        cases.map(|(name, text)| (name.to_owned(), text)).into()
    };
    effort::assert_linear(2_500_000, 256 << 10, cases, |text: &String| {
        let config = parse(FILE, text);
        assert!(config.walk().count() > 0 || !config.errors.is_empty());
        looks_like(text);
    });
}

#[test]
fn what_is_too_deep_or_never_ends_is_one_thing() {
    let count = |text: String| parse(FILE, &text).walk().count();
    assert_eq!(count("a{".repeat(100_000)), MAX_DEPTH);
    assert_eq!(count("a{".repeat(100_000) + &"}".repeat(100_000) + "b;"), MAX_DEPTH + 1);
    assert_eq!(count(format!("a '{}", "x".repeat(100_000))), 1);
    assert_eq!(count(format!("a {};", "x ".repeat(100_000))), 1);
}

#[test]
fn the_limit_for_latin1_is_found_in_linear_time() {
    let cases = |size: usize| {
        let bytes = b"a '\xe9\n".iter().copied().chain(std::iter::repeat_n(0xe9, 8)).cycle().take(size).collect();
        vec![("Latin-1".to_owned(), Source::from_bytes("f", bytes))]
    };
    effort::assert_linear(2_000_000, 256 << 10, cases, |source| drop(parse_source(FILE, source)));
}

fn check_spans(text: &str) -> Result<(), TestCaseError> {
    let config = parse(FILE, text);
    let slice = |span: Span| text.get(span.range());
    for error in &config.errors {
        prop_assert!(slice(error.span).is_some(), "{error:?}");
    }
    for &comment in &config.comments {
        prop_assert!(slice(comment).is_some_and(|comment| comment.starts_with('#')));
    }
    for visit in config.walk() {
        let directive = visit.directive;
        prop_assert!(slice(directive.span).is_some());
        if let Some(block) = &directive.block {
            let starts = slice(block.span).is_some_and(|block| block.starts_with('{'));
            prop_assert!(starts, "a block does not start with its brace");
        }
        let arguments = directive.arguments.iter().map(|argument| (&argument.text, argument.quoted));
        for (word, quoted) in arguments {
            let written = slice(word.span).expect("a span on character boundaries");
            prop_assert!(directive.span.contains(word.span));
            if !quoted && !written.contains('\\') {
                prop_assert_eq!(written, word.as_str());
            }
            for (at, character) in word.value.char_indices() {
                let place = word.span_of(at..at + character.len_utf8());
                prop_assert!(word.span.contains(place));
                let source = slice(place).expect("a span on character boundaries");
                prop_assert!(source.starts_with(character) || source.starts_with('\\'));
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_text_is_read_with_spans_inside_it(text in "\\PC*") {
        check_spans(&text)?;
    }

    #[test]
    fn any_mixture_of_syntax_is_read_with_spans_inside_it(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "server", "location", "a", " ", "\n", "\r\n", "{", "}", ";", "'", "\"", "\\", "#", "$", "${", "{{", "}}",
            "{%", "%}", "é", "漢", "(", ")", "_by_lua_block {", "[[", "]]", "--", "root /x\n", "\\n", "\\\"", "\u{feff}",
        ]), 0..60)
    ) {
        let text = pieces.concat();
        check_spans(&text)?;
        looks_like(&text);
    }

    #[test]
    fn quoted_words_come_back_as_they_were(words in prop::collection::vec("[^\\r]{0,20}", 1..6)) {
        let quoted = words.iter().map(|word| format!(" \"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")));
        let text = format!("name{};", quoted.collect::<String>());
        let config = parse(FILE, &text);
        let values: Vec<&str> = config.directives[0].arguments.iter().map(|a| a.text.as_str()).collect();
        prop_assert_eq!(values, words);
        prop_assert!(config.errors.is_empty());
    }
}
