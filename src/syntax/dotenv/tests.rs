use super::*;

const FILE: FileId = FileId(0);

fn value(text: &str) -> String {
    let dotenv = parse(FILE, text);
    assert!(dotenv.errors.is_empty(), "{text}: {:?}", dotenv.errors);
    let lookup = |name: &str| {
        let literal = dotenv.get(name)?.literal()?;
        Some(literal.to_owned())
    };
    dotenv
        .entries
        .last()
        .and_then(|entry| entry.value.as_ref())
        .map_or("(none)".into(), |value| value.resolve(&lookup).0)
}

#[test]
fn values_are_read_as_compose_reads_them() {
    for (text, expected) in [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("A: b", "b"),
        ("A:b=c", "b=c"),
        ("A=1:B", "1:B"),
        ("A=b=", "b="),
        ("export A=b", "b"),
        ("\texport\tA=b", "b"),
        ("exportA=b", "b"),
        ("A=", ""),
        ("A=\n", ""),
        ("A", "(none)"),
        ("A\nB=c\nD\n", "(none)"),
        ("\u{feff}A=b\r\n", "b"),
        ("A=b # c", "b"),
        ("A=b #", "b"),
        ("A=b#c", "b#c"),
        ("A=b\t#c", "b\t#c"),
        ("A= #c", "#c"),
        ("A='b#c' # d", "b#c"),
        ("A=\"b # c\"# d", "b # c"),
        ("A='it\\'s'", "it's"),
        ("A='a\\n\\\\ $B'", "a\\n\\\\ $B"),
        ("A=\"a\\n\\t\\\"b\\\" \\x\\\\\"", "a\n\t\"b\" \\x\\"),
        ("A=\"\\0123 \\012 \\0\"", "S \\012 \\0"),
        ("A=\"one\r\ntwo\"\r\n", "one\ntwo"),
        ("A=a\\tb", "a\\tb"),
        ("B=x\nA=${B}y", "xy"),
        ("B=x\nA=\"$B y\"", "x y"),
        ("B=x\nA=\"\\$B \\\\${B}\"", "$B \\x"),
        ("A=${C:-d}", "d"),
        ("A=pa$1word$", "pa$1word$"),
        ("a[1].b-c=d", "d"),
        ("ä=ö", "ö"),
        ("A=\"b\"B=c", "c"),
    ] {
        assert_eq!(value(text), expected, "{text:?}");
    }
}

#[test]
fn what_compose_refuses_is_said_and_the_next_line_is_read() {
    for (text, place) in [
        ("A B=c\nZ=1", "A B"),
        ("A%=c\nZ=1", "%"),
        ("A=\"b\nZ=1", "\"b"),
        ("A='b\\'\nZ=1", "'b\\'"),
        ("A=${b c}\nZ=1", "${"),
        ("lol$wut\nZ=1", "$"),
    ] {
        let dotenv = parse(FILE, text);
        let errors: Vec<_> = dotenv.errors.iter().map(|error| &text[error.span.range()]).collect();
        assert_eq!(errors, [place], "{text:?}");
        let last = dotenv.entries.last().map(|entry| &text[entry.span.range()]);
        assert_eq!(last, Some("Z=1"), "{text:?}");
    }
}

#[test]
fn spans_are_exact() {
    let text = "# one\nexport A = \"x\\ny${B}\" # two\n\nC=d # three\r\nE\n";
    let dotenv = parse(FILE, text);
    let slices = |spans: Vec<Span>| spans.into_iter().map(|span| text[span.range()].to_owned()).collect::<Vec<_>>();
    assert_eq!(slices(dotenv.comments.clone()), ["# one", "# two", "# three"]);
    let entries = dotenv.entries.iter();
    assert_eq!(slices(entries.clone().map(|entry| entry.span).collect()), ["export A = \"x\\ny${B}\"", "C=d", "E"]);
    assert_eq!(slices(entries.clone().map(|entry| entry.name.span).collect()), ["A", "C", "E"]);
    let value = dotenv.entries[0].value.as_ref().unwrap();
    assert_eq!(slices(vec![value.raw.span]), ["\"x\\ny${B}\""]);
    let variable = value.variables().next().unwrap();
    assert_eq!(slices(vec![variable.span, variable.name.span]), ["${B}", "B"]);
    assert_eq!(slices(vec![value.raw.span_of(1..2), value.raw.span_of(2..3)]), ["\\", "y"]);
}
