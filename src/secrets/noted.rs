//! Which providers have a key, by name: so that the keyring is not asked at start.
//!
//! `DATA/keys.toml` never holds a key, only names.

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use crate::domain::ProviderName;

const HEAD: &str = "# Providers whose key is in the OS keyring. Names only; no key is kept here.\n";

/// The note in the data folder.
#[derive(Clone, Debug)]
pub struct Noted {
    file: PathBuf,
}

impl Noted {
    /// Makes it for a data folder, which must exist before a name is added.
    pub fn at(data_dir: &Path) -> Self {
        Self {
            file: data_dir.join("keys.toml"),
        }
    }

    /// Returns the names. A note that cannot be read counts as empty: it can be made anew.
    pub fn names(&self) -> BTreeSet<ProviderName> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        let table: toml::Table = text.parse().unwrap_or_default();
        table
            .get("providers")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(|name| ProviderName(name.to_owned())))
            .collect()
    }

    /// Adds a name.
    pub fn add(&self, provider: &ProviderName) -> io::Result<()> {
        let _alone = self.alone()?;
        let mut names = self.names();
        names.insert(provider.clone());
        self.write(&names)
    }

    /// Takes a name away.
    pub fn remove(&self, provider: &ProviderName) -> io::Result<()> {
        if !self.names().contains(provider) {
            return Ok(());
        }
        let _alone = self.alone()?;
        let mut names = self.names();
        if names.remove(provider) {
            self.write(&names)?;
        }
        Ok(())
    }

    /// Keeps other processes from changing it until what it returns is dropped: two that read and
    /// write at once would lose a name.
    fn alone(&self) -> io::Result<fs::File> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        let lock = options.open(self.file.with_extension("lock"))?;
        lock.lock()?;
        Ok(lock)
    }

    /// Writes it whole or not at all.
    fn write(&self, names: &BTreeSet<ProviderName>) -> io::Result<()> {
        let list: Vec<toml::Value> = names
            .iter()
            .map(|name| toml::Value::String(name.0.clone()))
            .collect();
        let table = toml::Table::from_iter([("providers".to_owned(), toml::Value::Array(list))]);
        let temporary = self
            .file
            .with_extension(format!("{}.tmp", std::process::id()));
        let mut file = fs::File::create(&temporary)?;
        file.write_all(format!("{HEAD}{table}").as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> ProviderName {
        ProviderName(name.to_owned())
    }

    #[test]
    fn names_are_noted_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let noted = Noted::at(dir.path());

        assert!(noted.names().is_empty());
        noted.add(&name("openai")).unwrap();
        noted.add(&name("anthropic")).unwrap();
        noted.add(&name("openai")).unwrap();
        assert_eq!(noted.names().len(), 2);
        noted.remove(&name("openai")).unwrap();
        noted.remove(&name("never")).unwrap();
        assert_eq!(noted.names(), BTreeSet::from([name("anthropic")]));
        // The note and its lock: nothing half written stays behind.
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn names_that_are_noted_at_once_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for no in 0..16 {
                let noted = Noted::at(dir.path());
                scope.spawn(move || noted.add(&name(&format!("p{no}"))).unwrap());
            }
        });

        assert_eq!(Noted::at(dir.path()).names().len(), 16);
    }

    #[test]
    fn a_broken_note_counts_as_empty() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("keys.toml"), "providers = [").unwrap();

        assert!(Noted::at(dir.path()).names().is_empty());
    }
}
