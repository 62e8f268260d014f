use super::*;
use crate::source::FileId;

const FILE: FileId = FileId(0);

fn parse(text: &str) -> (Template, Option<SyntaxError>) {
    Template::parse(Text::verbatim(text, Span::new(FILE, 0..text.len())))
}

fn lookup(name: &str) -> Option<String> {
    match name {
        "FOO" => Some("foo".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

#[test]
fn every_operator_resolves_as_in_compose() {
    for (text, expected, known) in [
        ("a", "a", true),
        ("", "", true),
        ("$FOO-b", "foo-b", true),
        ("${FOO}b$foo", "foob$foo", false),
        ("$$FOO $${FOO} $$$FOO", "$FOO ${FOO} $foo", true),
        ("a $ b $", "a $ b $", true),
        ("^a$|$}|$1", "^a$|$}|$1", true),
        ("${NONE:-d} ${EMPTY:-d} ${FOO:-d}", "d d foo", true),
        ("${NONE-d} ${EMPTY-d} ${FOO-d}", "d  foo", true),
        ("${FOO:+a} ${EMPTY:+a} ${NONE:+a}", "a  ", true),
        ("${FOO+a} ${EMPTY+a} ${NONE+a}", "a a ", true),
        ("${FOO:?e} ${FOO?e} ${EMPTY?e}", "foo foo ", true),
        ("${EMPTY:?e} ${NONE?e}", "${EMPTY:?e} ${NONE?e}", false),
        ("${NONE:-${NONE-$FOO} ${FOO}}", "foo foo", true),
        ("${NONE:-${ALSO}}", "${ALSO}", false),
        ("${NONE:-a?b:-c-$$}", "a?b:-c-$", true),
        ("${NONE:-{x}}", "{x}", true),
        ("${NONE:-}", "", true),
    ] {
        let (template, error) = parse(text);
        assert!(error.is_none(), "{text}");
        assert_eq!(template.resolve(&lookup), (expected.to_owned(), known), "{text}");
    }
}

#[test]
fn a_brace_that_starts_no_variable_is_an_error_and_stays() {
    for text in ["${", "${}", "${ }", "${ FOO}", "${FOO }", "${FOO!}", "${FOO/a/b}", "${1}", "${FOO"] {
        let (template, error) = parse(text);
        assert_eq!(error.map(|error| error.span.range()), Some(0..2), "{text}");
        assert_eq!(template.literal(), Some(text), "{text}");
    }
    let (template, error) = parse("${A:-${b c}} $FOO");
    assert!(error.is_some());
    assert_eq!(template.resolve(&lookup).0, "${b c} foo");
}

#[test]
fn parts_have_exact_spans() {
    let text = "a$$b${X:-c${Y-d}}$Z";
    let template = parse(text).0;
    let slice = |span: Span| &text[span.range()];
    let [Part::Literal(literal), Part::Variable(x), Part::Variable(z)] = &*template.parts else {
        panic!("{template:?}");
    };
    assert_eq!((literal.as_str(), slice(literal.span), slice(literal.span_of(2..3))), ("a$b", "a$$b", "b"));
    assert_eq!((slice(x.span), slice(x.name.span), slice(z.span)), ("${X:-c${Y-d}}", "X", "$Z"));
    let operation = x.operation.as_ref().unwrap();
    assert_eq!((operation.operator, operation.colon), (Operator::Default, true));
    let inner = operation.operand.variables().next().unwrap();
    assert_eq!((slice(inner.span), &operation.operand.raw.value[inner.range.clone()]), ("${Y-d}", "${Y-d}"));
    assert!(template.has_variables() && template.literal().is_none());
}

#[test]
fn literal_defaults_are_found_at_every_level() {
    let text = "${A:-one} ${B:-${C-two}} ${D:-} ${E:+three} ${F:-x$G} ${H?four}";
    let template = parse(text).0;
    let mut found: Vec<_> = template.literal_defaults().map(|text| (text.as_str(), text.span)).collect();
    found.sort_by_key(|(_, span)| span.start);
    let values: Vec<_> = found.iter().map(|(value, _)| *value).collect();
    assert_eq!(values, ["one", "two"]);
    assert!(found.iter().all(|(value, span)| *value == &text[span.range()]));
}

#[test]
fn a_piece_of_a_value_keeps_its_variables() {
    let text = "${IP:-127.0.0.1}:80:${P}";
    let template = parse(text).0;
    let resolved = template.resolve(&lookup).0;
    assert_eq!(resolved, "127.0.0.1:80:${P}");
    let piece = template.slice(0..9, &lookup);
    assert!(piece.has_variables());
    assert_eq!((piece.resolve(&lookup), piece.raw.as_str()), (("127.0.0.1".to_owned(), true), "${IP:-127.0.0.1}"));
    assert_eq!(template.slice(13..17, &lookup).resolve(&lookup), ("${P}".to_owned(), false));
    let part = template.slice(4..12, &lookup);
    assert_eq!((part.literal().is_some(), part.resolve(&lookup).0.as_str()), (false, "0.0.1:80"));
}

#[test]
fn a_long_value_from_outside_is_placed_inside_the_variable() {
    let text = "é$A";
    for value in ["é", "a", "漢", "a漢é"] {
        let (resolved, known) = parse(text).0.resolve_text(&|_| Some(value.repeat(50)));
        assert!(known && resolved.value.len() >= 52);
        for (at, character) in resolved.value.char_indices() {
            let span = resolved.span_of(at..at + character.len_utf8());
            assert!(text.get(span.range()).is_some_and(|place| !place.is_empty()), "{value}: {span:?}");
        }
    }
}

#[test]
fn deep_nesting_ends_in_an_error() {
    let text = "${A:-".repeat(5000) + &"}".repeat(5000);
    let (template, error) = parse(&text);
    assert!(error.is_some());
    assert_eq!(template.variables().count(), 1);
}
