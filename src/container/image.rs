//! Image references (`distribution/reference`): registry, repository, tag, digest.

use super::facet::Scope;
use crate::source::Span;

/// An image reference, wherever one is named.
#[derive(Clone, Debug)]
pub struct Image {
    /// Where it belongs.
    pub scope: Scope,
    /// What names it.
    pub place: ImagePlace,
    /// The reference as written.
    pub span: Span,
    /// The reference with its variables' defaults put in.
    pub reference: String,
    /// Registry host with its port, when one is written.
    pub registry: Option<String>,
    /// Repository without `docker.io/` and `library/` (`postgres`, `bitnami/redis`).
    pub repository: String,
    /// Tag.
    pub tag: Option<String>,
    /// Digest (`sha256:…`).
    pub digest: Option<String>,
    /// No variable without a default is left in it.
    pub known: bool,
    /// A variable decides it (with a default, or set from outside).
    pub variable: bool,
    /// The image is built in this repository: a service has both `build` and `image`, or another builds it.
    pub built_here: bool,
}

/// What names an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagePlace {
    /// FROM.
    From,
    /// `COPY --from`.
    CopyFrom,
    /// `RUN --mount=from=`.
    MountFrom,
    /// `image` of a service.
    Service,
    /// `image` of a lifecycle hook.
    Hook,
}

/// The parts of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Registry host.
    pub registry: Option<String>,
    /// Repository without `library/`.
    pub repository: String,
    /// Tag.
    pub tag: Option<String>,
    /// Digest.
    pub digest: Option<String>,
}

/// Splits a reference the way Docker does: the first part is a registry when it holds a `.` or a `:` or is `localhost`.
pub fn split(reference: &str) -> Parts {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (reference, None),
    };
    let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    let (rest, tag) = match rest[name_start..].find(':') {
        Some(colon) => (&rest[..name_start + colon], Some(rest[name_start + colon + 1..].to_owned())),
        None => (rest, None),
    };
    let (registry, path) = match rest.split_once('/') {
        Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => (Some(first), path),
        _ => (None, rest),
    };
    let registry = registry.filter(|host| !matches!(*host, "docker.io" | "index.docker.io" | "registry-1.docker.io"));
    let path = if registry.is_none() { path.strip_prefix("library/").unwrap_or(path) } else { path };
    Parts {
        registry: registry.map(str::to_owned),
        repository: path.to_owned(),
        tag: tag.filter(|tag| !tag.is_empty()),
        digest: digest.filter(|digest| !digest.is_empty()),
    }
}

/// Whether a reference names a Windows image, whose RUN is for cmd or PowerShell; `platform` is what FROM asks for.
///
/// A digest alone decides which image it is, whatever tag and platform stand beside it. Other names with `windows` in them
/// are mostly Linux images that build or emulate something for Windows.
pub fn is_windows(reference: &str, platform: Option<&str>) -> bool {
    let parts = split(&reference.to_ascii_lowercase());
    let of_microsoft = parts.registry.as_deref() == Some("mcr.microsoft.com");
    if of_microsoft && ["windows", "dotnet/framework"].iter().any(|&family| is_within(&parts.repository, family)) {
        return true;
    }
    let tag = parts.tag.as_deref().filter(|_| parts.digest.is_none()).unwrap_or_default();
    let name = parts.repository.rsplit('/').next().unwrap_or_default();
    let editions = ["nanoserver", "servercore", "windowsservercore", "ltsc20"];
    let mut words = name.split(['-', '_', '.']).chain(tag.split(['-', '_', '.']));
    let platform = platform.filter(|_| parts.digest.is_none()).unwrap_or_default().to_ascii_lowercase();
    words.any(|word| editions.iter().any(|edition| word.starts_with(edition))) || is_within(&platform, "windows")
}

/// Whether a path is `whole` or something below it.
fn is_within(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Image {
    /// Last part of the repository (`redis` of `bitnami/redis`).
    pub fn short_name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or_default()
    }

    /// Registry and repository as one name, without Docker Hub's.
    pub fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }

    /// Registry and repository as one name, with what Docker puts in front (`docker.io/library/postgres`).
    pub fn full_name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None if self.repository.contains('/') => format!("docker.io/{}", self.repository),
            None => format!("docker.io/library/{}", self.repository),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_images_are_known_by_what_decides() {
        for reference in [
            "mcr.microsoft.com/windows/servercore:ltsc2025",
            "mcr.microsoft.com/windows@sha256:ab",
            "mcr.microsoft.com/dotnet/framework/aspnet:4.8",
            "mcr.microsoft.com/dotnet/sdk:9.0-nanoserver-ltsc2025",
            "MCR.microsoft.com/dotnet/sdk:9.0-WindowsServerCore-ltsc2025",
            "golang:1.25-windowsservercore",
            "jenkins/agent:windows-ltsc2022",
            "registry.example.com/base/nanoserver:1",
        ] {
            assert!(is_windows(reference, None), "{reference}");
        }
        for reference in [
            "dockurr/windows:4",
            "example.com/windows/servercode:1",
            "mcr.microsoft.com/windows-tools:1",
            "ghcr.io/cross-rs/x86_64-pc-windows-gnu:main",
            "alpine:nanoserver@sha256:ab",
            "alpine@sha256:ab",
            "",
        ] {
            assert!(!is_windows(reference, None), "{reference}");
            assert!(!is_windows(reference, Some("linux/amd64")), "{reference}");
        }
        for platform in ["windows", "windows/amd64", "Windows/amd64"] {
            assert!(is_windows("golang:1.25", Some(platform)), "{platform}");
            assert!(!is_windows("golang@sha256:ab", Some(platform)), "{platform}");
        }
        assert!(!is_windows("golang:1.25", Some("windowsish")));
    }

    #[test]
    fn references_split_as_docker_splits_them() {
        let parts = |registry: Option<&str>, repository: &str, tag: Option<&str>, digest: Option<&str>| Parts {
            registry: registry.map(Into::into),
            repository: repository.into(),
            tag: tag.map(Into::into),
            digest: digest.map(Into::into),
        };
        for (reference, expected) in [
            ("nginx", parts(None, "nginx", None, None)),
            ("docker.io/library/nginx:1.27", parts(None, "nginx", Some("1.27"), None)),
            ("ghcr.io/a/b:1", parts(Some("ghcr.io"), "a/b", Some("1"), None)),
            ("localhost:5000/x", parts(Some("localhost:5000"), "x", None, None)),
            ("localhost/x", parts(Some("localhost"), "x", None, None)),
            ("bitnami/redis:7@sha256:ab", parts(None, "bitnami/redis", Some("7"), Some("sha256:ab"))),
            ("nginx:", parts(None, "nginx", None, None)),
            ("", parts(None, "", None, None)),
        ] {
            assert_eq!(split(reference), expected, "{reference}");
        }
    }
}
