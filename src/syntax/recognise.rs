//! Which file is what: by its name and, where the name is not enough, by its content.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::memrchr;

use super::{compose, nginx, supervisor, yaml};
use crate::source::{FileId, Kind};

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is a config of this kind, whatever it holds, for this reason (a clause: `named Dockerfile`).
    Taken(Kind, String),
    /// Its content decides which of these it is, if any, tried in order.
    Ask(&'static [Kind]),
}

/// Endings of `Dockerfile.*` and `.env.*` names that say that the file is something else: the file is only taken when
/// its content is a Dockerfile's. `.in`, `.j2` and the like are templates that nobody builds before they are rendered.
const OTHER_ENDINGS: &[&str] = &[
    "adoc", "asc", "bat", "c", "cfg", "cjs", "cs", "css", "diff", "ejs", "enc", "erb", "ex", "exs", "go", "gotmpl",
    "gpg", "gz", "h", "hbs", "html", "in", "ini", "ipynb", "j2", "java", "jinja", "jinja2", "js", "json", "kt",
    "liquid", "lock", "log", "lua", "m4", "md", "mdx", "mjs", "mustache", "orig", "patch", "php", "pl", "png", "ps1",
    "py", "rb", "rej", "rs", "rst", "scala", "sh", "sha256", "sig", "snap", "sum", "svg", "swift", "swp", "tar",
    "template", "tf", "tmpl", "toml", "tpl", "ts", "tsx", "txt", "vim", "xml", "yaml", "yml", "zip",
];

/// Endings of templates, of which the content shows whether they can be read as they are.
const TEMPLATE_ENDINGS: &[&str] = &[
    "ejs", "erb", "gotmpl", "hbs", "in", "j2", "jinja", "jinja2", "liquid", "m4", "mustache", "template", "tmpl", "tpl",
];

/// Endings of `.env.*` files that are there to be copied and filled in.
const EXAMPLE_ENDINGS: &[&str] = &["default", "defaults", "dist", "example", "sample", "template", "tmpl", "tpl"];

/// What the names of Dockerfiles and of Containerfiles have in common, looked for in every name of a repository.
static ENDING_OF_BOTH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("erfile"));

/// What the name of the file at `path` (`/` between its parts) says; nothing for a file that no config is named like.
///
/// The names are those that the programs look for themselves (`docker build`, Compose, supervisord, nginx), those that
/// their documentation uses for variants, and for `.conf`, `.ini` and `*compose*.yaml` whatever the content proves.
/// Letter case does not matter: BuildKit itself falls back to `dockerfile`.
pub fn by_name(path: &str) -> Option<Verdict> {
    let (folders, shown) = memrchr(b'/', path.as_bytes()).map_or(("", path), |at| (&path[..at], &path[at + 1..]));
    let name = shown.to_ascii_lowercase();
    let named = |kind| Some(Verdict::Taken(kind, format!("named {shown}")));
    let ending = memrchr(b'.', name.as_bytes()).map_or("", |at| &name[at + 1..]);
    let other = || OTHER_ENDINGS.binary_search(&ending).is_ok() || name.ends_with('~');

    if ending == "dockerignore" || ending == "containerignore" {
        return None;
    }
    if ENDING_OF_BOTH.find(name.as_bytes()).is_some() && (name.contains("dockerfile") || name.contains("containerfile"))
    {
        let plain = name == "dockerfile"
            || name.starts_with("dockerfile.")
            || name.starts_with("containerfile")
            || matches!(ending, "dockerfile" | "containerfile");
        return if plain && !other() { named(Kind::Dockerfile) } else { Some(Verdict::Ask(&[Kind::Dockerfile])) };
    }
    if let Some(variant) = name.strip_prefix(".env.") {
        return if EXAMPLE_ENDINGS.iter().any(|example| variant.split('.').any(|part| part == *example)) {
            Some(Verdict::Taken(Kind::Dotenv, format!("named {shown}, an example")))
        } else if other() {
            None
        } else {
            named(Kind::Dotenv)
        };
    }
    if ending == "env" {
        return named(Kind::Dotenv);
    }
    if matches!(ending, "yml" | "yaml") {
        return match name.trim_end_matches(ending).trim_end_matches('.') {
            "compose" | "docker-compose" | "compose.override" | "docker-compose.override" => named(Kind::Compose),
            stem if stem.contains("compose") => Some(Verdict::Ask(&[Kind::Compose])),
            _ => None,
        };
    }
    if name == "nginx.conf" {
        return named(Kind::Nginx);
    }
    if name.starts_with("supervisord") && ending == "conf" {
        return named(Kind::Supervisor);
    }
    match ending {
        "conf" => Some(Verdict::Ask(&[Kind::Supervisor, Kind::Nginx])),
        "template" if name.ends_with(".conf.template") => Some(Verdict::Ask(&[Kind::Supervisor, Kind::Nginx])),
        "ini" => Some(Verdict::Ask(&[Kind::Supervisor])),
        "nginx" => Some(Verdict::Ask(&[Kind::Nginx])),
        _ if name.starts_with("sites-") => Some(Verdict::Ask(&[Kind::Nginx])),
        _ if folders.rsplit('/').next().is_some_and(|folder| folder.starts_with("sites-")) => {
            Some(Verdict::Ask(&[Kind::Nginx]))
        }
        _ => None,
    }
}

/// What the file at `path` is, and why, as a clause; nothing when it is no config that confscan reads.
pub fn recognise(path: &str, text: &str) -> Option<(Kind, String)> {
    match by_name(path)? {
        // Folders of supervisord's programs hold one for nginx under this name.
        Verdict::Taken(Kind::Nginx, _) if supervisor::looks_like(text) && !nginx::looks_like(text) => {
            Some((Kind::Supervisor, "has supervisord sections".to_owned()))
        }
        Verdict::Taken(kind, why) => Some((kind, why)),
        Verdict::Ask(_) if is_template(path, text) => None,
        Verdict::Ask(kinds) => among(kinds, text).or_else(|| {
            (kinds.contains(&Kind::Compose) && is_compose(path, text))
                .then(|| (Kind::Compose, "has the keys of a Compose file".to_owned()))
        }),
    }
}

/// What `text` is by its content alone, for a file that was named by the user.
pub fn by_content(text: &str) -> Option<(Kind, String)> {
    among(&[Kind::Dockerfile, Kind::Supervisor, Kind::Compose, Kind::Nginx], text)
}

/// Whether the file at `path` is the template of a config and has places that are still to be filled in, so that no
/// program would read it as it is. The name must say so too: a few characters in a comment must not hide a real config.
pub fn is_template(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ending = memrchr(b'.', name.as_bytes()).map_or("", |at| &name[at + 1..]);
    // `compose.tmpl.yml` says so in front of its ending.
    name.split('.').skip(1).any(|part| TEMPLATE_ENDINGS.contains(&part))
        && matches!(by_name(path), Some(Verdict::Ask(_)))
        && (["{{", "{%", "<%", "%%"].iter().any(|mark| text.contains(mark)) || ending == "in" && text.contains('@'))
}

/// The first of `kinds` that `text` looks like, and why.
fn among(kinds: &[Kind], text: &str) -> Option<(Kind, String)> {
    kinds.iter().find_map(|kind| {
        let why = match kind {
            Kind::Dockerfile if looks_like_dockerfile(text) => "begins with FROM",
            Kind::Supervisor if supervisor::looks_like(text) => "has supervisord sections",
            Kind::Compose if compose::looks_like(text) => "has a services mapping",
            Kind::Nginx if nginx::looks_like(text) => "has nginx directives",
            _ => return None,
        };
        Some((*kind, why.to_owned()))
    })
}

/// Whether a YAML file that is named like Compose is one, judged by its tree: `services :`, `"services":` in braces or
/// an indented document are as good as `services:` on a line of its own, and must hide nothing. An overlay
/// (`docker-compose.prod.yml`) need not have services: it may only include other files or change volumes.
fn is_compose(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let overlay = ["docker-compose", "compose."].iter().any(|start| name.starts_with(start));
    let tree = yaml::parse(FileId(0), text);
    tree.documents.first().is_some_and(|root| {
        root.get("services").is_some_and(yaml::Node::is_mapping)
            || overlay
                && ["include", "volumes", "networks", "secrets", "configs"].iter().any(|key| {
                    root.get(key).is_some_and(|value| value.is_mapping() || *key == "include" && value.is_sequence())
                })
    })
}

/// Whether the first instructions are those that a Dockerfile must begin with: any number of `ARG`, then `FROM` with
/// one image and perhaps `AS name`.
fn looks_like_dockerfile(text: &str) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut code = std::iter::from_fn(|| lines.by_ref().find(|line| !line.is_empty() && !line.starts_with('#')));
    // Enough for every real preamble, and a bound on what a large file of another kind costs.
    for _ in 0..1000 {
        let Some(line) = code.next() else {
            return false;
        };
        let mut line = line.to_owned();
        while let Some(rest) = line.strip_suffix(['\\', '`']) {
            line.truncate(rest.len());
            match code.next() {
                Some(next) => line.push_str(next),
                None => break,
            }
        }
        let mut words = line.split_whitespace();
        let keyword = words.next().unwrap_or_default();
        if keyword.eq_ignore_ascii_case("ARG") && words.next().is_some() {
            continue;
        }
        if !keyword.eq_ignore_ascii_case("FROM") {
            return false;
        }
        let words: Vec<&str> = words.skip_while(|word| word.starts_with("--")).take(4).collect();
        return match words[..] {
            [_] => true,
            [_, alias, _] => alias.eq_ignore_ascii_case("AS"),
            _ => false,
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: &str =
        "# syntax=docker/dockerfile:1\nARG V=1 \\\n  W=2\nFROM --platform=$P alpine:$V AS base\nRUN x\n";
    const COMPOSE: &str = "services:\n  web:\n    image: x\n";
    const SUPERVISOR: &str = "; c\n[program:web]\ncommand=x\n";
    const NGINX: &str = "server {\n  listen 80;\n  root /srv;\n}\n";

    #[test]
    fn names_and_content_decide_what_a_file_is() {
        use Kind::{Compose, Dockerfile, Dotenv, Nginx, Supervisor};
        let cases: &[(&str, &str, Option<Kind>)] = &[
            // By name, whatever the content.
            ("Dockerfile", "", Some(Dockerfile)),
            ("a/b/dockerfile", "x", Some(Dockerfile)),
            ("Dockerfile.dev", "", Some(Dockerfile)),
            ("Dockerfile.3.12-slim", "", Some(Dockerfile)),
            ("web.Dockerfile", "", Some(Dockerfile)),
            ("web.dockerfile", "", Some(Dockerfile)),
            ("Containerfile", "", Some(Dockerfile)),
            ("Containerfile-web", "", Some(Dockerfile)),
            ("Containerfile.dev", "", Some(Dockerfile)),
            ("compose.yaml", "x", Some(Compose)),
            ("compose.yml", "", Some(Compose)),
            ("docker-compose.yml", "", Some(Compose)),
            ("docker-compose.override.yaml", "", Some(Compose)),
            ("supervisord.conf", "", Some(Supervisor)),
            ("etc/supervisord-web.conf", "", Some(Supervisor)),
            ("nginx.conf", "", Some(Nginx)),
            ("supervisor.d/nginx.conf", SUPERVISOR, Some(Supervisor)),
            (".env", "", Some(Dotenv)),
            (".env.production", "", Some(Dotenv)),
            (".env.example", "", Some(Dotenv)),
            (".env.prod.template", "", Some(Dotenv)),
            ("config/web.env", "", Some(Dotenv)),
            // By content.
            ("Dockerfile-base", IMAGE, Some(Dockerfile)),
            ("Dockerfile-base", "notes", None),
            ("web-dockerfile", IMAGE, Some(Dockerfile)),
            ("Dockerfile.txt", IMAGE, Some(Dockerfile)),
            ("docker-compose.prod.yml", COMPOSE, Some(Compose)),
            ("compose-lint.yaml", "rules:\n  a: 1\n", None),
            ("docker-compose.prod.yml", "services :\n  web: {image: x}\n", Some(Compose)),
            ("docker-compose.prod.yml", "  ? services\n  : web: {image: x}\n", Some(Compose)),
            ("docker-compose.prod.yml", "--- {x-a: 1, \"\\x73ervices\": {web: {image: x}}}\n", Some(Compose)),
            ("docker-compose.multi.yml", "include:\n  - other.yml\n", Some(Compose)),
            ("compose.volumes.yaml", "volumes:\n  data:\n", Some(Compose)),
            ("docker-compose-test.yml", "on: push\njobs:\n  services: {}\n", None),
            ("test-compose.yml", "volumes:\n  data:\n", None),
            ("compose.x.yaml", "services: [a]\n", None),
            ("web.conf", SUPERVISOR, Some(Supervisor)),
            ("web.ini", SUPERVISOR, Some(Supervisor)),
            ("php.ini", "[PHP]\nmemory_limit = 1G\n", None),
            ("default.conf", NGINX, Some(Nginx)),
            ("default.conf", "Listen 80\n<VirtualHost *>\n", None),
            ("default.conf.template", NGINX, Some(Nginx)),
            ("site.nginx", NGINX, Some(Nginx)),
            ("sites-enabled/default", NGINX, Some(Nginx)),
            ("sites-available/example.com", "location / {\n  root /srv;\n}\n", Some(Nginx)),
            // Other things that are named like configs.
            ("Dockerfile.dockerignore", "node_modules\n", None),
            (".dockerignore", "node_modules\n", None),
            ("Dockerfile.md", "# Dockerfile\n\nFROM is the first instruction.\n", None),
            ("dockerfile_parser.py", "from dockerfile import parse\n", None),
            ("Dockerfile.j2", "FROM {{ base }}\n", None),
            ("Dockerfile.j2", IMAGE, Some(Dockerfile)),
            ("Dockerfile.template", "FROM node:0.0.0 \nRUN %%X%%\n", None),
            ("Dockerfile.in", "FROM @BASE@\n", None),
            ("docker-compose.tmpl.yml", "services:\n  {{range .}}\n  a: {}\n  {{end}}\n", None),
            ("docker-compose.tmpl.yml", COMPOSE, Some(Compose)),
            ("default.conf.template", "server {\n  listen {{ port }};\n}\n", None),
            (".env.js", "module.exports = {}\n", None),
            (".envrc", "export A=1\n", None),
            ("environment", "A=1\n", None),
            ("values.yaml", COMPOSE, None),
            ("nginx.md", NGINX, None),
            ("sites-enabled/README.md", "# Sites\n", None),
        ];
        for (path, text, kind) in cases {
            assert_eq!(recognise(path, text).map(|(kind, _)| kind), *kind, "{path} {text:?}");
        }
    }

    #[test]
    fn the_reason_names_what_decided() {
        let why = |path, text| recognise(path, text).map(|(_, why)| why).unwrap_or_default();
        assert_eq!(why("a/Dockerfile.dev", ""), "named Dockerfile.dev");
        assert_eq!(why(".env.example", ""), "named .env.example, an example");
        assert_eq!(why("docker-compose.prod.yml", COMPOSE), "has a services mapping");
        assert_eq!(why("web.conf", SUPERVISOR), "has supervisord sections");
        assert_eq!(why("web.conf", NGINX), "has nginx directives");
        assert_eq!(why("Dockerfile-x", IMAGE), "begins with FROM");
    }

    #[test]
    fn content_alone_tells_the_kinds_apart() {
        for (text, kind) in [
            (IMAGE, Some(Kind::Dockerfile)),
            (COMPOSE, Some(Kind::Compose)),
            (SUPERVISOR, Some(Kind::Supervisor)),
            (NGINX, Some(Kind::Nginx)),
            ("A=1\n", None),
            ("", None),
        ] {
            assert_eq!(by_content(text).map(|(kind, _)| kind), kind, "{text:?}");
        }
    }

    #[test]
    fn a_dockerfile_begins_with_arguments_and_one_from() {
        for (text, yes) in [
            ("from alpine as x", true),
            ("\u{feff}\n# c\nFROM a\n", true),
            ("FROM a b", false),
            ("FROM", false),
            ("from x import y", false),
            ("RUN x\nFROM a", false),
            ("ARG\nFROM a", false),
            ("ARG A=\\\n", false),
        ] {
            assert_eq!(looks_like_dockerfile(text), yes, "{text:?}");
        }
        assert!(!looks_like_dockerfile(&"ARG A\n".repeat(100_000)));
        assert!(!looks_like_dockerfile(&"\\\n".repeat(100_000)));
    }

    #[test]
    fn the_endings_are_sorted() {
        assert!(OTHER_ENDINGS.is_sorted());
        assert!(TEMPLATE_ENDINGS.iter().all(|ending| OTHER_ENDINGS.contains(ending)));
    }
}
