//! What the joiner makes of small repositories: containers and their facts.

#[path = "support/virtual_repository.rs"]
mod virtual_repository;

use std::sync::Arc;

use confscan::container::{Container, Environment, Fact, Healthcheck, Origin, ProcessOrigin, Why};
use confscan::project::Project;
use confscan::source::{Sources, Span};

/// A joined repository.
struct Joined {
    sources: Sources,
    project: Project,
}

impl Joined {
    fn of(files: &[(&str, &str)]) -> Joined {
        let files: Vec<_> = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
        let mut sources = virtual_repository::sources(&files);
        let project = Project::build(&mut sources);
        Joined { sources, project }
    }

    fn container(&self, name: &str) -> &Container {
        let found: Vec<_> = self.project.containers.iter().filter(|container| container.name == name).collect();
        let [only] = found[..] else { panic!("{} containers are called {name}", found.len()) };
        only
    }

    /// `path:line` of a span.
    fn place(&self, span: Span) -> String {
        let (start, _) = self.sources.position(span);
        format!("{}:{}", self.sources.get(span.file).path, start.line)
    }

    /// The account and the line that decided it.
    fn user(&self, name: &str) -> String {
        match &self.container(name).user {
            Fact::Known(user) => format!("{} at {}", user.value.name, self.place(user.span)),
            Fact::Absent(span) => format!("absent at {}", self.place(*span)),
            Fact::Unknown(why) => format!("{why:?}"),
        }
    }

    /// The programs of all processes with their lines.
    fn programs(&self, name: &str) -> Vec<String> {
        let processes = &self.container(name).processes;
        let commands = processes.iter().flat_map(|process| &process.effective.commands);
        commands.map(|command| format!("{} at {}", command.name, self.place(command.span))).collect()
    }

    fn configs(&self, documents: &[usize]) -> Vec<&str> {
        documents.iter().map(|&id| self.sources.get(self.project.documents[id].file()).path.as_str()).collect()
    }
}

#[test]
fn the_account_is_the_services_then_the_stages_then_the_known_images() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  own:\n    build: app\n    user: '1000'\n  built:\n    build: app\n  base:\n    build: {context: app, \
             target: base}\n  cache:\n    image: memcached:1.6\n  other:\n    image: acme/thing:1\n  open:\n    image: \
             redis:7\n    user: ${USER_ID}\n  part:\n    ports: ['80:80']\n  gone:\n    build: nowhere\n",
        ),
        ("app/Dockerfile", "FROM python:3.12 AS base\nFROM base\nUSER app\n"),
    ]);
    assert_eq!(joined.user("own"), "1000 at compose.yaml:4");
    assert_eq!(joined.user("built"), "app at app/Dockerfile:3");
    assert_eq!(joined.user("base"), "root at app/Dockerfile:1");
    assert_eq!(joined.user("cache"), "memcache at compose.yaml:10");
    assert_eq!(joined.user("other"), "UnknownImage");
    assert_eq!(joined.user("open"), "Variable");
    assert_eq!(joined.user("part"), "Partial");
    assert!(joined.container("part").partial);
    assert!(matches!(joined.container("gone").user, Fact::Unknown(Why::MissingDockerfile)));
    let stages = joined.project.containers.iter().filter(|container| container.name == "app").count();
    assert_eq!(stages, 0, "a Dockerfile that a service builds is no container of its own");
}

#[test]
fn a_dockerfile_that_no_service_builds_ships_its_last_stage() {
    let joined =
        Joined::of(&[("api/Dockerfile", "FROM golang:1.25 AS build\nFROM gcr.io/distroless/static:nonroot\n")]);
    let container = joined.container("api");
    assert_eq!(container.built.as_ref().map(|built| built.stage), Some(1));
    assert_eq!(joined.user("api"), "65532 at api/Dockerfile:2");
    let shipped: Vec<bool> = joined.project.stages.iter().map(|stage| stage.shipped).collect();
    assert_eq!(shipped, [false, true]);
}

#[test]
fn a_service_that_names_the_image_of_another_runs_what_that_builds() {
    let joined = Joined::of(&[
        ("compose.yaml", "services:\n  web:\n    build: .\n    image: acme/app\n  worker:\n    image: acme/app\n"),
        ("Dockerfile", "FROM node:24\nUSER node\n"),
    ]);
    assert_eq!(joined.user("worker"), "node at Dockerfile:2");
}

#[test]
fn an_image_that_several_files_build_is_the_one_of_the_services_own_file() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  web:\n    build: {context: ., target: prod, args: {ACCOUNT: node}}\n    image: acme/app\n  worker:\n    \
             image: acme/app\n  tagged:\n    image: docker.io/acme/app:latest\n  older:\n    image: acme/app:1\n",
        ),
        ("docker-compose.dev.yml", "services:\n  dev:\n    build: {context: ., target: dev}\n    image: acme/app\n"),
        ("other/compose.yaml", "services:\n  elsewhere:\n    image: acme/app\n"),
        ("Dockerfile", "FROM node:24 AS dev\nUSER root\nFROM node:24 AS prod\nARG ACCOUNT=root\nUSER $ACCOUNT\n"),
    ]);
    for name in ["web", "worker", "tagged", "elsewhere"] {
        assert_eq!(joined.user(name), "node at Dockerfile:5", "{name}");
    }
    assert_eq!(joined.user("dev"), "root at Dockerfile:2");
    assert_eq!(joined.user("older"), "UnknownImage");
}

#[test]
fn an_empty_account_or_entrypoint_leaves_the_images() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  user:\n    build: .\n    user: ''\n  entrypoint:\n    build: .\n    entrypoint: []\n  text:\n    build: \
             .\n    entrypoint: ''\n  both:\n    build: .\n    entrypoint: []\n    command: [other]\n",
        ),
        ("Dockerfile", "FROM alpine:3.22\nUSER app\nENTRYPOINT [\"start\"]\nCMD [\"server\"]\n"),
    ]);
    assert_eq!(joined.user("user"), "app at Dockerfile:2");
    assert_eq!(joined.programs("entrypoint"), ["server at Dockerfile:4"]);
    assert_eq!(joined.programs("text"), ["server at Dockerfile:4"]);
    assert_eq!(joined.programs("both"), ["other at compose.yaml:14"]);
}

#[test]
fn the_health_check_is_the_services_then_the_images() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  a:\n    build: .\n  b:\n    build: .\n    healthcheck: {test: [CMD, 'true']}\n  c:\n    build: .\n    \
             healthcheck: {disable: true}\n  d:\n    image: redis:7\n  e:\n    image: acme/e:1\n  f:\n    build: .\n    \
             healthcheck: {interval: 5s}\n",
        ),
        ("Dockerfile", "FROM alpine:3.22\nHEALTHCHECK CMD true\n"),
    ]);
    let kind = |name: &str| match &joined.container(name).healthcheck {
        Fact::Known(check) => match check.value {
            Healthcheck::Compose => "compose",
            Healthcheck::Dockerfile => "dockerfile",
            Healthcheck::KnownImage => "known image",
            Healthcheck::Disabled => "disabled",
        },
        Fact::Absent(_) => "absent",
        Fact::Unknown(_) => "unknown",
    };
    let kinds = ["a", "b", "c", "d", "e", "f"].map(kind);
    assert_eq!(kinds, ["dockerfile", "compose", "disabled", "absent", "unknown", "dockerfile"]);
}

#[test]
fn a_compose_entrypoint_clears_the_images_command() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  image:\n    build: .\n  command:\n    build: .\n    command: worker --fast\n  entrypoint:\n    build: \
             .\n    entrypoint: [other]\n",
        ),
        ("Dockerfile", "FROM alpine:3.22\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"server\"]\n"),
    ]);
    assert_eq!(joined.programs("image"), ["server at Dockerfile:3"]);
    assert_eq!(joined.programs("command"), ["worker at compose.yaml:6"]);
    assert_eq!(joined.programs("entrypoint"), ["other at compose.yaml:9"]);
}

#[test]
fn supervisord_runs_the_programs_of_the_config_that_was_copied_and_of_its_includes() {
    let joined = Joined::of(&[
        (
            "Dockerfile",
            "FROM debian:13\nCOPY deploy/supervisor/ /etc/supervisor/\nCMD [\"supervisord\", \"-c\", \
             \"/etc/supervisor/main.conf\"]\n",
        ),
        ("deploy/supervisor/main.conf", "[supervisord]\nnodaemon=true\n[include]\nfiles = conf.d/*.conf\n"),
        ("deploy/supervisor/conf.d/web.conf", "[program:web]\ncommand=gunicorn app:app\n"),
        ("deploy/supervisor/unused/other.conf", "[program:other]\ncommand=other\n"),
    ]);
    let container = &joined.project.containers[0];
    let configs = joined.configs(&container.supervisors);
    assert_eq!(configs, ["deploy/supervisor/main.conf", "deploy/supervisor/conf.d/web.conf"]);
    assert_eq!(
        joined.programs(&container.name),
        ["supervisord at Dockerfile:3", "gunicorn at deploy/supervisor/conf.d/web.conf:2"]
    );
}

#[test]
fn supervisord_reads_what_the_config_of_the_distribution_includes() {
    let read = |command: &str, target: &str| {
        let joined = Joined::of(&[
            ("Dockerfile", &format!("FROM debian:13\nCOPY web.ini {target}\nCMD {command}\n")),
            ("web.ini", "[program:web]\ncommand=gunicorn app:app\n"),
        ]);
        joined.configs(&joined.project.containers[0].supervisors).len() == 1
    };
    let debian = "supervisord -n -c /etc/supervisor/supervisord.conf";
    let alpine = "supervisord -n -c /etc/supervisord.conf";
    for (command, target, expected) in [
        (debian, "/etc/supervisor/conf.d/web.conf", true),
        (debian, "/etc/supervisor/conf.d/web.ini", false),
        (debian, "/etc/supervisor.d/web.ini", false),
        (alpine, "/etc/supervisor.d/web.ini", true),
        (alpine, "/etc/supervisord.d/web.ini", true),
        (alpine, "/etc/supervisor/conf.d/web.conf", false),
        ("supervisord -n", "/etc/supervisor/conf.d/web.conf", true),
        ("supervisord -n -c /etc/other.conf", "/etc/supervisor/conf.d/web.conf", false),
    ] {
        assert_eq!(read(command, target), expected, "{command} {target}");
    }
}

#[test]
fn without_a_flag_supervisord_reads_the_first_config_that_it_finds_and_what_that_includes() {
    let joined = Joined::of(&[
        (
            "Dockerfile",
            "FROM debian:13\nWORKDIR /app\nCOPY app.conf /app/supervisord.conf\nCOPY web.conf other.conf /etc/supervisor/conf.d/\nCMD \
             supervisord -n\n",
        ),
        ("app.conf", "[supervisord]\nnodaemon=true\n[include]\nfiles=/etc/supervisor/conf.d/web.conf\n"),
        ("web.conf", "[program:web]\ncommand=gunicorn app:app\n"),
        ("other.conf", "[program:other]\ncommand=other\n"),
    ]);
    let container = &joined.project.containers[0];
    assert_eq!(joined.configs(&container.supervisors), ["app.conf", "web.conf"]);
}

#[test]
fn a_script_is_followed_by_its_path_whatever_it_is_called() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  a:\n    build: .\n    command: /app/bin/boot\n  b:\n    build: .\n    command: ./bin/boot now\n  c:\n    \
             build: .\n    command: /app/bin/program\n",
        ),
        ("Dockerfile", "FROM debian:13\nWORKDIR /app\nCOPY . .\n"),
        ("bin/boot", "#!/usr/bin/env bash\nset -e\nexec gosu app server\n"),
        ("bin/program", "#!/usr/bin/env python3\nimport sys\n"),
    ]);
    for (name, line) in [("a", 4), ("b", 7)] {
        let programs = joined.programs(name);
        assert!(programs.contains(&"server at bin/boot:3".to_owned()), "{programs:?}");
        assert!(programs.contains(&format!("boot at compose.yaml:{line}")), "{programs:?}");
    }
    assert_eq!(joined.programs("c"), ["program at compose.yaml:10"]);
}

#[test]
fn a_mounted_nginx_config_belongs_to_the_service() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  edge:\n    image: nginx:1.29\n    volumes:\n      - \
             ./nginx/site.conf:/etc/nginx/conf.d/default.conf:ro\n",
        ),
        ("nginx/site.conf", "server { listen 80; }\n"),
        ("nginx/unused.conf", "server { listen 81; }\n"),
    ]);
    let container = joined.container("edge");
    assert_eq!(joined.configs(&container.servers), ["nginx/site.conf"]);
    let owner = joined
        .project
        .documents
        .iter()
        .position(|document| joined.sources.get(document.file()).path == "nginx/site.conf");
    assert_eq!(joined.project.owners[owner.unwrap()], [0]);
}

#[test]
fn a_mount_hides_what_the_image_has_there_and_the_deepest_mount_wins() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  edge:\n    build: image\n    entrypoint: /app/bin/start.sh\n    volumes:\n      - \
             ./one.conf:/etc/nginx/conf.d/one.conf\n      - ./sites:/etc/nginx/conf.d\n      - .:/app\n      - ./own:/app/bin\n",
        ),
        ("image/Dockerfile", "FROM nginx:1.29\nCOPY *.conf /etc/nginx/conf.d/\n"),
        ("image/hidden.conf", "server { listen 80; }\n"),
        ("sites/one.conf", "server { listen 81; }\n"),
        ("sites/two.conf", "server { listen 82; }\n"),
        ("one.conf", "server { listen 83; }\n"),
        ("bin/start.sh", "#!/bin/sh\nexec hidden\n"),
        ("own/start.sh", "#!/bin/sh\nexec server\n"),
    ]);
    assert_eq!(joined.configs(&joined.container("edge").servers), ["one.conf", "sites/two.conf"]);
    assert_eq!(joined.programs("edge"), ["start.sh at compose.yaml:4", "server at own/start.sh:2"]);
}

#[test]
fn only_a_build_that_no_service_starts_may_see_the_root_of_the_repository() {
    let docker = "FROM nginx:1.29\nCOPY site.conf /etc/nginx/conf.d/\n";
    let joined = Joined::of(&[
        ("compose.yaml", "services:\n  edge:\n    build: built\n"),
        ("built/Dockerfile", docker),
        ("alone/Dockerfile", docker),
        ("site.conf", "server { listen 80; }\n"),
    ]);
    assert_eq!(joined.configs(&joined.container("edge").servers), [""; 0]);
    assert_eq!(joined.configs(&joined.container("alone").servers), ["site.conf"]);
}

#[test]
fn commands_are_followed_into_package_json_and_entrypoint_scripts() {
    let joined = Joined::of(&[
        (
            "Dockerfile",
            "FROM node:24\nWORKDIR /app\nCOPY . .\nENTRYPOINT [\"./docker-entrypoint.sh\"]\nCMD [\"npm\", \"run\", \"dev\"]\n",
        ),
        ("docker-entrypoint.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ("package.json", "{\"scripts\": {\"dev\": \"nodemon server.js\"}}\n"),
    ]);
    let name = joined.project.containers[0].name.clone();
    assert!(joined.programs(&name).contains(&"nodemon at package.json:1".to_owned()), "{:?}", joined.programs(&name));
}

#[test]
fn a_script_that_many_services_start_is_read_once() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  a:\n    build: .\n    entrypoint: ./start.sh\n  b:\n    build: .\n    entrypoint: ./start.sh\n  c:\n    build: \
             .\n    command: npm start\n  d:\n    build: .\n    command: npm start\n",
        ),
        ("Dockerfile", "FROM node:24\nWORKDIR /app\nCOPY . .\n"),
        ("start.sh", "#!/bin/sh\nexec server\n"),
        ("package.json", "{\"scripts\": {\"start\": \"node server.js\"}}\n"),
    ]);
    for (first, second) in [("a", "b"), ("c", "d")] {
        let script = |name| {
            let processes = joined.container(name).processes.iter();
            let scripts: Vec<_> = processes.filter(|process| process.origin != ProcessOrigin::Main).collect();
            scripts.first().map(|process| process.effective.clone()).expect("a script is started")
        };
        assert!(Arc::ptr_eq(&script(first), &script(second)), "{first} {second}");
    }
}

#[test]
fn a_package_json_without_the_script_does_not_stop_the_search() {
    let joined = Joined::of(&[
        ("compose.yaml", "services:\n  web:\n    build: .\n    command: npm start\n    volumes: ['./web:/app']\n"),
        ("Dockerfile", "FROM node:24\nWORKDIR /app\n"),
        ("package.json", "{\"workspaces\": [\"web\"]}\n"),
        ("web/package.json", "{\"scripts\": {\"start\": \"nodemon server.js\"}}\n"),
    ]);
    assert!(
        joined.programs("web").contains(&"nodemon at web/package.json:1".to_owned()),
        "{:?}",
        joined.programs("web")
    );
}

#[test]
fn a_dockerfile_of_any_name_is_read_when_a_service_builds_it() {
    let joined = Joined::of(&[
        ("deploy/compose.yaml", "services:\n  app:\n    build: {context: .., dockerfile: images/app.build}\n"),
        ("images/app.build", "FROM scratch\nUSER 7\n"),
    ]);
    assert_eq!(joined.user("app"), "7 at images/app.build:2");
}

#[test]
fn environments_come_from_paths_profiles_stages_and_comments() {
    let joined = Joined::of(&[
        ("compose.yaml", "services:\n  a:\n    image: acme/a:1\n  b:\n    image: acme/b:1\n    profiles: [dev]\n"),
        ("compose.dev.yaml", "services:\n  c:\n    image: acme/c:1\n"),
        ("compose.x.yaml", "# confscan: environment=production\nservices:\n  d:\n    image: acme/d:1\n"),
        ("tool/Dockerfile", "FROM alpine:3.22 AS test\n"),
    ]);
    let environments = ["a", "b", "c", "d", "test"].map(|name| joined.container(name).environment.environment);
    use Environment::{Development, Production, Test, Unmarked};
    assert_eq!(environments, [Unmarked, Development, Development, Production, Test]);
}

#[test]
fn what_a_compose_file_refers_to_is_read_whatever_its_name_is() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "include: [parts/cache.yml]\nservices:\n  web:\n    image: acme/web:1\n    env_file: [config/web.vars, ../outside, \
             https://x/y]\n  job:\n    extends: {file: common.yml, service: base}\n",
        ),
        (
            "parts/cache.yml",
            "services:\n  cache:\n    image: redis:7\n    env_file: {path: cache.vars, required: false}\n",
        ),
        ("parts/cache.vars", "MAXMEMORY=1\n"),
        ("common.yml", "services:\n  base:\n    image: acme/base:1\n    command: [serve]\n"),
        ("config/web.vars", "COLOUR=red\n"),
        ("unused.vars", "A=b\n"),
    ]);
    let mut read: Vec<&str> = joined.sources.iter().map(|(_, source)| source.path.as_str()).collect();
    read.sort_unstable();
    assert_eq!(read, ["common.yml", "compose.yaml", "config/web.vars", "parts/cache.vars", "parts/cache.yml"]);
    assert_eq!(joined.user("cache"), "root at parts/cache.yml:3");
    assert!(joined.project.envs.iter().any(|env| env.name.value == "COLOUR"));
}

#[test]
fn a_finding_about_an_image_is_attributed_to_its_stage_whatever_its_folder_is_called() {
    let fingerprint = |path: &str, text: &str| {
        let files = [(path.to_owned(), text.as_bytes().to_vec())];
        let config = confscan::config::Config::new(jiff::civil::date(2026, 11, 1));
        let report = confscan::scan(virtual_repository::sources(&files), &config);
        let found = report.findings.iter().find(|finding| finding.rule.id == "explicit-root-user").expect("USER root");
        (found.node.clone(), found.fingerprint.clone())
    };
    let (node, first) = fingerprint("api/Dockerfile", "FROM node:24\nUSER root\nCMD [\"node\", \"a.js\"]\n");
    assert_eq!(node, "stages.0");
    let (_, moved) =
        fingerprint("api/Dockerfile", "# a comment\n\nFROM node:24\nUSER   root\nCMD [\"node\", \"a.js\"]\n");
    assert_eq!(first, moved, "lines and blanks have no part in the identity");
}

#[test]
fn a_build_is_found_from_the_folder_that_its_compose_file_is_started_in() {
    let base = "services:\n  db:\n    image: postgres:17\n";
    let dockerfile = ("web/Dockerfile", "FROM scratch\n");
    let included = "include:\n  - path: web/compose.yml\n    project_directory: .\n";
    let build = |context: &str| format!("services:\n  web:\n    build: {context}\n");
    for (why, files, expected) in [
        (
            "an included file that only makes sense in the including one's folder is no stack of its own",
            vec![("compose.yml", included), ("web/compose.yml", &*build("./web")), dockerfile],
            vec!["web/Dockerfile"],
        ),
        (
            "one that is included into its own folder may be started there as well",
            vec![("compose.yml", "include: [web/compose.yml]\n"), ("web/compose.yml", &*build(".")), dockerfile],
            vec!["web/Dockerfile", "web/Dockerfile"],
        ),
        (
            "a file that Compose does not look for is started from a folder above",
            vec![("compose.yml", base), ("extras/build.d/docker-compose.override.yml", &*build("./web")), dockerfile],
            vec!["web/Dockerfile"],
        ),
        (
            "one that lies on a file of a deeper folder",
            vec![
                ("tools/elastic/docker-compose.elastic-override.yml", &*build("../../elastic/search")),
                ("tools/elastic/search/Dockerfile", "FROM scratch\n"),
            ],
            vec!["tools/elastic/search/Dockerfile"],
        ),
        ("the default file is started where it is", vec![("deploy/compose.yml", &*build("./web")), dockerfile], vec![]),
    ] {
        let joined = Joined::of(&files);
        let built = joined.project.containers.iter().filter(|container| container.name == "web");
        let built = built.filter(|container| matches!(container.origin, Origin::Service { .. }));
        let built: Vec<&str> =
            built.filter_map(|container| Some(joined.configs(&[container.built.as_ref()?.document])[0])).collect();
        assert_eq!(built, expected, "{why}");
        assert_eq!(joined.project.stacks.iter().all(|stack| stack.gaps.is_empty()), !expected.is_empty(), "{why}");
    }
}

#[test]
fn configs_inside_other_files_are_read_and_found_at_their_places_there() {
    let joined = Joined::of(&[
        (
            "compose.yaml",
            "services:\n  web:\n    build:\n      context: .\n      dockerfile_inline: |\n        FROM nginx:1.27\n        USER $${NAME:-app}\n    configs:\n      - source:              site\n        target: /etc/nginx/conf.d/site.conf\nconfigs:\n  site:\n    content: |\n      server {\n        listen 81;\n      }\n",
        ),
        (
            "Dockerfile",
            "FROM nginx:1.27\nCOPY <<EOF /etc/nginx/conf.d/\nEOF\nRUN cat <<EOF > /etc/nginx/conf.d/a.conf\nserver { listen 82; }\nEOF\n",
        ),
    ]);
    let web = joined.container("web");
    let resolved = |span: Span| joined.place(joined.sources.resolve(span));
    let Fact::Known(user) = &web.user else { panic!("{:?}", web.user) };
    assert_eq!((user.value.name.as_str(), resolved(user.span)), ("app", "compose.yaml:7".to_owned()));
    let listens = |container: &Container| -> Vec<String> {
        let servers = container.servers.iter().filter_map(|&id| joined.project.nginx(id));
        servers.flat_map(|nginx| &nginx.directives).map(|directive| resolved(directive.span)).collect()
    };
    assert_eq!(listens(web), ["compose.yaml:14"]);
    let image = joined.project.containers.iter().find(|container| container.name != "web").expect("the Dockerfile's");
    assert_eq!(listens(image), ["Dockerfile:5"]);
}
