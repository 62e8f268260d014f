//! Files with credentials that a build copies into the image, by their names.

use super::Cx;
use crate::finding::{Confidence, Severity};
use crate::project::StageNode;
use crate::project::path;
use crate::secret::{self, Verdict};
use crate::syntax::Document;
use crate::syntax::dockerfile::Kind;

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

pub(in crate::rules) fn secret_file_copied(stage: &StageNode, cx: &mut Cx) {
    if !stage.reachable {
        return;
    }
    let project = cx.project;
    let Some(dockerfile) = project.dockerfile(stage.scope.document) else { return };
    let Some(body) = dockerfile.stages.get(stage.index).map(|stage| stage.body.clone()) else { return };
    for instruction in body.filter_map(|at| dockerfile.effective(at)) {
        let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else { continue };
        let from_stage = instruction.flag_value("from").is_some();
        for source in &transfer.sources {
            let destination = transfer.destination.as_str();
            let found = holds(source.as_str(), destination).or_else(|| becomes(source.as_str(), destination));
            let Some((what, sure)) = found else { continue };
            if !from_stage && is_harmless(source.as_str(), stage, cx) {
                continue;
            }
            let file = source.as_str().rsplit('/').find(|part| !part.is_empty()).unwrap_or_default();
            let message = match stage.shipped {
                true => format!("`{file}` ({what}) is copied into the image"),
                false => format!("`{file}` ({what}) is copied into a build stage"),
            };
            let finding = cx.report(source.span, message);
            finding
                .help("mount it for the one step that needs it: `RUN --mount=type=secret,id=…`")
                .evidence(source.as_str());
            if !sure {
                finding.severity(Severity::Medium).confidence(Confidence::Likely);
            }
            if !stage.shipped {
                finding.severity(Severity::Info);
            }
        }
    }
}

/// What a file of that name holds, and whether the name leaves no doubt; nothing where it is not for credentials.
fn holds(source: &str, destination: &str) -> Option<(&'static str, bool)> {
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
fn becomes(source: &str, destination: &str) -> Option<(&'static str, bool)> {
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
fn is_example(file: &str) -> bool {
    let signs =
        ["example", "sample", "template", "dist", "default", "test", "dummy", "fixture", ".pub", ".enc", "snakeoil"];
    signs.iter().any(|sign| file.contains(sign))
}

/// Whether the file is one of the repository that holds no secret: a `.env` file, or a `.npmrc` with settings alone.
fn is_harmless(source: &str, stage: &StageNode, cx: &Cx) -> bool {
    let document = stage.scope.document;
    let owners = cx.project.owners[document].iter();
    let contexts = owners.filter_map(|&owner| Some(cx.project.containers[owner].built.as_ref()?.context.as_str()));
    let mut paths = contexts.filter_map(|context| path::join(context, source));
    if source.ends_with(".npmrc") {
        let text = paths.find_map(|path| cx.sources.store().read(&path).ok());
        return text.is_some_and(|text| !logs_in(&String::from_utf8_lossy(&text)));
    }
    let Some(file) = paths.find_map(|path| cx.sources.find(&path)) else { return false };
    let Some(Document::Dotenv(_)) = cx.project.documents.iter().find(|document| document.file() == file) else {
        return false;
    };
    let own = cx.project.envs.iter().filter(|env| env.span.file == file);
    own.filter_map(secret::written).all(|written| matches!(written.verdict, Verdict::Plain | Verdict::Placeholder))
}

/// Whether a line of an `.npmrc` gives a login that is not put in from outside.
fn logs_in(npmrc: &str) -> bool {
    npmrc.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])).any(|line| {
        let lower = line.to_ascii_lowercase();
        (lower.contains("_auth") || lower.contains("_password")) && !line.contains("${")
    })
}
