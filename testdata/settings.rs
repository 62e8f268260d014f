//! Runs the program on trees with `confscan.toml` files: which of them count, and what they change.

#[path = "support/tree.rs"]
mod tree;

use std::fs;

use serde_json::Value;
use tree::{Run, Tree};

/// Of medium severity, outside of development too.
const LISTING: &str = "server {\n  autoindex on;\n}\n";
/// Publishes a port, which is low in development.
const PORT: &str = "services:\n  web:\n    image: acme/web:1\n    ports: ['9000:9000']\n";

/// Severity and path of what a rule finds.
fn found(run: &Run, rule: &str) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.map(|finding| (text(&finding["severity"]), text(&finding["location"]["path"]))).collect()
}

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn settings_count_from_the_repository_down_to_the_file() {
    let tree = Tree::new(&[
        ("confscan.toml", "rules.autoindex-on = 'critical'"),
        ("repo/.git/HEAD", ""),
        (
            "repo/confscan.toml",
            "rules.autoindex-on = 'low'\n[[override]]\npaths = ['sub/x/']\nrules.autoindex-on = 'high'",
        ),
        ("repo/nginx.conf", LISTING),
        ("repo/sub/nginx.conf", LISTING),
        ("repo/sub/x/nginx.conf", LISTING),
        ("repo/sub/deep/confscan.toml", "rules.autoindex-on = 'info'"),
        ("repo/sub/deep/er/nginx.conf", LISTING),
        ("repo/sub/off/confscan.toml", "rules.autoindex-on = 'off'"),
        ("repo/sub/off/nginx.conf", LISTING),
        ("repo/node_modules/confscan.toml", "not read"),
        ("repo/sub/patterns.toml", "[[override]]\npaths = ['/nginx.conf']\nrules.autoindex-on = 'critical'"),
        ("other.toml", "[[override]]\npaths = ['x']\nrules.autoindex-on = 'critical'"),
    ]);
    let sub = [("info", "sub/deep/er/nginx.conf"), ("low", "sub/nginx.conf"), ("high", "sub/x/nginx.conf")];
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: &[Case] = &[
        (
            &["repo"],
            &[
                ("low", "nginx.conf"),
                ("info", "sub/deep/er/nginx.conf"),
                ("low", "sub/nginx.conf"),
                ("high", "sub/x/nginx.conf"),
            ],
        ),
        // What is above the scanned folder counts, and its patterns start where it lies.
        (&["repo/sub"], &sub),
        (&["repo/sub/x"], &[("high", "sub/x/nginx.conf")]),
        (&["repo/sub/deep/er"], &[("info", "sub/deep/er/nginx.conf")]),
        (&["repo/sub/off"], &[]),
        (
            &["repo/sub", "--config", "repo/confscan.toml"],
            &[
                ("low", "sub/deep/er/nginx.conf"),
                ("low", "sub/nginx.conf"),
                ("low", "sub/off/nginx.conf"),
                ("high", "sub/x/nginx.conf"),
            ],
        ),
        // Several folders have the settings around each of them.
        (&["repo/sub/x", "repo/sub/deep/er"], &[("info", "sub/deep/er/nginx.conf"), ("high", "sub/x/nginx.conf")]),
        // One that is named and lies elsewhere counts from the scan root, else from its own folder.
        (&["repo/sub/x", "repo/sub/off", "--config", "repo/sub/off/confscan.toml"], &[]),
        (
            &["repo/sub", "--no-config"],
            &[
                ("medium", "sub/deep/er/nginx.conf"),
                ("medium", "sub/nginx.conf"),
                ("medium", "sub/off/nginx.conf"),
                ("medium", "sub/x/nginx.conf"),
            ],
        ),
        // The folders around a file that is named are not walked over.
        (&["repo/sub/deep/er/nginx.conf"], &[("info", "repo/sub/deep/er/nginx.conf")]),
    ];
    for (args, expected) in cases {
        let run = tree.run(&[args, &["--format", "json"][..]].concat());
        assert_eq!(found(&run, "autoindex-on"), pairs(expected), "{args:?}");
    }
    let run = tree.run_in("repo", &["sub", "--config", "../other.toml", "--format", "json"], "");
    assert_eq!(found(&run, "autoindex-on").last(), pairs(&[("critical", "sub/x/nginx.conf")]).last());
    let run = tree.run_in("", &["repo/sub", "--config", "repo/sub/patterns.toml", "--format", "json"], "");
    assert_eq!(
        found(&run, "autoindex-on")[1..],
        pairs(&[("critical", "sub/nginx.conf"), ("medium", "sub/off/nginx.conf"), ("medium", "sub/x/nginx.conf")])
    );
    let run = tree.run_in("repo/sub/deep", &["-", "--stdin-filename", "nginx.conf", "--format", "json"], LISTING);
    assert_eq!(found(&run, "autoindex-on"), pairs(&[("info", "nginx.conf")]));
}

#[test]
fn the_command_line_wins_over_the_files_and_they_over_the_defaults() {
    let tree = Tree::new(&[
        ("plain/nginx.conf", LISTING),
        ("set/nginx.conf", LISTING),
        ("set/confscan.toml", "pedantic = true\nfail-on = 'medium'\nlimits.max-file-size = 100"),
        ("set/never/nginx.conf", LISTING),
        ("set/never/confscan.toml", "fail-on = 'never'"),
        ("set/Dockerfile", "FROM debian:12\nUSER 1\nCMD [\"x\"]\n"),
    ]);
    let large = format!("{LISTING}{}", "#".repeat(100));
    for (args, code) in [
        (&["plain"][..], 0),
        (&["plain", "--fail-on", "medium"], 1),
        (&["set"], 1),
        (&["set/never"], 0),
        (&["set/never", "--fail-on", "low"], 1),
        (&["set", "--fail-on", "high"], 0),
        (&["set", "--no-config"], 0),
        (&["set", "--max-file-size", "10"], 2),
    ] {
        let run = tree.run(args);
        assert_eq!(run.code, code, "{args:?} {run:?}");
    }
    for (args, expected) in [
        (&["set"][..], 1),
        (&["set", "--pedantic=false"], 0),
        (&["set", "--no-config"], 0),
        (&["set", "--no-config", "--pedantic"], 1),
    ] {
        let run = tree.run(&[args, &["--format", "json"]].concat());
        assert_eq!(found(&run, "image-without-digest").len(), expected, "{args:?}");
    }
    tree.write("set/nginx.conf", &large);
    assert_eq!(tree.run(&["set"]).code, 2);
    assert_eq!(tree.run(&["set", "--max-file-size", "1K"]).code, 1);
    assert_eq!(tree.run(&["set", "--config", "x", "--no-config"]).code, 2);
}

#[test]
fn environments_by_pattern_weigh_less_than_a_comment_and_more_than_names() {
    let environments = "environments.production = ['local/']\nenvironments.development = ['tools/', 'compose.x.yaml']\n\
                        environments.unmarked = ['dev.yaml']\n";
    let tree = Tree::new(&[
        ("confscan.toml", environments),
        ("compose.yaml", PORT),
        ("compose.x.yaml", PORT),
        ("compose.dev.yaml", PORT),
        ("local/compose.yaml", PORT),
        ("tools/compose.yaml", PORT),
        ("tools/production/compose.yaml", PORT),
        ("tools/settled/compose.yaml", &format!("# confscan: environment=production\n{PORT}")),
    ]);
    let rule = "port-on-all-interfaces";
    let severities = |tree: &Tree| found(&tree.run(&["--format", "json"]), rule);
    let usual = pairs(&[
        ("low", "compose.dev.yaml"),
        ("low", "compose.x.yaml"),
        ("medium", "compose.yaml"),
        ("medium", "local/compose.yaml"),
        ("low", "tools/compose.yaml"),
        ("low", "tools/production/compose.yaml"),
        ("medium", "tools/settled/compose.yaml"),
    ]);
    assert_eq!(severities(&tree), usual);
    let run = tree.run(&["--format", "json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let local = report["containers"].as_array().unwrap().iter().find(|it| it["origin"]["path"] == "local/compose.yaml");
    assert_eq!(local.unwrap()["environment"]["reason"], "`environments` in confscan.toml");
    // A severity for all is for development what the rule makes of it, one for development is final.
    for (settings, expected) in [
        ("[rules]\nport-on-all-interfaces = 'high'", ["low", "high"]),
        ("[[override]]\nenvironment = 'development'\nrules.port-on-all-interfaces = 'high'", ["high", "medium"]),
        ("[[override]]\nenvironment = 'development'\nrules.port-on-all-interfaces = 'on'", ["medium", "medium"]),
        ("[[override]]\npaths = 'tools'\nrules.port-on-all-interfaces = 'info'", ["info", "medium"]),
    ] {
        tree.write("confscan.toml", &format!("{environments}{settings}"));
        let found = severities(&tree);
        let of = |path: &str| found.iter().find(|(_, found)| found == path).map(|(severity, _)| severity.as_str());
        assert_eq!([of("tools/compose.yaml"), of("local/compose.yaml")], expected.map(Some), "{settings}");
    }
}

#[test]
fn a_rule_that_is_silent_in_development_speaks_where_the_settings_ask() {
    let reload = "services:\n  web:\n    image: acme/web:1\n    command: uvicorn app:app --reload\n";
    let tree = Tree::new(&[("compose.dev.yaml", reload)]);
    let rule = "hot-reload-in-production";
    assert!(found(&tree.run(&["--format", "json"]), rule).is_empty());
    tree.write("confscan.toml", "rules.hot-reload-in-production = 'high'");
    assert!(found(&tree.run(&["--format", "json"]), rule).is_empty());
    tree.write("confscan.toml", "[[override]]\nenvironment = 'development'\nrules.hot-reload-in-production = 'low'");
    assert_eq!(found(&tree.run(&["--format", "json"]), rule), pairs(&[("low", "compose.dev.yaml")]));
}

#[test]
fn the_stacks_of_the_settings_are_merged() {
    let overlay = "services:\n  web:\n    privileged: true\n";
    let tree = Tree::new(&[
        (".git/x", ""),
        ("deploy/base.compose.yaml", PORT),
        ("deploy/saas/overlay.compose.yaml", overlay),
        ("deploy/saas.env", "TAG=1\n"),
    ]);
    let containers = |tree: &Tree, folder: &str| -> Vec<Value> {
        let run = tree.run(&[folder, "--format", "json"]);
        let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
        report["containers"].as_array().unwrap().iter().map(|container| container["environment"].clone()).collect()
    };
    tree.write(
        "confscan.toml",
        "[[stack]]\nfiles = ['deploy/base.compose.yaml', 'deploy/saas/overlay.compose.yaml']\nenvironment = \
         'production'\nenv-file = 'deploy/saas.env'",
    );
    for folder in [".", "deploy"] {
        let found = containers(&tree, folder);
        assert!(
            found
                .iter()
                .any(|it| it["value"] == "production" && it["reason"].as_str().unwrap().starts_with("`stack` in ")),
            "{found:?}"
        );
    }
    // What is not in the scanned folder is not read, and so not missed.
    assert!(containers(&tree, "deploy/saas").iter().all(|it| it["value"] != "production"));
    tree.write("confscan.toml", "[[stack]]\nfiles = ['deploy/base.compose.yaml', 'deploy/saas/overlay.compose.yml']");
    let run = tree.run(&[]);
    let expected = "confscan: confscan.toml:2:38: no file `deploy/saas/overlay.compose.yml`; is it `overlay.compose.yaml`?\n \
                    2 | files = ['deploy/base.compose.yaml', 'deploy/saas/overlay.compose.yml']\n   |                                      \
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n";
    assert_eq!((run.code, run.err.as_str()), (2, expected));
}

#[test]
fn a_named_stack_is_called_so_and_runs_what_its_profiles_say() {
    let compose = "services:\n  web:\n    image: acme/web:1\n    pid: host\n  debug:\n    image: acme/debug:1\n    pid: host\n    \
                   profiles: [debug, tools]\n  job:\n    image: acme/job:1\n    pid: host\n    profiles: [jobs]\n";
    let tree = Tree::new(&[("compose.yaml", compose)]);
    let scan = |stacks: &str| -> Value {
        tree.write("confscan.toml", stacks);
        let run = tree.run(&["--format", "json"]);
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    };
    let names = |report: &Value| -> Vec<String> {
        let containers = report["containers"].as_array().unwrap().iter();
        containers.map(|container| container["name"].as_str().unwrap().to_owned()).collect()
    };
    let graded = |report: &Value| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|finding| finding["rule"] == "host-pid-namespace").count()
    };
    for (profiles, expected) in [
        ("", &["web", "debug", "job"][..]),
        ("profiles = []", &["web"]),
        ("profiles = ['debug']", &["web", "debug"]),
        ("profiles = ['tools', 'jobs']", &["web", "debug", "job"]),
        ("profiles = ['*']", &["web", "debug", "job"]),
    ] {
        let report = scan(&format!("[[stack]]\nfiles = ['compose.yaml']\n{profiles}\n"));
        assert_eq!(
            (names(&report), graded(&report)),
            (expected.iter().map(|it| it.to_string()).collect(), expected.len())
        );
        assert_eq!(report["summary"]["complete"], true, "{profiles}");
    }
    // The same files twice, under other names and profiles; what is active in production runs in production.
    let two = "[[stack]]\nname = 'shop'\nfiles = ['compose.yaml']\nprofiles = []\n[[stack]]\nname = 'tools \u{1b}'\nfiles = \
               ['compose.yaml']\nprofiles = ['debug']\nenvironment = 'production'\n";
    let two = two.replace('\u{1b}', "\\u001b").replace("'tools \\u001b'", "\"tools \\u001b\"");
    let report = scan(&two);
    assert_eq!(names(&report), ["web", "web", "debug"]);
    let called: Vec<&Value> = report["containers"].as_array().unwrap().iter().map(|it| &it["stack_name"]).collect();
    assert_eq!(called, ["shop", "tools \u{1b}", "tools \u{1b}"]);
    assert_eq!(report["containers"][2]["environment"]["value"], "production");
    assert_eq!(report["containers"][2]["active_profiles"], serde_json::json!(["debug"]));
    let run = tree.run(&["containers"]);
    let shop = "shop  compose.yaml  configured  no profile is active\n";
    let tools = "tools \\u{1b}  compose.yaml  configured  active profiles: debug\n";
    assert!(run.out.contains(shop) && run.out.contains(tools), "{}", run.out);
    let human = tree.run(&[]).out;
    assert!(human.contains("in stack `shop`, stack `tools \\u{1b}`"), "{human}");
    // Two of one name, and a profile that no service has.
    tree.write("confscan.toml", &two.replace("shop", "x").replace("\"tools \\u001b\"", "'x'"));
    let run = tree.run(&[]);
    assert!(run.code == 2 && run.err.contains("confscan.toml:6:8: another stack is called `x` already"), "{run:?}");
    tree.write("confscan.toml", "[[stack]]\nfiles = ['compose.yaml']\nprofiles = ['debgu']\n");
    let run = tree.run(&[]);
    assert!(run.code == 2 && run.out.contains("did you mean `debug`?"), "{run:?}");
}

#[test]
fn includes_and_servers_are_found_where_nginx_root_says() {
    let site = "server {\n  include snippets/listing.conf;\n}\n";
    let tree = Tree::new(&[
        ("conf/nginx/site.conf", site),
        ("other/made/snippets/listing.conf", "autoindex on;\n"),
        ("other/made/nginx.conf", "events {}\nhttp { include snippets/*.conf; }\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx:1.27\n"),
    ]);
    let containers = |tree: &Tree| -> Value {
        let report: Value = serde_json::from_str(&tree.run(&["--format", "json"]).out).unwrap();
        report["containers"][0]["nginx"].clone()
    };
    assert_eq!(containers(&tree), serde_json::json!([]));
    tree.write("confscan.toml", "nginx.root = { '/etc/nginx' = 'other/made' }");
    assert_eq!(containers(&tree), serde_json::json!(["other/made/nginx.conf", "other/made/snippets/listing.conf"]));
}

#[test]
fn init_writes_settings_that_change_nothing_and_replaces_none() {
    let tree = Tree::new(&[("nginx.conf", LISTING), ("sub/x", "")]);
    let before = tree.run(&[]).out;
    let run = tree.run(&["init"]);
    assert_eq!((run.code, run.out.replace('\\', "/")), (0, "./confscan.toml was written\n".to_owned()), "{run:?}");
    assert_eq!(tree.read("confscan.toml"), confscan::config::TEMPLATE);
    assert_eq!(tree.run(&[]).out, before);
    tree.write("confscan.toml", "pedantic = true");
    let run = tree.run(&["init"]);
    assert_eq!((run.code, run.err.replace('\\', "/")), (2, "confscan: ./confscan.toml is there already\n".to_owned()));
    assert_eq!(tree.read("confscan.toml"), "pedantic = true");
    assert_eq!(tree.run(&["init", "sub"]).code, 0);
    assert_eq!(tree.run(&["init", "missing"]).code, 2);
}

#[test]
fn settings_that_cannot_be_used_stop_the_scan() {
    let tree = Tree::new(&[("repo/.git/x", ""), ("repo/sub/nginx.conf", LISTING), ("out.toml", "pedantic = true")]);
    let check = |args: &[&str], expected: &str| {
        let run = tree.run(args);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (2, "", format!("confscan: {expected}\n").as_str()));
    };
    let wrong = "unknown key `pedantix`; is it `pedantic`?\n 1 | pedantix = true\n   | ^^^^^^^^";
    tree.write("repo/confscan.toml", "pedantix = true");
    check(&["repo"], &format!("confscan.toml:1:1: {wrong}"));
    check(&["repo/sub"], &format!("confscan.toml:1:1: {wrong}"));
    check(&["files", "repo/sub"], &format!("confscan.toml:1:1: {wrong}"));
    let run = tree.run_in("repo/sub", &["."], "");
    assert_eq!((run.code, run.err), (2, format!("confscan: ../confscan.toml:1:1: {wrong}\n")));
    check(&["repo/sub", "--config", "repo/confscan.toml"], &format!("confscan.toml:1:1: {wrong}"));
    check(&["repo/sub", "--config", "missing.toml"], "missing.toml: no such file");
    assert_eq!(tree.run(&["repo", "--no-config"]).code, 0);
    assert_eq!(tree.run(&["repo", "--config", "out.toml"]).code, 0);
    fs::remove_file(tree.0.join("repo/confscan.toml")).unwrap();
    tree.write("repo/sub/confscan.toml", "\n[[ignore]]\nrule = 'autoindex-no'");
    check(
        &["repo"],
        "sub/confscan.toml:3:8: no rule `autoindex-no`; is it `autoindex-on`?\n 3 | rule = 'autoindex-no'\n   |        ^^^^^^^^^^^^^^",
    );
    tree.write("repo/sub/confscan.toml", &"#".repeat(300_000));
    check(&["repo"], "sub/confscan.toml: 300000 bytes, over the limit of 262144");
    check(&["repo/sub"], "sub/confscan.toml: 300000 bytes, over the limit of 262144");
    fs::write(tree.0.join("repo/sub/confscan.toml"), b"# \xff").unwrap();
    check(&["repo"], "sub/confscan.toml: not UTF-8");
}

#[cfg(unix)]
#[test]
fn settings_are_not_read_through_links_out_of_the_repository() {
    use std::os::unix::fs::symlink;

    let tree = Tree::new(&[
        ("out.toml", "rules.autoindex-on = 'off'"),
        ("repo/.git/x", ""),
        ("repo/ci/real.toml", "rules.autoindex-on = 'low'"),
        ("repo/sub/nginx.conf", LISTING),
    ]);
    let link = tree.0.join("repo/sub/confscan.toml");
    let refused = |args: &[&str], expected: &str| {
        let run = tree.run(args);
        assert_eq!((run.code, run.err), (2, format!("confscan: {expected}\n")), "{args:?}");
    };
    symlink("../../out.toml", &link).unwrap();
    refused(&["repo"], "sub/confscan.toml: leads out of the scan root");
    refused(&["repo/sub"], "sub/confscan.toml: leads out of the repository");
    fs::remove_file(&link).unwrap();
    symlink("/dev/zero", &link).unwrap();
    refused(&["repo/sub"], "sub/confscan.toml: leads out of the repository");
    fs::remove_file(&link).unwrap();
    symlink("../ci/real.toml", &link).unwrap();
    for args in [&["repo", "--format", "json"], &["repo/sub", "--format", "json"]] {
        assert_eq!(found(&tree.run(args), "autoindex-on")[0].0, "low", "{args:?}");
    }
    let mut command = tree.command("repo", &["sub", "--fail-on", "low"]);
    assert_eq!(command.output().unwrap().status.code(), Some(1));
}
