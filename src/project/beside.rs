//! Which Compose files lie beside which, and which are brought in by others: found once, when a rule asks first.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::{Project, path};
use crate::container::DocumentId;
use crate::source::Sources;
use crate::syntax::Document;
use crate::syntax::compose::Compose;

/// The places of the Compose files of a project.
#[derive(Debug, Default)]
pub(crate) struct Beside(OnceLock<Places>);

#[derive(Debug, Default)]
struct Places {
    /// The Compose files of each folder.
    folders: HashMap<String, Vec<DocumentId>>,
    /// Paths of the files that another file includes or extends.
    led_to: HashSet<String>,
}

impl Places {
    fn of(project: &Project, sources: &Sources) -> Places {
        let mut places = Places::default();
        for (id, document) in project.documents.iter().enumerate() {
            let Document::Compose(compose) = document else { continue };
            let own = sources.get(compose.file).path.as_str();
            let folder = path::directory(own);
            let included = compose.include.iter().flat_map(|include| &include.paths);
            let extended =
                compose.services.iter().filter_map(|service| service.uncommon.extends.as_ref()?.file.as_ref());
            let files = included.chain(extended).filter_map(|file| path::join(folder, &file.value));
            places.led_to.extend(files.filter(|file| file != own));
            places.folders.entry(folder.to_owned()).or_default().push(id);
        }
        places
    }
}

impl Project {
    /// The Compose files in the folder at the path `folder`.
    pub(crate) fn composes_in(&self, folder: &str, sources: &Sources) -> impl Iterator<Item = &Compose> {
        let places = self.beside.0.get_or_init(|| Places::of(self, sources));
        places.folders.get(folder).into_iter().flatten().filter_map(|&id| self.compose(id))
    }

    /// Whether another Compose file includes or extends the one at `path`.
    pub(crate) fn is_led_to(&self, path: &str, sources: &Sources) -> bool {
        self.beside.0.get_or_init(|| Places::of(self, sources)).led_to.contains(path)
    }
}
