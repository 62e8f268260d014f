//! Repositories that exist only in a test.

use confscan::source::{ReadError, Source, Sources, Store};
use confscan::syntax::recognise;

/// The files of a virtual repository as the walk would take them; the others can be read when a config refers to them.
pub fn sources(files: &[(String, Vec<u8>)]) -> Sources {
    let mut sources = Sources::new(Box::new(Virtual(files.to_vec())));
    for (path, bytes) in files {
        if path.rsplit('/').next() == Some(confscan::config::NAME) {
            sources.settings.push(path.clone());
        }
        let mut source = Source::from_bytes(path, bytes.clone());
        if let Some((kind, why)) = recognise(path, &source.text) {
            (source.kind, source.why) = (kind, why);
            sources.add(source);
        }
    }
    sources
}

/// The files by their paths.
struct Virtual(Vec<(String, Vec<u8>)>);

impl Store for Virtual {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let found = self.0.iter().find(|(name, _)| name == path);
        found.map(|(_, bytes)| bytes.clone()).ok_or(ReadError::Missing)
    }

    fn list(&self, path: &str) -> Vec<String> {
        let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
        let mut names: Vec<String> = self
            .0
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((directory, _)) => format!("{directory}/"),
                None => rest.to_owned(),
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }
}
