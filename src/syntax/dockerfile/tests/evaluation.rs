//! Tests of expansion, of stages and of the image configuration.

use super::super::expand::{Expanded, Expansion};
use super::super::image_config::Base;
use super::super::*;
use super::read;
use crate::source::{FileId, Spanned};

fn expand(word: &str, escape: char) -> Expanded {
    let lookup = |name: &str| match name {
        "V" => Some("value"),
        "EMPTY" => Some(""),
        "PATHS" => Some("/a/b/c.tar.gz"),
        _ => None,
    };
    let text = Text::verbatim(word, Span::new(FileId(0), 0..word.len()));
    Expansion::word(escape).expand(&text, lookup)
}

fn names(names: &[Spanned<String>]) -> Vec<&str> {
    names.iter().map(|name| name.value.as_str()).collect()
}

#[test]
fn words_expand_as_in_buildkit() {
    for (word, value) in [
        ("$V", "value"),
        ("${V}x$V", "valuexvalue"),
        ("a$", "a$"),
        ("$ V", "$ V"),
        ("$Vx", ""),
        ("${V:-d}", "value"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${NONE-d}", "d"),
        ("${NONE:-$V}", "value"),
        ("${NONE:-${ALSO:-\"x y\"}}", "x y"),
        ("${V:+a}", "a"),
        ("${EMPTY:+a}", ""),
        ("${EMPTY+a}", "a"),
        ("${NONE+a}", ""),
        ("${V?e}", "value"),
        ("${PATHS#*/}", "a/b/c.tar.gz"),
        ("${PATHS##*/}", "c.tar.gz"),
        ("${PATHS%.*}", "/a/b/c.tar"),
        ("${PATHS%%.*}", "/a/b/c"),
        ("${PATHS%?z}", "/a/b/c.tar."),
        ("${PATHS/\\//-}", "-a/b/c.tar.gz"),
        ("${PATHS//\\//-}", "-a-b-c.tar.gz"),
        ("${PATHS//[a]/-}", "/a/b/c.tar.gz"),
        ("'$V'\"$V\"", "$Vvalue"),
        ("\"a'b\"", "a'b"),
        ("\"\\a\\\"\\$V\"", "\\a\"$V"),
        ("a\\ \\$V\\\\", "a $V\\"),
        ("é${V}é", "évalueé"),
    ] {
        let expanded = expand(word, '\\');
        assert_eq!((expanded.value.as_str(), expanded.error()), (value, None), "{word}");
    }
    assert_eq!(expand("C:\\a\\$V`$V", '`').value, "C:\\a\\value$V");
    for bad in [
        "'a",
        "\"a",
        "${",
        "${}",
        "${{V}",
        "${V",
        "${V:",
        "${V:=x}",
        "${V!x}",
        "${V:-x",
        "${NONE:?no}",
        "${V/a}",
        "${V#\\a}",
    ] {
        let expanded = expand(bad, '\\');
        assert!(expanded.error().is_some() && expanded.value == bad, "{bad}: {expanded:?}");
    }
    assert!(expand(&"${a:-".repeat(1000), '\\').error().is_some());
}

#[test]
fn expansion_says_which_names_it_used_and_missed() {
    let word = "$A-${V}-${B:-x}-${C:+y}-${V:-$D}";
    let expanded = expand(word, '\\');
    assert_eq!(names(expanded.unresolved()), ["A", "D"]);
    let mut used = names(expanded.used());
    used.sort_unstable();
    assert_eq!(used, ["A", "B", "C", "D", "V", "V"]);
    for name in expanded.used().iter().chain(expanded.unresolved()) {
        assert_eq!(word[name.span.range()], name.value);
    }
    assert!(!expanded.is_known() && expand("$V", '\\').is_known());
}

#[test]
fn values_made_of_each_other_stay_small() {
    let mut text = "FROM x\nENV A=0123456789\n".to_owned();
    (0..100).for_each(|_| text.push_str("ENV A=$A$A\n"));
    let config = evaluate(&read(&text), 0, &[]);
    assert!(config.env.iter().all(|entry| entry.value.value.len() <= 16 * 1024));
    assert!(config.env("A").is_some_and(|entry| !entry.value.is_known()));
}

#[test]
fn a_stage_inherits_what_the_stages_before_it_set() {
    let text = "FROM debian:12 AS Base\nENV A=1 P=/opt\nUSER app\nWORKDIR /srv\nCMD [\"old\"]\nHEALTHCHECK NONE\nLABEL l=$A\n\
                FROM other AS unused\nUSER root\n\
                FROM base\nENV A=2 B=$A\nWORKDIR sub/../x\nENTRYPOINT [\"run\"]\nEXPOSE $A 80/udp\nVOLUME $P/data\nSTOPSIGNAL 9\n\
                COPY --from=unused a $P/\nCOPY b .\nADD c ../d\n";
    let dockerfile = read(text);
    let config = evaluate(&dockerfile, 2, &[]);
    assert!(matches!(&config.base, Base::Image(image) if image.value == "debian:12"));
    assert_eq!(config.chain, [0, 2]);
    let user = config.user.as_ref().expect("a user");
    assert_eq!((user.value.as_str(), &text[user.span.range()]), ("app", "app"));
    assert_eq!(config.workdir.as_ref().map(|path| path.value.as_str()), Some("/srv/x"));
    assert_eq!(config.relative_workdir, None);
    assert_eq!(config.env("A").map(|entry| (entry.value.value.as_str(), entry.stage)), Some(("2", 2)));
    assert_eq!(config.env("B").map(|entry| entry.value.value.as_str()), Some("1"), "values see the environment before");
    assert_eq!(config.env.iter().filter(|entry| entry.overridden).count(), 1);
    assert_eq!(config.cmd, None, "ENTRYPOINT takes an inherited CMD away");
    let keyword = |index: Option<usize>| index.map(|index| &*dockerfile.instructions[index].keyword.value);
    assert_eq!((keyword(config.entrypoint), keyword(config.healthcheck)), (Some("ENTRYPOINT"), Some("HEALTHCHECK")));
    let values = |list: &[Expanded]| list.iter().map(|one| one.value.clone()).collect::<Vec<_>>();
    assert_eq!(values(&config.exposed), ["2", "80/udp"]);
    assert_eq!(values(&config.volumes), ["/opt/data"]);
    assert_eq!(config.labels[0].value.value, "1");
    let transfers: Vec<_> = config.transfers.iter().map(|t| (t.destination.value.as_str(), &t.origin, t.add)).collect();
    assert_eq!(
        transfers,
        [("/opt/", &Origin::Stage(1), false), ("/srv/x/", &Origin::Context, false), ("/srv/d", &Origin::Context, true)]
    );
    assert!(config.undefined.is_empty() && config.undefined_in_from.is_empty());
    assert_eq!(dockerfile.reachable(2), [true, true, true]);
    assert_eq!(dockerfile.reachable(1), [false, true, false]);
}

#[test]
fn cmd_and_entrypoint_of_one_stage_stand_in_any_order() {
    let config = evaluate(&read("FROM a\nCMD x\nENTRYPOINT y\n"), 0, &[]);
    assert_eq!((config.cmd, config.entrypoint), (Some(1), Some(2)));
}

#[test]
fn arguments_have_the_scopes_of_buildkit() {
    let text = "ARG TAG=1\nARG IMG=a:$TAG\nFROM $IMG AS a\nUSER u$TAG\nARG TAG\nUSER u$TAG\nARG LOCAL=l NONE\n\
                FROM a\nUSER $LOCAL$NONE\nFROM b:$NOWHERE-$TARGETARCH\nUSER $LOCAL\nARG TAG=own\nUSER $TAG\n";
    let dockerfile = read(text);
    let outside = |name: &str, value: &str| vec![(name.to_owned(), Some(value.to_owned()), Span::new(FileId(7), 1..2))];
    let user = |stage: usize, args: BuildArgs| {
        let config = evaluate(&dockerfile, stage, args);
        (config.user.map(|user| user.value), names(&config.undefined).join(" "))
    };
    assert_eq!(user(0, &[]), (Some("u1".to_owned()), "TAG".to_owned()));
    assert_eq!(user(0, &outside("TAG", "9")), (Some("u9".to_owned()), "TAG".to_owned()));
    assert_eq!(user(1, &[]), (Some("l".to_owned()), "TAG".to_owned()));
    assert_eq!(user(2, &[]), (Some("own".to_owned()), "LOCAL".to_owned()));
    let config = evaluate(&dockerfile, 0, &outside("TAG", "9"));
    assert!(matches!(&config.base, Base::Image(image) if image.value == "a:9"));
    let tag = config.args.iter().rfind(|arg| arg.name.value == "TAG").expect("the argument");
    assert_eq!((tag.given, tag.value.as_ref().map(|value| value.span.file)), (true, Some(FileId(7))));
    let last = evaluate(&dockerfile, 2, &[]);
    assert_eq!(names(&last.undefined_in_from), ["NOWHERE"]);
    let unset = (String::from("TAG"), None, Span::new(FileId(7), 1..2));
    assert_eq!(user(0, &[unset]).0.as_deref(), Some("u1"), "an argument without a value leaves the default");
}

#[test]
fn undefined_variables_are_those_that_nobody_sets() {
    let text = "FROM a\nARG DECLARED\nENV X=$PATH:$HOME Y=$DECLARED\nUSER $Y$APP_UID$TARGETOS$http_proxy\nWORKDIR /$MISSING\n\
                COPY <<EOF /x\n$host \\$kept ${other:-d}\nEOF\nCOPY <<'EOF' /y\n$quoted\nEOF\nRUN echo $shell\n";
    let config = evaluate(&read(text), 0, &[]);
    assert_eq!(names(&config.undefined), ["MISSING", "host"]);
    for name in &config.undefined {
        assert_eq!(text[name.span.range()], name.value);
    }
    assert!(config.user.is_some_and(|user| !user.is_known()), "a value made of an unknown one is unknown");
}

#[test]
fn triggers_run_in_the_stage_that_starts_from_theirs() {
    let text = "FROM a AS b\nONBUILD USER app\nONBUILD COPY x /y\nFROM b AS c\nFROM c\n";
    let dockerfile = read(text);
    assert!(evaluate(&dockerfile, 0, &[]).user.is_none());
    for stage in [1, 2] {
        let config = evaluate(&dockerfile, stage, &[]);
        assert_eq!(config.user.map(|user| user.value).as_deref(), Some("app"));
        assert_eq!(config.transfers.len(), 1, "a trigger runs once");
        let copy = dockerfile.effective(config.transfers[0].instruction).expect("the instruction");
        assert!(matches!(copy.kind, Kind::Copy(_)));
    }
}

#[test]
fn working_directories_are_joined_and_doubt_is_passed_on() {
    for (text, path, relative, known) in [
        ("WORKDIR app", "/app", true, true),
        ("WORKDIR /a//b/./../c/", "/a/c", false, true),
        ("WORKDIR /a\nWORKDIR ../../x", "/x", false, true),
        ("WORKDIR /$A\nWORKDIR x", "/x", false, false),
        ("WORKDIR /a\nWORKDIR \"b c\"", "/a/b c", false, true),
        ("WORKDIR C:\\app", "C:app", true, true),
    ] {
        let config = evaluate(&read(&format!("FROM a\n{text}")), 0, &[]);
        let workdir = config.workdir.expect("a directory");
        let path = if path == "C:app" { "/C:app" } else { path };
        assert_eq!((workdir.value.as_str(), config.relative_workdir.is_some()), (path, relative), "{text}");
        assert_eq!(workdir.is_known(), known, "{text}");
    }
    let config = evaluate(&read("# escape=`\nFROM a\nWORKDIR C:\\app\n"), 0, &[]);
    assert_eq!(config.workdir.map(|path| path.value).as_deref(), Some("C:\\app"));
}

#[test]
fn sources_are_stages_by_name_or_number_and_images_otherwise() {
    let dockerfile = read(
        "FROM a AS one\nFROM b AS two\nCOPY --from=ONE x y\nRUN --mount=from=two,target=/t x\nFROM scratch\n\
                           COPY --from=1 x y\n",
    );
    let stage = |from: &str| dockerfile.copy_origin(from);
    assert_eq!(stage("One"), Origin::Stage(0));
    assert_eq!(stage("1"), Origin::Stage(1));
    assert_eq!(stage("3"), Origin::Unknown);
    assert_eq!(stage("$X"), Origin::Unknown);
    assert_eq!(stage("nginx:1"), Origin::Image("nginx:1".to_owned()));
    assert_eq!(dockerfile.mount_origin("1"), Origin::Image("1".to_owned()));
    assert_eq!(dockerfile.reachable(2), [true, true, true]);
    assert_eq!(dockerfile.reachable(0), [true, false, false]);
    assert!(matches!(evaluate(&dockerfile, 2, &[]).base, Base::Scratch));
    assert!(evaluate(&dockerfile, 9, &[]).chain.is_empty());
    assert!(dockerfile.reachable(9).iter().all(|reached| !reached));
}

#[test]
fn of_a_very_long_chain_the_nearest_stages_are_evaluated_and_the_base_is_kept() {
    let mut text = "FROM debian AS s0\nUSER far\n".to_owned();
    for stage in 0..500 {
        text.push_str(&format!("FROM s{stage} AS s{}\nENV E{stage}=1\n", stage + 1));
    }
    let config = evaluate(&read(&text), 500, &[]);
    assert!(matches!(&config.base, Base::Image(image) if image.value == "debian"));
    assert_eq!(config.chain.len(), 128);
    let exceeded: Vec<_> = Evaluator::new(&read(&text), &[]).exceeded().iter().map(|it| it.limit.name).collect();
    assert_eq!(exceeded, ["stages"]);
    assert_eq!(config.env.len(), 128);
    assert_eq!(config.env.last().map(|entry| entry.name.as_str()), Some("E499"));
    assert!(config.user.is_none());
}

#[test]
fn a_workdir_without_a_known_value_is_not_called_relative() {
    let relative = |text: &str| evaluate(&read(text), 0, &[]).relative_workdir.is_some();
    assert!(relative("FROM a\nARG D=x\nWORKDIR $D\n"));
    assert!(!relative("FROM a\nARG D\nWORKDIR $D\n"));
    assert!(!relative("FROM a\nARG D=/x\nWORKDIR $D\n"));
}
