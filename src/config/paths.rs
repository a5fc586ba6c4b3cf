//! Where the config and the data are kept: where the platform keeps such things.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::settings::Missing;

/// The places deskhand uses; nothing is written anywhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The config file; need not exist.
    pub config_file: PathBuf,
    /// Whether the person named the config file, so that it must exist.
    pub missing: Missing,
    /// Tickets, receipts, the ledger.
    pub data_dir: PathBuf,
    /// Logs.
    pub state_dir: PathBuf,
}

/// What the person says about the places: `--config` and `--data`, else `DESKHAND_CONFIG` and
/// `DESKHAND_DATA`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// The config file.
    pub config: Option<PathBuf>,
    /// The data folder; logs go below it too.
    pub data: Option<PathBuf>,
}

/// Says why the places cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PathsError {
    /// The system names no home directory.
    #[error(
        "this system names no home directory, so there is no place for the config and the \
         tickets; name them: --config FILE --data DIR"
    )]
    NoHome,
    /// A folder cannot be made or made private.
    #[error("the folder {} cannot be made: {source}; name another with --data DIR", dir.display())]
    Folder {
        /// Which.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl Overrides {
    /// Fills what the command line left open from the environment.
    #[must_use]
    pub fn or_env(self) -> Self {
        Self {
            config: self.config.or_else(|| super::env::path("DESKHAND_CONFIG")),
            data: self.data.or_else(|| super::env::path("DESKHAND_DATA")),
        }
    }
}

impl Paths {
    /// Finds the places; makes none of them.
    pub fn find(overrides: &Overrides) -> Result<Self, PathsError> {
        let usual = directories::ProjectDirs::from("", "", "deskhand");
        let usual = usual.as_ref();
        let missing = if overrides.config.is_some() {
            Missing::Wrong
        } else {
            Missing::Fine
        };
        let config_file = overrides
            .config
            .clone()
            .or_else(|| usual.map(|dirs| dirs.config_dir().join("config.toml")))
            .ok_or(PathsError::NoHome)?;
        let data_dir = overrides
            .data
            .clone()
            .or_else(|| usual.map(|dirs| dirs.data_dir().to_owned()))
            .ok_or(PathsError::NoHome)?;
        // With a data folder of one's own nothing is written outside it.
        let state_dir = match (&overrides.data, usual) {
            (None, Some(dirs)) => dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned(),
            (Some(_), _) | (None, None) => data_dir.join("state"),
        };
        Ok(Self {
            config_file,
            missing,
            data_dir,
            state_dir,
        })
    }

    /// Returns the folder of the demo desk, apart from real tickets.
    pub fn demo_dir(&self) -> PathBuf {
        self.data_dir.join("demo")
    }

    /// Returns the file of prices of one's own; need not exist.
    pub fn prices_file(&self) -> PathBuf {
        self.data_dir.join("prices.toml")
    }

    /// Makes the data folder, for its owner alone.
    pub fn make_data_dir(&self) -> Result<(), PathsError> {
        make_private(&self.data_dir)
    }
}

/// Makes a folder with all above it, for its owner alone. One that is there already keeps its
/// rights: the person may have named any folder.
pub fn make_private(dir: &Path) -> Result<(), PathsError> {
    let mut maker = fs::DirBuilder::new();
    maker.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        maker.mode(0o700);
    }
    maker.create(dir).map_err(|source| PathsError::Folder {
        dir: dir.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_person_names_is_used_and_nothing_else() {
        let overrides = Overrides {
            config: Some(PathBuf::from("/c/x.toml")),
            data: Some(PathBuf::from("/d")),
        };

        let paths = Paths::find(&overrides).unwrap();

        assert_eq!(
            paths,
            Paths {
                config_file: PathBuf::from("/c/x.toml"),
                missing: Missing::Wrong,
                data_dir: PathBuf::from("/d"),
                state_dir: PathBuf::from("/d/state"),
            }
        );
        assert_eq!(paths.demo_dir(), PathBuf::from("/d/demo"));
    }

    #[cfg(unix)]
    #[test]
    fn the_data_folder_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");

        make_private(&dir).unwrap();

        let mode = fs::metadata(&dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
