//! Which files of the repository the `include` directives of nginx configs bring in.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{Settings, path};
use crate::container::DocumentId;
use crate::limit::{Exceeded, NGINX_INCLUDES};
use crate::source::{FileId, Sources, Span};
use crate::syntax::Document;
use crate::syntax::nginx::Nginx;

/// Parts of a path that are compared; longer ones are taken from their end.
const MAX_PARTS: usize = 16;

/// Where nginx expects its configs in most images.
pub(super) const PREFIX: &str = "/etc/nginx";

/// A config that lands in a container: the container's index, the document, and the path in the container.
pub(super) type Placed = (usize, DocumentId, String);

/// What the `include` directives of nginx configs bring in.
#[derive(Debug, Default)]
pub struct Includes {
    /// By the span of the directive, in the order in which nginx reads them.
    files: HashMap<Span, Arc<[DocumentId]>>,
    included: HashSet<FileId>,
    /// The first `include` directives that were left alone because there are too many of them.
    pub(super) exceeded: Vec<Exceeded>,
}

impl Includes {
    /// The documents that the `include` at `span` reads; nothing where none of them is in the repository.
    pub fn of(&self, span: Span) -> &[DocumentId] {
        self.files.get(&span).map_or(&[], |found| found)
    }

    /// Whether another config includes the file, so that it is read as a part of that one.
    pub fn is_included(&self, file: FileId) -> bool {
        self.included.contains(&file)
    }

    /// Resolves every include.
    pub(super) fn resolve(
        documents: &[Document],
        sources: &Sources,
        placed: &[Placed],
        settings: &dyn Settings,
    ) -> Includes {
        let mut fragments: BTreeMap<(&str, &str), DocumentId> = BTreeMap::new();
        let configs: Vec<(DocumentId, &Nginx)> = documents
            .iter()
            .enumerate()
            .filter_map(|(id, document)| match document {
                Document::Nginx(nginx) => Some((id, nginx)),
                _ => None,
            })
            .collect();
        for &(id, nginx) in &configs {
            if !is_main(nginx) {
                let path = sources.get(nginx.file).path.as_str();
                fragments.insert((path::directory(path), path::file_name(path)), id);
            }
        }
        let landed = Landed::of(placed, documents);
        let mut edges: HashMap<DocumentId, Vec<DocumentId>> = HashMap::new();
        let mut exceeded = Vec::new();
        let mut looked_at = 0;
        let mut files = HashMap::new();
        for &(id, nginx) in &configs {
            let own = sources.get(nginx.file).path.as_str();
            let directory = path::directory(own);
            let mut known: HashMap<&str, Arc<[DocumentId]>> = HashMap::new();
            for visit in nginx.walk().filter(|visit| visit.directive.is("include")) {
                let Some(pattern) = visit.directive.argument(0).filter(|pattern| !pattern.contains(['$', '{'])) else {
                    continue;
                };
                if !NGINX_INCLUDES.holds(looked_at) {
                    exceeded.push(Exceeded { span: visit.directive.span, limit: &NGINX_INCLUDES });
                    break;
                }
                looked_at += 1;
                let found = known.entry(pattern).or_insert_with(|| {
                    // What a pattern is compared with counts like what it brings.
                    looked_at += if pattern.contains(['*', '?', '[']) { fragments.len() } else { 0 };
                    // What the user says goes before what the files say, and that before a guess.
                    let root = settings.nginx_root(own, &path::absolute(PREFIX, pattern));
                    let mut found = root.map(|path| at(&path, &fragments)).unwrap_or_default();
                    if found.is_empty() {
                        found = landed.included(id, pattern);
                    }
                    if found.is_empty() {
                        found = in_repository(directory, pattern, &fragments);
                    }
                    found.retain(|&other| other != id);
                    edges.entry(id).or_default().extend(&found);
                    found.into()
                });
                if !found.is_empty() {
                    files.insert(visit.directive.span, found.clone());
                }
            }
        }
        let included = reached(&configs, &edges);
        Includes { files, included, exceeded }
    }
}

/// The files at a path, or that a pattern in its last part matches.
fn at(path: &str, fragments: &BTreeMap<(&str, &str), DocumentId>) -> Vec<DocumentId> {
    let (folder, name) = (path::directory(path), path::file_name(path));
    if !name.contains(['*', '?', '[']) {
        return fragments.get(&(folder, name)).copied().into_iter().collect();
    }
    let inside = fragments.range((folder, "")..).take_while(|((known, _), _)| *known == folder);
    inside.filter(|((_, known), _)| path::glob(name, known)).map(|(_, &id)| id).collect()
}

/// Whether it is a whole config, which no other includes.
fn is_main(nginx: &Nginx) -> bool {
    nginx.directives.iter().any(|directive| directive.is("http") || directive.is("events"))
}

/// Where configs land in containers.
struct Landed<'a> {
    /// The containers that a document lands in, and where.
    places: HashMap<DocumentId, Vec<(usize, &'a str)>>,
    /// By container and folder: the names and documents of the configs in it that others may include.
    folders: HashMap<(usize, String), Vec<(String, DocumentId)>>,
}

impl<'a> Landed<'a> {
    fn of(placed: &'a [Placed], documents: &[Document]) -> Self {
        let mut landed = Landed { places: HashMap::new(), folders: HashMap::new() };
        for (container, document, inside) in placed {
            landed.places.entry(*document).or_default().push((*container, inside));
            if matches!(&documents[*document], Document::Nginx(nginx) if !is_main(nginx)) {
                let inside = rendered(inside);
                let folder = landed.folders.entry((*container, path::directory(&inside).to_owned())).or_default();
                folder.push((path::file_name(&inside).to_owned(), *document));
            }
        }
        landed
    }

    /// The files that land in a container of `id` where the pattern looks for them. A relative path starts at the
    /// directory of the main config, whichever file it stands in.
    fn included(&self, id: DocumentId, pattern: &str) -> Vec<DocumentId> {
        for &(container, inside) in self.places.get(&id).into_iter().flatten() {
            let prefix = if path::below(inside, PREFIX).is_some() { PREFIX } else { path::directory(inside) };
            let pattern = path::absolute(prefix, pattern);
            let folder = self.folders.get(&(container, path::directory(&pattern).to_owned())).into_iter().flatten();
            let mut found: Vec<_> = folder.filter(|(name, _)| path::glob(path::file_name(&pattern), name)).collect();
            if !found.is_empty() {
                found.sort();
                found.dedup();
                return found.into_iter().map(|(_, document)| *document).collect();
            }
        }
        Vec::new()
    }
}

/// Where the official image's entrypoint writes what it makes of `/etc/nginx/templates/NAME.template`.
fn rendered(inside: &str) -> String {
    match inside.strip_prefix("/etc/nginx/templates/").and_then(|rest| rest.strip_suffix(".template")) {
        Some(rest) => format!("{PREFIX}/conf.d/{rest}"),
        None => inside.to_owned(),
    }
}

/// The files that the pattern names, or a trailing part of it, seen from the directory of the including file or from
/// one above it; the nearest directory first, and there the longest part.
fn in_repository(directory: &str, pattern: &str, fragments: &BTreeMap<(&str, &str), DocumentId>) -> Vec<DocumentId> {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let Some((&name, folders)) = parts.split_last() else { return Vec::new() };
    if folders.iter().any(|part| part.contains(['*', '?', '[']) || *part == "..") {
        return Vec::new();
    }
    let is_glob = name.contains(['*', '?', '[']);
    let folders = &folders[folders.len().saturating_sub(MAX_PARTS)..];
    let absolute = pattern.starts_with('/');
    let mut base = Some(directory);
    while let Some(from) = base {
        for start in 0..=folders.len() {
            let rest = &folders[start..];
            // A bare name says little: it counts in the directory of the including file and in the one above, and a
            // bare `*.conf` of an absolute path would be any file.
            let near = from == directory || (!is_glob && from == path::directory(directory));
            if rest.is_empty() && (!near || (is_glob && absolute)) || (start > 0 && !absolute) {
                continue;
            }
            let folder = [from].into_iter().chain(rest.iter().copied()).filter(|part| !part.is_empty());
            let found = at(&folder.chain([name]).collect::<Vec<_>>().join("/"), fragments);
            if !found.is_empty() {
                return found;
            }
        }
        base = (!from.is_empty()).then(|| path::directory(from));
    }
    Vec::new()
}

/// The files that are read as a part of another one. Files that include one another in a circle have no outermost one:
/// the first stands for it.
fn reached(configs: &[(DocumentId, &Nginx)], edges: &HashMap<DocumentId, Vec<DocumentId>>) -> HashSet<FileId> {
    let targets: HashSet<DocumentId> = edges.values().flatten().copied().collect();
    let roots = configs.iter().filter(|(id, _)| !targets.contains(id));
    let rest = configs.iter().filter(|(id, _)| targets.contains(id));
    let mut seen: HashSet<DocumentId> = HashSet::new();
    let mut included: HashSet<DocumentId> = HashSet::new();
    for &(root, _) in roots.chain(rest) {
        if !seen.insert(root) {
            continue;
        }
        let mut pending = vec![root];
        while let Some(id) = pending.pop() {
            for &next in edges.get(&id).map_or(&[][..], Vec::as_slice) {
                if seen.insert(next) {
                    included.insert(next);
                    pending.push(next);
                }
            }
        }
    }
    configs.iter().filter(|(id, _)| included.contains(id)).map(|(_, nginx)| nginx.file).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::{File, Files, Folder};
    use crate::project::Project;
    use crate::source::{Kind, Source, Sources};

    /// The paths of the files that another one includes.
    fn included(files: &[(&str, &str)]) -> Vec<String> {
        included_with("", files)
    }

    /// The same with a `confscan.toml`.
    fn included_with(settings: &str, files: &[(&str, &str)]) -> Vec<String> {
        let settings = File::parse("confscan.toml", Folder::Above(String::new()), settings).unwrap();
        let mut sources = Sources::default();
        for (path, text) in files {
            let mut source = Source::new(*path, *text);
            source.kind = Kind::Nginx;
            sources.add(source);
        }
        let project = Project::build_with(&mut sources, &Files::new(vec![settings]));
        let found = sources.iter().filter(|(id, _)| project.includes.is_included(*id));
        found.map(|(_, source)| source.path.clone()).collect()
    }

    const SITE: &str = "server { listen 80; }";

    #[test]
    fn includes_lead_to_the_nearest_file_with_the_trailing_part_of_the_path() {
        let cases: &[(&str, &str, &[&str], &[&str])] = &[
            ("a/nginx.conf", "/etc/nginx/conf.d/*.conf", &["a/conf.d/x.conf", "conf.d/y.conf"], &["a/conf.d/x.conf"]),
            ("a/etc/nginx/nginx.conf", "conf.d/*.conf", &["a/etc/nginx/conf.d/x.conf"], &["a/etc/nginx/conf.d/x.conf"]),
            ("a/sites/x.conf", "/etc/nginx/tls.conf", &["a/tls.conf", "tls.conf"], &["a/tls.conf"]),
            ("a/b/c/x.conf", "tls/policy.conf", &["a/tls/policy.conf"], &["a/tls/policy.conf"]),
            ("nginx.conf", "*.conf", &["x.conf"], &["x.conf"]),
            ("nginx.conf", "/etc/nginx/*.conf", &["x.conf"], &[]),
            ("a/b/c/x.conf", "/etc/nginx/tls.conf", &["tls.conf"], &[]),
            ("a/x.conf", "/etc/${NAME}/tls.conf", &["a/tls.conf"], &[]),
        ];
        for (from, pattern, others, expected) in cases {
            let text = format!("http {{ include {pattern}; }}");
            let mut files = vec![(*from, text.as_str())];
            files.extend(others.iter().map(|path| (*path, SITE)));
            assert_eq!(&included(&files), expected, "{from} {pattern}");
        }
    }

    #[test]
    fn includes_are_looked_up_where_the_settings_say() {
        let settings = "nginx.root = { '/etc/nginx' = 'made', '/etc/nginx/tls' = 'tls' }";
        for (pattern, expected) in [
            ("/etc/nginx/conf.d/*.conf", &["made/conf.d/x.conf"][..]),
            ("conf.d/x.conf", &["made/conf.d/x.conf"]),
            ("/etc/nginx/tls/policy.conf", &["tls/policy.conf"]),
            ("/etc/nginx/other/*.conf", &["a/other/z.conf"]),
            ("/opt/conf.d/*.conf", &["a/conf.d/y.conf"]),
        ] {
            let text = format!("http {{ include {pattern}; }}");
            let mut files = vec![("a/nginx.conf", text.as_str())];
            let others = ["a/conf.d/y.conf", "a/other/z.conf", "made/conf.d/x.conf", "tls/policy.conf"];
            files.extend(others.map(|path| (path, SITE)));
            assert_eq!(included_with(settings, &files), expected, "{pattern}");
        }
    }

    #[test]
    fn a_whole_config_is_not_included_and_a_circle_has_one_outermost_file() {
        assert!(included(&[("x.conf", "include nginx.conf;"), ("nginx.conf", "http { }")]).is_empty());
        assert_eq!(included(&[("a.conf", "include b.conf;"), ("b.conf", "include a.conf;")]), ["b.conf"]);
    }
}
