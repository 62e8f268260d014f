//! The steps that prove findings about containers, from the service to the line that is reported.

#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use confscan::config::Config;

/// The steps of the only finding of `rule`, as `path:line message`.
fn chain(rule: &str, files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let report = confscan::scan(virtual_repository::sources(&files), &Config::new(jiff::civil::date(2026, 11, 1)));
    let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule.id == rule).collect();
    let [finding] = found[..] else { panic!("{} findings of {rule}", found.len()) };
    let steps = finding.chain.iter().map(|step| {
        let line = report.sources.position(step.span).0.line;
        format!("{}:{line} {}", report.sources.get(step.span.file).path, step.message)
    });
    steps.collect()
}

const COMPOSE: (&str, &str) =
    ("compose.yaml", "services:\n  app:\n    build:\n      context: app\n      target: production\n");

const DOCKERFILE: (&str, &str) = (
    "app/Dockerfile",
    "FROM debian:13 AS base\nCOPY start.sh /start.sh\nCOPY conf/ /etc/supervisor/conf.d/\nENTRYPOINT [\"/start.sh\"]\n\nFROM base AS \
     production\n",
);

const SCRIPT: (&str, &str) =
    ("app/start.sh", "#!/bin/sh\nset -e\nexec supervisord -n -c /etc/supervisor/supervisord.conf\n");

#[test]
fn a_program_is_reached_through_target_stage_script_and_copied_config() {
    let program = ("app/conf/web.conf", "[program:web]\ncommand=uvicorn app:app --reload\n");
    assert_eq!(
        chain("hot-reload-in-production", &[COMPOSE, DOCKERFILE, SCRIPT, program]),
        [
            "compose.yaml:2 service `app`",
            "compose.yaml:4 builds `app/Dockerfile`",
            "compose.yaml:5 ships its stage `production`",
            "app/Dockerfile:6 the shipped stage starts from `base`",
            "app/Dockerfile:4 starts `start.sh`",
            "app/start.sh:3 starts `supervisord`",
            "app/Dockerfile:3 copies `app/conf/web.conf`",
            "app/conf/web.conf:2 its program `web` is this",
        ]
    );
}

#[test]
fn the_line_of_an_overlay_that_decides_is_a_step() {
    let overlay = ("compose.prod.yaml", "services:\n  app:\n    command: /run.sh\n");
    let script = ("app/run.sh", "#!/bin/sh\nexec uvicorn app:app --reload\n");
    let dockerfile = ("app/Dockerfile", "FROM python:3.13 AS production\nCOPY run.sh /run.sh\nCMD [\"server\"]\n");
    let variables = (".env", "COMPOSE_FILE=compose.yaml:compose.prod.yaml\n");
    assert_eq!(
        chain("hot-reload-in-production", &[COMPOSE, overlay, dockerfile, script, variables])[3],
        "compose.prod.yaml:3 starts `run.sh`"
    );
}

#[test]
fn a_finding_whose_steps_stand_in_its_own_file_has_no_chain() {
    let compose = ("compose.yaml", "services:\n  app:\n    image: acme/app:1\n    command: uvicorn app:app --reload\n");
    assert_eq!(chain("hot-reload-in-production", &[compose]), [""; 0]);
}

#[test]
fn an_account_that_compose_undoes_is_followed_into_the_stage_that_set_it() {
    let compose = ("compose.yaml", "services:\n  app:\n    build: app\n    user: root\n");
    let dockerfile = ("app/Dockerfile", "FROM debian:13 AS base\nUSER app\nFROM base\nCMD [\"server\"]\n");
    assert_eq!(
        chain("compose-undoes-image-user", &[compose, dockerfile]),
        [
            "compose.yaml:2 service `app`",
            "compose.yaml:3 builds `app/Dockerfile`",
            "app/Dockerfile:3 the shipped stage starts from `base`",
            "app/Dockerfile:2 the image ends as `app`",
            "compose.yaml:4 `user` replaces it by root",
        ]
    );
    let report = chain(
        "root-plus-writable-host-mount",
        &[
            ("compose.yaml", "services:\n  app:\n    build: app\n    volumes: ['/srv/data:/data']\n"),
            ("app/Dockerfile", "FROM debian:13\nUSER root\nCMD [\"server\"]\n"),
        ],
    );
    assert_eq!(report[2..], ["app/Dockerfile:2 starts as root", "compose.yaml:4 and may write here"]);
}
