//! Which files hold credentials: by their names, and by what is in them.

use super::{Verdict, name, token, url, value};
use crate::source::FileId;
use crate::syntax::dotenv;

/// Last parts of paths of files and folders that hold credentials, with what they are.
const STORES: &[(&str, &str)] = &[
    (".ssh", "a folder of SSH keys"),
    (".npmrc", "npm's login"),
    (".pypirc", "PyPI's login"),
    (".netrc", "logins for hosts"),
    ("_netrc", "logins for hosts"),
    (".git-credentials", "git's logins"),
    (".aws", "logins for AWS"),
    (".aws/credentials", "logins for AWS"),
    (".azure", "logins for Azure"),
    (".kube", "logins for Kubernetes"),
    (".kube/config", "logins for Kubernetes"),
    ("kubeconfig", "logins for Kubernetes"),
    (".docker/config.json", "logins for registries"),
    (".dockercfg", "logins for registries"),
    (".pgpass", "PostgreSQL's passwords"),
    (".my.cnf", "MySQL's login"),
    (".htpasswd", "passwords"),
    (".vault-token", "a Vault token"),
    (".gnupg", "a folder of PGP keys"),
    (".s3cfg", "logins for S3"),
    (".boto", "logins for Google Cloud"),
    (".gem/credentials", "RubyGems' login"),
    (".cargo/credentials", "crates.io's login"),
    (".cargo/credentials.toml", "crates.io's login"),
    ("terraform.tfstate", "Terraform's state"),
    ("master.key", "the key of Rails' credentials"),
    ("credentials.json", "credentials"),
    ("secrets.yml", "secrets"),
    ("secrets.yaml", "secrets"),
    ("secrets.json", "secrets"),
    ("secrets.env", "secrets"),
    ("application_default_credentials.json", "logins for Google Cloud"),
];

/// What `ssh-keygen` calls private keys; what stands in front or behind says which one it is.
const SSH_KEYS: [&str; 4] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];

/// Endings of key stores.
const KEY_STORES: [&str; 6] = [".p12", ".pfx", ".jks", ".keystore", ".kdbx", ".ppk"];

/// What a file of that name holds, and whether the name leaves no doubt; nothing where it is not for credentials.
pub fn holds(source: &str, destination: &str) -> Option<(&'static str, bool)> {
    if source.contains("://") {
        return None;
    }
    let lower = source.trim_end_matches(['/', '*']).trim_start_matches("./").to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    if is_example(file) {
        return None;
    }
    if let Some(what) = store(&lower) {
        // Most of these only name a registry.
        return Some((what, !matches!(file, ".npmrc" | ".htpasswd" | "secrets.yml" | "secrets.yaml")));
    }
    if file == ".env" || file.starts_with(".env.") {
        return Some(("variables, secret ones among them", file == ".env"));
    }
    // Those of the certificates that are trusted hold no private key.
    let trusted = file.contains("trust") || file.contains("cacert");
    if KEY_STORES.iter().any(|ending| file.ends_with(ending)) && !trusted {
        return Some(("a key store", true));
    }
    let google = ["service-account", "serviceaccount", "service_account", "client_secret", "adminsdk"];
    if file.ends_with(".json") && google.iter().any(|name| file.contains(name)) {
        return Some(("logins for Google Cloud", true));
    }
    if file.ends_with("-credentials.json") || file.ends_with("_credentials.json") {
        return Some(("credentials", true));
    }
    if file.ends_with(".tfvars") {
        return Some(("Terraform's variables", false));
    }
    // Keys that packages are checked with are public.
    let packages =
        ["/etc/apt", "/usr/share/keyrings", "/etc/apk", "/etc/pki", "rpm-gpg", "/usr/local/share/ca-certificates"];
    let public = [
        "sign", "gpg", "apt", "repo", "pub", "public", "archive", "keyring", "cert", "chain", "ca", "root", "bundle",
        "dhparam",
    ];
    if packages.iter().any(|folder| destination.contains(folder)) {
        return None;
    }
    let words: Vec<&str> = file.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let is_public =
        words.iter().any(|word| public.iter().any(|known| word == known || known.len() > 3 && word.contains(known)));
    if file.ends_with(".key") && !is_public {
        return Some(("a private key", true));
    }
    if file.ends_with(".pem")
        && (file.contains("key") || file.contains("priv"))
        && !words.contains(&"pub")
        && !file.contains("public")
    {
        return Some(("a private key", true));
    }
    (file.ends_with(".pem") && !is_public).then_some(("a certificate or a private key", false))
}

/// What a file of that path is for, where it is one of [`STORES`] or a private SSH key; in lower case.
fn store(path: &str) -> Option<&'static str> {
    let file = path.rsplit('/').next().unwrap_or_default();
    let is_key = |name: &str| {
        let Some((front, rest)) = file.split_once(name) else { return false };
        let extension = rest.rsplit_once('.').map_or("", |(_, extension)| extension);
        !front.ends_with(|c: char| c.is_ascii_alphanumeric())
            && !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
            && matches!(extension, "" | "key" | "pem" | "bak" | "old" | "ppk")
    };
    if SSH_KEYS.iter().any(|name| is_key(name)) {
        return Some("a private SSH key");
    }
    let is = |name: &str| path == name || path.strip_suffix(name).is_some_and(|front| front.ends_with('/'));
    STORES.iter().find(|(name, _)| is(name)).map(|(_, what)| *what)
}

/// What a file of any name becomes where the image keeps it: `COPY key /root/.ssh/id_rsa`.
pub fn becomes(source: &str, destination: &str) -> Option<(&'static str, bool)> {
    let file = |path: &str| path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    // Into a folder a file goes under its own name.
    if destination.ends_with('/') || source.contains("://") || source.starts_with("<<") || is_example(&file(source)) {
        return None;
    }
    let lower = destination.to_ascii_lowercase();
    let what = store(&lower).filter(|what| !is_example(&file(destination)) && !what.starts_with("a folder"))?;
    let folder = [".aws", ".azure", ".kube"].contains(&file(destination).as_str());
    (!folder).then_some((what, what == "a private SSH key"))
}

/// Whether a file says by its name, in lower case, that it is public or made up.
pub fn is_example(file: &str) -> bool {
    let signs =
        ["example", "sample", "template", "dist", "default", "test", "dummy", "fixture", ".pub", ".enc", "snakeoil"];
    signs.iter().any(|sign| file.contains(sign))
}

/// Whether a file says by its name that it is one to be copied and filled in; with `folders` those of its folders count.
pub fn is_to_fill_in(path: &str, folders: bool) -> bool {
    const SIGNS: [&str; 9] =
        ["example", "examples", "sample", "samples", "template", "templates", "dist", "tmpl", "tpl"];
    let path = path.to_ascii_lowercase();
    let (above, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let says = |part: &str| SIGNS.contains(&part);
    name.split(['.', '-', '_']).any(|part| says(part) || part == "default" || part == "defaults")
        || folders && above.split('/').any(says)
}

/// Whether a line of an `.npmrc` gives a login that is not put in from outside.
pub fn logs_in(npmrc: &str) -> bool {
    npmrc.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])).any(|line| {
        let lower = line.to_ascii_lowercase();
        (lower.contains("_auth") || lower.contains("_password")) && !line.contains("${")
    })
}

/// What a file of the build context holds that nobody is meant to get with the image, and whether the name leaves no doubt:
/// what [`holds`] knows, repositories, Terraform's state, copies of databases. `path` has a `/` behind it for a folder.
pub fn leaks(path: &str) -> Option<(&'static str, bool)> {
    let lower = path.to_ascii_lowercase();
    if let Some(folder) = lower.strip_suffix('/') {
        let name = folder.rsplit('/').next().unwrap_or_default();
        return match name {
            ".git" => Some(("the whole history", false)),
            ".ssh" | ".aws" | ".gnupg" | ".kube" | ".azure" => store(name).map(|what| (what, true)),
            _ => None,
        };
    }
    let file = lower.rsplit('/').next().unwrap_or_default();
    if is_example(file) {
        return None;
    }
    if file.ends_with(".tfstate") || file.ends_with(".tfstate.backup") {
        return Some(("Terraform's state", true));
    }
    let copied = ["dump", "backup"].iter().any(|word| file.contains(word));
    let archive = [".sql", ".sql.gz", ".sql.bz2", ".sql.xz", ".sql.zst"].iter().any(|ending| file.ends_with(ending));
    if copied && archive || file.ends_with(".pgdump") {
        return Some(("a copy of a database", false));
    }
    // Passwords of Apache are hashes, and secrets of a Rails application may be encrypted.
    holds(path, "").filter(|_| !matches!(file, ".htpasswd" | "secrets.yml" | "secrets.yaml" | "credentials.json"))
}

/// What is in a file that has the name of one with secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// No secret.
    Harmless,
    /// Nothing but credentials that everybody knows.
    Guessable,
    /// A secret.
    Secret,
}

/// What is in a file of a name that [`leaks`] or [`holds`] knows; nothing where its text does not tell.
pub fn contents(path: &str, text: &str) -> Option<Contents> {
    let lower = path.to_ascii_lowercase();
    let file = lower.rsplit('/').next().unwrap_or_default();
    let ends = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));
    let secret = |secret: bool| Some(if secret { Contents::Secret } else { Contents::Harmless });
    if file == ".env" || file.starts_with(".env.") || file.ends_with(".env") {
        return Some(match variables(text) {
            Some(Verdict::Default) => Contents::Guessable,
            Some(_) => Contents::Secret,
            None => Contents::Harmless,
        });
    }
    if file == ".npmrc" {
        return secret(logs_in(text));
    }
    if ends(&[".pem", ".key"]) || SSH_KEYS.iter().any(|name| file.contains(name)) {
        return secret(text.contains("PRIVATE KEY"));
    }
    if file.ends_with(".json") {
        return secret(["private_key", "secret", "auth"].iter().any(|word| text.contains(word)));
    }
    None
}

/// The worst of what a `.env` file gives its credentials: a secret, or a value that everybody knows; nothing where it holds
/// neither.
pub fn variables(text: &str) -> Option<Verdict> {
    /// Bytes that are looked at: a file of variables has few, and many services may share it.
    const MOST: usize = 64 << 10;
    let text = &text[..text.floor_char_boundary(MOST)];
    let mut guessable = false;
    for entry in dotenv::parse(FileId(0), text).entries {
        let text = entry.value.as_ref().and_then(|value| value.literal()).unwrap_or_default();
        let connects = url::find(text).iter().any(|connection| !connection.sample);
        if connects || token::find(text).iter().any(|token| !token.sample) {
            return Some(Verdict::Secret { random: true });
        }
        match name::shape(entry.name.as_str()).map(|shape| value::judge(shape, text)) {
            Some(verdict @ Verdict::Secret { .. }) => return Some(verdict),
            Some(Verdict::Default) => guessable = true,
            _ => {}
        }
    }
    guessable.then_some(Verdict::Default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_context_is_known_by_its_name() {
        for (path, expected) in [
            (".git/", Some(false)),
            ("deploy/.ssh/", Some(true)),
            ("src/", None),
            (".env", Some(true)),
            (".env.example", None),
            ("infra/prod.tfstate", Some(true)),
            ("infra/prod.tfstate.backup", Some(true)),
            ("db/dump-2024.sql.gz", Some(false)),
            ("db/schema.sql", None),
            ("certs/server.key", Some(true)),
            ("certs/ca.pem", None),
            ("id_rsa.pub", None),
            ("config/secrets.yml", None),
        ] {
            assert_eq!(leaks(path).map(|(_, sure)| sure), expected, "{path}");
        }
    }

    #[test]
    fn what_is_in_a_file_settles_what_its_name_suggests() {
        use Contents::{Guessable, Harmless, Secret};
        for (path, text, expected) in [
            (".env", "PORT=80\nDB_PASSWORD=\n", Some(Harmless)),
            (".env", "DB_PASSWORD=<password>\n", Some(Harmless)),
            (".env", "DB_PASSWORD=postgres\n", Some(Guessable)),
            (".env", "DATABASE_URL=postgres://app:vLp92kQz@db/app\n", Some(Secret)),
            (".npmrc", "engine-strict=true\n", Some(Harmless)),
            (".npmrc", "//registry.npmjs.org/:_authToken=abcdef\n", Some(Secret)),
            ("a.pem", "-----BEGIN CERTIFICATE-----\n", Some(Harmless)),
            ("store.p12", "", None),
        ] {
            assert_eq!(contents(path, text), expected, "{path}: {text}");
        }
    }
}
