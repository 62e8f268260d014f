use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::effort;

const FILE: FileId = FileId(0);

fn read(text: &str) -> Yaml {
    let yaml = parse(FILE, text);
    assert!(yaml.errors.is_empty() && yaml.duplicate_keys.is_empty(), "{text:?}: {yaml:?}");
    yaml
}

fn errors(text: &str) -> Vec<(String, String)> {
    let yaml = parse(FILE, text);
    let all = yaml.errors.iter().chain(&yaml.duplicate_keys);
    all.map(|error| (error.message.clone(), text[error.span.range()].to_owned())).collect()
}

/// The tree in one line, with what stands at each scalar's span.
fn show(text: &str, node: &Node) -> String {
    let mut shown = String::new();
    match &node.value {
        Value::Scalar(scalar) => {
            let _ = write!(shown, "{:?}", scalar.text.as_str());
            if scalar.text.as_str() != &text[node.span.range()] {
                let _ = write!(shown, "@{:?}", &text[node.span.range()]);
            }
        }
        Value::Sequence(items) => {
            let items: Vec<_> = items.iter().map(|item| show(text, item)).collect();
            let _ = write!(shown, "[{}]", items.join(", "));
        }
        Value::Mapping(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|entry| format!("{}: {}", show(text, &entry.key), show(text, &entry.value)))
                .collect();
            let _ = write!(shown, "{{{}}}", entries.join(", "));
        }
    }
    if let Some(alias) = node.alias {
        let _ = write!(shown, " via {}", &text[alias.range()]);
    }
    shown
}

#[test]
fn values_and_spans_of_every_style_are_exact() {
    for (text, expected) in [
        ("a: b", r#"{"a": "b"}"#),
        ("\u{feff}a: b", r#"{"a": "b"}"#),
        ("a: b # c", r#"{"a": "b"}"#),
        ("a: 'it''s'  # c", r#"{"a": "it's"@"'it''s'"}"#),
        ("a: \"x\\ty\\u00e9\\x41\"", r#"{"a": "x\tyéA"@"\"x\\ty\\u00e9\\x41\""}"#),
        ("a: b\n  c\n\n  d\n", r#"{"a": "b c\nd"@"b\n  c\n\n  d"}"#),
        ("a: \"b\n  c\\\n  d\n\n  e\"\n", r#"{"a": "b cd\ne"@"\"b\n  c\\\n  d\n\n  e\""}"#),
        ("a: |\n  b\n   c\n\n  d\n\ne: f", r#"{"a": "b\n c\n\nd\n"@"|\n  b\n   c\n\n  d\n", "e": "f"}"#),
        ("a: |- # c |\n  b\n\n", r#"{"a": "b"@"|- # c |\n  b"}"#),
        ("a: |+\n  b\n\nc: d", r#"{"a": "b\n\n"@"|+\n  b\n\n", "c": "d"}"#),
        ("a: |2-\n   b\n", r#"{"a": " b"@"|2-\n   b"}"#),
        ("a: >\n  b\n  c\n\n  d\n   e\n  f\n", r#"{"a": "b c\nd\n e\nf\n"@">\n  b\n  c\n\n  d\n   e\n  f\n"}"#),
        ("a: |\n  b", r#"{"a": "b"@"|\n  b"}"#),
        ("a: |\r\n  b\r\n  c\r\n", r#"{"a": "b\nc\n"@"|\r\n  b\r\n  c\r\n"}"#),
        ("a: |\nb: c", r#"{"a": ""@"|", "b": "c"}"#),
        ("- &x |\n a\n- *x\n", r#"["a\n"@"|\n a\n", "a\n"@"|\n a\n" via *x]"#),
        ("a:\nb: ~\nc: null\n", r#"{"a": "", "b": "~", "c": "null"}"#),
        ("{a, b: , c: [x, 'y']}", r#"{"a": "", "b": "", "c": ["x", "y"@"'y'"]}"#),
        ("? a\n: b\n", r#"{"a": "b"}"#),
        ("a: \"b\n c\"\n", r#"{"a": "b c"@"\"b\n c\""}"#),
    ] {
        let yaml = read(text);
        assert_eq!(show(text, &yaml.documents[0]), expected, "{text:?}");
    }
}

#[test]
fn every_byte_of_a_value_finds_its_place() {
    let text = "a: \"x\\u00e9y\\n z\"\nb: |\n    one\n    two $V\nc: 'it''s $V'\n";
    let yaml = read(text);
    let place = |key: &str, part: &str| {
        let value = &yaml.documents[0].get(key).unwrap().scalar().unwrap().text;
        let at = value.value.find(part).unwrap();
        value.span_of(at..at + part.len())
    };
    for (key, part, expected) in
        [("a", "y", "y"), ("a", "z", "z"), ("b", "two $V", "two $V"), ("b", "$V", "$V"), ("c", "s $V", "s $V")]
    {
        assert_eq!(&text[place(key, part).range()], expected);
    }
    let short = "[\"\\Lé\", 'é']";
    let value = &read(short).documents[0].items()[0].scalar().unwrap().text.clone();
    assert_eq!(
        ["\u{2028}", "é"].map(|part| &short
            [value.span_of(value.value.find(part).unwrap()..value.value.find(part).unwrap() + part.len()).range()]),
        ["\\L", "é"]
    );
    assert_eq!(place("a", "\n").start as usize, text.find("\\n").unwrap());
    assert_eq!(place("a", "é").start as usize, text.find("\\u").unwrap());
}

#[test]
fn collections_span_from_their_first_to_their_last_byte() {
    let text = "a: &x !!map\n  b: [1, 2 ]\n  c:\n  - d\n  - e # f\ng: h\n";
    let yaml = read(text);
    let slice = |node: &Node| &text[node.span.range()];
    let root = &yaml.documents[0];
    let a = root.get("a").unwrap();
    assert_eq!(slice(root), text.trim_end());
    assert_eq!(slice(a), "b: [1, 2 ]\n  c:\n  - d\n  - e");
    assert_eq!(a.tag.as_deref(), Some("!!map"));
    assert_eq!(slice(a.get("b").unwrap()), "[1, 2 ]");
    assert_eq!(slice(a.get("c").unwrap()), "- d\n  - e");
    assert_eq!(&text[yaml.comments[0].range()], "# f");
}

#[test]
fn aliases_and_merges_are_resolved_with_both_places() {
    for (text, expected) in [
        ("a: &x {b: 1}\nc: *x\n", r#"{"a": {"b": "1"}, "c": {"b" via *x: "1" via *x} via *x}"#),
        (
            "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n",
            r#"{"a": {"b": "1", "c": "2"}, "d": {"c": "3", "b" via *x: "1" via *x}}"#,
        ),
        // Of several, the earlier wins.
        (
            "x: &x {a: 1}\ny: &y {a: 2, b: 3}\nz: {<<: [*x, *y]}\n",
            r#"{"x": {"a": "1"}, "y": {"a": "2", "b": "3"}, "z": {"a" via *x: "1" via *x, "b" via *y: "3" via *y}}"#,
        ),
        ("a: {<<: {b: 1}}", r#"{"a": {"b" via <<: "1" via <<}}"#),
        // Only a plain one merges.
        ("a: &x {b: 1}\nc: {\"<<\": 2}\n", r#"{"a": {"b": "1"}, "c": {"<<"@"\"<<\"": "2"}}"#),
        ("&k a: b\n*k : c\n", r#"{"a": "b", "a" via *k: "c"}"#),
        ("a: &x\nb: *x\n", r#"{"a": "", "b": "" via *x}"#),
    ] {
        let yaml = read(text);
        assert_eq!(show(text, &yaml.documents[0]), expected, "{text:?}");
    }
    // The outermost use counts.
    let text = "a: &a {k: 1}\nb: &b\n  <<: *a\nc:\n  <<: *b\n";
    let yaml = read(text);
    let merged = &yaml.documents[0].get("c").unwrap().entries()[0];
    assert_eq!(merged.key.place(), merged.value.place());
    assert_eq!(&text[merged.value.place().range()], "*b");
    assert_eq!(&text[merged.value.span.range()], "1");
}

#[test]
fn what_go_yaml_refuses_is_an_error_at_its_place() {
    for (text, message, place) in [
        ("a: 1\nb: 2\na: 3\n", "key `a` is already defined in this mapping", "a"),
        ("{<<: {a: 1}, <<: {b: 1}}", "key `<<` is already defined in this mapping", "<<"),
        ("{<<: b}", "`<<` takes a mapping or a list of mappings", "b"),
        ("a: *x", "unknown anchor `x`", "*x"),
        ("a: &a [*a]", "anchor `a` contains itself", "*a"),
        ("a: {{ b }}", "a mapping or list cannot be a key", "{ b }"),
        ("a: 1\n...\nb: 2\n", "a document after `...` needs a `---` before it", "b: 2"),
        ("%YAML 1.2\n---\na: b\n", "Compose reads YAML 1.1 only", "---"),
        ("a: \"\\ud800\\udc00\"", "this escape is not a character", "\\ud800"),
        ("a: b: c", "mapping values are not allowed in this context", ": c"),
        ("a: @b", "unexpected character: `@'", "@b"),
    ] {
        assert_eq!(errors(text), [(message.to_owned(), place.to_owned())], "{text:?}");
    }
    // Beyond a few keys, duplicates are found in another way.
    let mut many: String = (0..100).map(|key| format!("k{key}: 1\n")).collect();
    many.push_str("k7: 2\n");
    assert_eq!(errors(&many).len(), 1);
    assert_eq!(parse(FILE, &many).documents[0].get("k7").and_then(Node::as_str), Some("2"));
}

#[test]
fn reading_goes_on_behind_a_broken_document() {
    let text = "a: [1\n---\nb: 2 # x\n---\nc: d: e\n---\nf: g\n";
    let yaml = parse(FILE, text);
    assert_eq!(yaml.errors.len(), 2);
    let shown: Vec<_> = yaml.documents.iter().map(|document| show(text, document)).collect();
    assert_eq!(shown, [r#"{"b": "2"}"#, r#"{"f": "g"}"#]);
    assert_eq!(yaml.comments.len(), 1);
    assert!(read("").documents.is_empty() && read("# only\n").documents.is_empty());
}

/// Each of these hides a key from a reader of YAML 1.2 that Compose sees.
#[test]
fn line_breaks_that_only_go_yaml_sees_are_line_breaks() {
    for hidden in ["\u{85}", "\u{2028}", "\u{2029}"] {
        for before in ["image: x", "image: \"x\"", "image: x # note"] {
            let text = format!("a:\n  {before}{hidden}  privileged: true\n");
            let yaml = read(&text);
            let value = yaml.documents[0].get("a").and_then(|a| a.get("privileged")).unwrap();
            assert_eq!(&text[value.span.range()], "true");
            let at = text.find(hidden).unwrap();
            assert_eq!(yaml.hidden_line_breaks, [Span::new(FILE, at..at + hidden.len())]);
        }
    }
    // As libyaml folds them: U+0085 like a line feed, the others stay.
    for (text, expected) in [
        ("a: \"b\u{85}c\"", "b c"),
        ("a: \"b\u{2028} c\"", "b\u{2028}c"),
        ("a: |\n  b\u{2029}  c\n", "b\u{2029}c\n"),
        ("a: |\n  b\u{85}  c\n", "b\nc\n"),
    ] {
        assert_eq!(read(text).documents[0].get("a").and_then(Node::as_str), Some(expected), "{text:?}");
    }
}

#[test]
fn what_go_yaml_accepts_and_yaml_1_2_does_not_is_read() {
    for (text, expected) in [
        ("a:\n  b: \"x\ny\"\n", r#"{"a": {"b": "x y"@"\"x\ny\""}}"#),
        ("a:\n  b: 'x\n\n y\nz'\n", r#"{"a": {"b": "x\ny z"@"'x\n\n y\nz'"}}"#),
        ("a: \"b\"#c\nd: e\n", r#"{"a": "b"@"\"b\"", "d": "e"}"#),
        ("a: [\n\tb, c ]\n", r#"{"a": ["b", "c"]}"#),
        ("a: [\n\"b\",\n]\n", r#"{"a": ["b"@"\"b\""]}"#),
    ] {
        assert_eq!(show(text, &read(text).documents[0]), expected, "{text:?}");
    }
    let text = "a: \"b\"#c\nd: e #f\n";
    let comments: Vec<_> = read(text).comments.iter().map(|comment| text[comment.range()].to_owned()).collect();
    assert_eq!(comments, ["#c", "#f"]);
}

#[test]
fn long_keys_and_long_runs_of_comments_are_read() {
    let key = "k".repeat(5000);
    assert_eq!(read(&format!("\"{key}\": v")).documents[0].get(&key).and_then(Node::as_str), Some("v"));
    let text = format!("a:\n{}  - b\n", "  # c\n".repeat(500));
    assert_eq!(read(&text).comments.len(), 500);
}

#[test]
fn scalars_have_the_types_that_go_yaml_gives_them() {
    use ScalarType::{Bool, Float, Int, Merge, Null, String as Str, Timestamp};
    for (kind, texts) in [
        (Null, "~ null Null NULL"),
        (Bool, "true True TRUE false False FALSE"),
        (Int, "0 1 20010101 +12 -3 0o17 017 0755 0x1F 0X1f 0b11 -0b11 1_000 18446744073709551615 -9223372036854775808"),
        (Float, "1.10 1e3 .5 -.5 1. .inf -.Inf +.INF .nan 08 18446744073709551616 1_0.5"),
        (Timestamp, "2001-01-01 2001-1-2 2001-12-14T21:59:43.10-05:00 2001-12-14t21:59:43Z"),
        (Merge, "<<"),
        (Str, "yes no on off y n Yes 22:22 80:80 1:30:00 8080/tcp 0x 0b2 tRUE nULL 1e 1.2.3 - + . .e1 ++1 0x+1 1e999 "),
        (Str, "2001-02-30 2001-13-01 2001-01 2001-01-01T00:00:00 a1 _1 nan inf = ! 1-2"),
    ] {
        for text in texts.split(' ').filter(|text| !text.is_empty()) {
            assert_eq!(ScalarType::of_plain(text), kind, "{text:?}");
        }
    }
    assert_eq!(ScalarType::of_plain(""), Null);
    let yaml = read("[!!str 1, '1', !!int 1, !b 1, !reset null, ! 1]");
    let types: Vec<_> = yaml.documents[0].items().iter().filter_map(Node::scalar_type).collect();
    assert_eq!(types, [Str, Str, Int, ScalarType::Other, Null, Str]);
}

/// Inputs of about `size` bytes, and whether they are refused at 100,000.
fn hostile(size: usize) -> Vec<(String, (String, bool))> {
    let bomb = |width: usize, levels: usize| {
        let mut text = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..levels {
            let items = vec![format!("*a{}", level - 1); width].join(", ");
            let _ = writeln!(text, "a{level}: &a{level} [{items}]");
        }
        text
    };
    let levels = 1..size / 50;
    let chain: String = levels.clone().map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1)).collect();
    let merges: String = levels.map(|level| format!("a{level}: &a{level} {{<<: *a{}}}\n", level - 1)).collect();
    let repeated = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(size), vec!["*a"; size / 5].join(", "));
    let quotes: String = (0..size / 33).map(|key| format!("k{key}:\n  a: \"x\ny\"\n")).collect();
    let cases = [
        ("open brackets", "[".repeat(size), true),
        ("brackets", "[".repeat(size) + &"]".repeat(size), true),
        ("open brackets in a mapping", "a: ".to_owned() + &"[".repeat(size), true),
        ("braces", "{a: ".repeat(size), true),
        ("dashes", "- ".repeat(size), true),
        ("block mappings", (0..(45 * size).isqrt()).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), true),
        ("both kinds", "- ".repeat(250) + &"[".repeat(250) + &"]".repeat(250), true),
        ("alias bomb", bomb(9, 9), true),
        ("deep alias bomb", bomb(2, 30), true),
        ("alias chain", "a0: &a0 [x]\n".to_owned() + &chain, true),
        ("merge chain", "a0: &a0 {x: y}\n".to_owned() + &merges, true),
        ("long scalar, often", repeated, true),
        ("anchors", (0..size / 2).map(|anchor| format!("- &a{anchor} x\n")).collect(), false),
        ("items", "- x\n".repeat(2 * size), true),
        ("long scalar", format!("a: \"{}\"", "x \\n".repeat(5 * size)), false),
        ("open quote", format!("a: \"{}", "x\n ".repeat(size)), true),
        ("comments", "# x\n".repeat(size), false),
        ("keys", (0..2 * size / 5).map(|key| format!("k{key}: v\n")).collect(), false),
        ("repairs", quotes, true),
        ("hidden line breaks", "a: b\u{2028}".repeat(size / 2), true),
        ("colons", ": ".repeat(size / 2), true),
        ("questions", "? ".repeat(size / 2), true),
    ];
    cases.map(|(name, text, refused)| (name.to_owned(), (text, refused))).into()
}

#[test]
fn hostile_input_takes_linear_time_and_a_small_stack() {
    const STACK: usize = 512 << 10;
    for (name, (text, refused)) in hostile(100_000) {
        let run = move || parse(FILE, &text);
        let yaml = std::thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
        assert_eq!(!yaml.errors.is_empty() || !yaml.duplicate_keys.is_empty(), refused, "{name}");
    }
    effort::assert_linear(100_000, STACK, hostile, |(text, _)| {
        let yaml = parse(FILE, text);
        let copy = yaml.documents.clone();
        drop(copy);
    });
}

#[test]
fn a_quoted_scalar_holds_no_mark_of_a_document() {
    for (text, refused) in [
        ("a: '\n--- b'", true),
        ("a: \"b\r\n...\r\n\"", true),
        ("a: 'b\u{2028}\n--- ~\nc'", true),
        ("a: '\n---b'", false),
        ("a: '\n ---\n'", false),
        ("a: 'b\nc\n'", false),
    ] {
        assert_eq!(!parse(FILE, text).errors.is_empty(), refused, "{text:?}");
    }
}

#[test]
fn a_line_break_of_two_bytes_has_its_own_place() {
    for (text, value) in [
        ("a: \"b\u{85}\u{85}${C}\"", "b\n${C}"),
        ("a: |\n  b\u{85}  c\n", "b\nc\n"),
        ("a: b\u{85} c", "b c"),
        ("a: b\r\n  c", "b c"),
    ] {
        check_scalars(text);
        let yaml = parse(FILE, text);
        let read = &yaml.documents[0].get("a").and_then(Node::scalar).expect("a scalar").text;
        assert_eq!(read.as_str(), value);
        let at = value.find(['\n', ' ']).expect("a line break");
        let expected = if text.contains('\r') { "\r\n" } else { "\u{85}" };
        // All of the first one is folded away where another follows.
        assert!(text[..read.span_of(at..at + 1).end as usize].ends_with(expected), "{text:?}");
        assert!(text[..read.slice(0..at + 1).span.end as usize].ends_with(expected), "{text:?}");
    }
}

#[test]
fn an_escape_that_is_shorter_than_what_it_means_has_its_own_place() {
    let text = "a: \"\\L\u{85}\u{85}b\"";
    check_scalars(text);
    let yaml = parse(FILE, text);
    let value = yaml.documents[0].get("a").and_then(Node::scalar).expect("a scalar");
    assert_eq!(value.text.as_str(), "\u{2028}\nb");
    assert_eq!(&text[value.text.span_of(0..3).range()], "\\L");
}

/// Every scalar's text, read again on its own, gives its value.
fn check_scalars(text: &str) {
    let yaml = parse(FILE, text);
    let mut pending: Vec<&Node> = yaml.documents.iter().collect();
    while let Some(node) = pending.pop() {
        assert!(text.get(node.span.range()).is_some(), "{text:?}: {node:?}");
        match &node.value {
            Value::Sequence(items) => pending.extend(items),
            Value::Mapping(entries) => pending.extend(entries.iter().flat_map(|entry| [&entry.key, &entry.value])),
            Value::Scalar(scalar) => {
                let value = scalar.text.as_str();
                for (at, character) in value.char_indices() {
                    let span = scalar.text.span_of(at..at + character.len_utf8());
                    assert!(text.get(span.range()).is_some(), "{text:?}: {character:?} at {span:?}");
                    assert!(node.span.contains(span), "{text:?}: {character:?} of {node:?} at {span:?}");
                }
                // A block scalar's lines keep their indentation only together with its header's line.
                let block = matches!(scalar.style, Style::Literal | Style::Folded);
                if block || node.span.is_empty() {
                    continue;
                }
                // The value may continue at any column inside of brackets.
                let again = parse(FILE, &format!("[{}]", &text[node.span.range()]));
                let read = again.documents.first().and_then(|list| list.items().first()).and_then(Node::as_str);
                let simple = scalar.style != Style::Plain
                    || value != "-" && !value.contains([',', '[', ']', '{', '}', '?', '#', ':']);
                if simple {
                    assert_eq!(read, Some(value), "{text:?}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_scalar_is_read_again_from_its_span(
        text in r#"([ab\-]{0,3}(: |:\n +|- |\n|\n  )(["'][a-cLP '\\n\n\u{85}é]{0,8}["']|[|>][-+]?\n  [a-c \n\u{85}]{0,8}|[a-c é]{0,6}|\[[ab, "'\n]{0,6}\]|&x a|\*x|# [a-c]{0,3}|~)[\n \u{2028}]{0,2}){0,6}"#
    ) {
        check_scalars(&text);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[ab:\\-\\[\\]{},&*!|>'\"%@`#?~<=.\\\\ \t\r\n\u{85}\u{2028}é$0]{0,60}") {
        let yaml = parse(FILE, &text);
        for error in yaml.errors.iter().chain(&yaml.duplicate_keys) {
            prop_assert!(text.get(error.span.range()).is_some());
        }
        for comment in &yaml.comments {
            prop_assert!(text[comment.range()].starts_with('#'));
        }
    }
}
