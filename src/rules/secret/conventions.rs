//! Images that read a credential from a file.

use super::Cx;
use crate::container::{Container, Image};
use crate::finding::Severity;
use crate::syntax::compose::Compose;

/// How an image is told the file of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `NAME_FILE`.
    Behind(&'static str),
    /// `FILE__NAME`.
    Front(&'static str),
}

/// Images, the variables that they read from files (or what those begin with), and how; from their documentation.
const IMAGES: &[(&[&str], &[&str], Form)] = &[
    (
        &["postgres", "postgis/postgis", "pgvector/pgvector", "timescale/timescaledb"],
        &["POSTGRES_PASSWORD"],
        Form::Behind("_FILE"),
    ),
    (
        &["mysql", "mariadb", "percona"],
        &["MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD", "MARIADB_ROOT_PASSWORD", "MARIADB_PASSWORD"],
        Form::Behind("_FILE"),
    ),
    (&["mongo"], &["MONGO_INITDB_ROOT_PASSWORD"], Form::Behind("_FILE")),
    (&["mongo-express"], &["ME_CONFIG_MONGODB_ADMINPASSWORD", "ME_CONFIG_BASICAUTH_PASSWORD"], Form::Behind("_FILE")),
    (&["wordpress"], &["WORDPRESS_"], Form::Behind("_FILE")),
    (
        &["nextcloud"],
        &["MYSQL_PASSWORD", "POSTGRES_PASSWORD", "NEXTCLOUD_ADMIN_PASSWORD", "REDIS_HOST_PASSWORD", "SMTP_PASSWORD"],
        Form::Behind("_FILE"),
    ),
    (&["joomla"], &["JOOMLA_DB_PASSWORD"], Form::Behind("_FILE")),
    (&["redmine"], &["REDMINE_DB_PASSWORD", "REDMINE_SECRET_KEY_BASE"], Form::Behind("_FILE")),
    (
        &["phpmyadmin", "phpmyadmin/phpmyadmin"],
        &["PMA_PASSWORD", "MYSQL_ROOT_PASSWORD", "MYSQL_PASSWORD"],
        Form::Behind("_FILE"),
    ),
    (&["influxdb"], &["DOCKER_INFLUXDB_INIT_PASSWORD", "DOCKER_INFLUXDB_INIT_ADMIN_TOKEN"], Form::Behind("_FILE")),
    (&["minio/minio"], &["MINIO_ROOT_PASSWORD"], Form::Behind("_FILE")),
    (&["dpage/pgadmin4"], &["PGADMIN_DEFAULT_PASSWORD"], Form::Behind("_FILE")),
    (&["elasticsearch", "elasticsearch/elasticsearch"], &["ELASTIC_PASSWORD"], Form::Behind("_FILE")),
    (&["vaultwarden/server"], &[""], Form::Behind("_FILE")),
    (&["n8nio/n8n"], &["N8N_", "DB_"], Form::Behind("_FILE")),
    (&["paperless-ngx/paperless-ngx"], &["PAPERLESS_"], Form::Behind("_FILE")),
    (&["grafana/grafana", "grafana/grafana-oss", "grafana/grafana-enterprise"], &["GF_"], Form::Behind("__FILE")),
    (&["gitea/gitea"], &["GITEA__"], Form::Behind("__FILE")),
    (&["linuxserver/"], &[""], Form::Front("FILE__")),
];

pub(in crate::rules) fn file_convention_unused(container: &Container, cx: &mut Cx) {
    let project = cx.project;
    let (Some(service), Some(model)) = (project.service(container), project.model_of(container)) else { return };
    if container.built.is_some() || model.secrets.is_empty() && service.uncommon.secrets.is_empty() {
        return;
    }
    let Some(image) = container.image.as_ref().filter(|image| image.known) else { return };
    for env in &container.env {
        let name = env.name.value.as_str();
        // A literal is another rule's.
        let open = env.value.as_ref().is_none_or(|value| !env.known && !value.value.is_empty());
        let Some(file) = file_variable(image, name).filter(|_| open) else { continue };
        let set = container.env(&file);
        let declared = !service.uncommon.secrets.is_empty() || has_secret_for(model, name);
        if set.is_none() && !declared {
            continue;
        }
        let image = image.name();
        let message = match set {
            Some(_) => format!("both `{name}` and `{file}` are set, of which `{image}` takes only one"),
            None => format!("`{name}` is passed as a variable, although `{image}` reads it from a file with `{file}`"),
        };
        let finding = cx.report(env.span, message);
        finding.help(format!("set `{file}: /run/secrets/…` and mount the secret with `secrets`")).evidence(name);
        match set {
            Some(set) => drop(finding.severity(Severity::Medium).related(set.span, "the file is set here")),
            None => {
                let secrets = service.uncommon.secrets.first().map(|secret| secret.span);
                let place = secrets.or_else(|| model.secrets.first().map(|secret| secret.name.span));
                if let Some(place) = place {
                    finding.related(place, "secrets are in use here already");
                }
            }
        }
    }
}

/// The variable by which an image is told the file of another one, where it reads that from a file and it is a credential.
fn file_variable(image: &Image, name: &str) -> Option<String> {
    let credential = crate::secret::name::shape(name).is_some_and(|shape| shape > crate::secret::Shape::Key);
    let repository = image.repository.as_str();
    let (_, names, form) = IMAGES.iter().find(|(images, ..)| {
        images.iter().any(|known| repository == *known || known.ends_with('/') && repository.starts_with(known))
    })?;
    let fits = |known: &&str| name == *known || (known.ends_with('_') || known.is_empty()) && name.starts_with(*known);
    if !credential || !names.iter().any(fits) {
        return None;
    }
    Some(match form {
        Form::Behind(ending) => format!("{name}{ending}"),
        Form::Front(front) => format!("{front}{name}"),
    })
}

/// Whether a secret of the stack is for the variable, by its name.
fn has_secret_for(model: &Compose, variable: &str) -> bool {
    let plain = |text: &str| -> String {
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| char::from(byte.to_ascii_lowercase())).collect()
    };
    let variable = plain(variable);
    model.secrets.iter().any(|secret| {
        let secret = plain(&secret.name.value);
        secret.len() >= 6 && (secret.contains(&variable) || variable.contains(&secret))
    })
}
