//! Which models can be asked, what each costs, and what is wrong with the prices of those in use.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use jiff::{civil::Date, tz::TimeZone};

use super::{Desk, DeskError, Settings, clock::SystemClock};
use crate::{
    config::{
        edit,
        names::Retired,
        price_import::{self, Import, ImportError, Origin},
        price_rows, prices,
    },
    domain::{Clock as _, LinkName},
    engine::price::{Basis, Price},
};

/// After how many days a price is read too long ago.
pub const STALE_DAYS: i32 = 180;
/// How many days ahead the end of a price or of a model is told.
pub const SOON_DAYS: i32 = 60;
/// The most bytes of a price list of others: LiteLLM's has about two million.
const LIST_CAP_BYTES: u64 = 64 << 20;

/// One model that can be asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCard {
    /// Its one name.
    pub link: LinkName,
    /// What else it may be called, at the same provider.
    pub aliases: Vec<String>,
    /// Whether it is its provider's default.
    pub is_default: bool,
    /// Whether a chain asks it.
    pub in_use: bool,
    /// Its own price; none where nobody knows it.
    pub price: Option<Price>,
    /// How much fits into it, as far as that is known.
    pub size: prices::Size,
    /// When it is switched off, if that is known.
    pub retired: Option<Retired>,
}

/// What is wrong with the price of a model in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriceFault {
    /// Nobody knows it.
    Unknown,
    /// It was read more than [`STALE_DAYS`] ago, or nobody says when.
    Stale(Option<Date>),
    /// It ends soon, and nothing that follows is known.
    Ends(Date),
    /// The model itself is switched off, or will be soon.
    Retired(Retired),
}

impl PriceFault {
    /// Returns the word for it in JSON.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Stale(_) => "stale",
            Self::Ends(_) => "ends",
            Self::Retired(_) => "retired",
        }
    }

    /// Says it in a sentence.
    pub fn words(&self) -> String {
        match self {
            Self::Unknown => {
                "no price is known: it is asked only with allow_unknown_prices".to_owned()
            }
            Self::Stale(Some(seen)) => format!("its price was read on {seen}"),
            Self::Stale(None) => "nobody says when its price was read".to_owned(),
            Self::Ends(until) => format!("its price holds until {until}; what follows is unknown"),
            Self::Retired(retired) => match retired.successor {
                Some(next) => format!(
                    "switched off by its maker on {}; {next} follows",
                    retired.on
                ),
                None => format!("switched off by its maker on {}", retired.on),
            },
        }
    }
}

/// Says why a price list was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportFault {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is no price list.
    #[error(transparent)]
    List(#[from] ImportError),
    /// The person's own price file is wrong already.
    #[error("{}: {why}", file.display())]
    Own {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The person's own price file cannot be written.
    #[error("{} cannot be written: {source}", file.display())]
    Write {
        /// Which file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Whether an import changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rehearse {
    /// It is only shown.
    Yes,
    /// It is done.
    No,
}

impl Desk {
    /// Returns every model that is known for the providers that can be named.
    pub async fn models(&self) -> Result<Vec<ModelCard>, DeskError> {
        let settings = self.settings();
        let today = self.today();
        let used = self.used(&settings).await?;
        let mut links: Vec<LinkName> = Vec::new();
        for (name, provider) in settings.providers() {
            let models = settings.models_of(&name, &provider).into_iter();
            links.extend(models.map(|model| LinkName::new(&name.0, &model)));
        }
        for link in &used {
            if !links.contains(link) {
                links.push(link.clone());
            }
        }
        let cards = links.into_iter().map(|link| {
            let default = settings.default_model(&link.provider);
            ModelCard {
                aliases: settings.names.aliases(&link),
                is_default: default.as_ref() == Some(&link.model),
                in_use: used.contains(&link),
                price: settings
                    .prices
                    .price(&link, today)
                    .filter(|price| price.basis == Basis::Own),
                size: prices::size(&settings.config, &link),
                retired: settings.names.retired(&link),
                link,
            }
        });
        Ok(cards.collect())
    }

    /// Returns what is wrong with the prices of the models in use, and how many are in use.
    pub async fn price_faults(&self) -> Result<(Vec<(LinkName, PriceFault)>, usize), DeskError> {
        let settings = self.settings();
        let today = self.today();
        let used = self.used(&settings).await?;
        let faults = used
            .iter()
            .flat_map(|link| {
                let faults = faults_of(&settings, link, today);
                faults.into_iter().map(|fault| (link.clone(), fault))
            })
            .collect();
        Ok((faults, used.len()))
    }

    /// Returns the models that some chain asks.
    async fn used(&self, settings: &Settings) -> Result<BTreeSet<LinkName>, DeskError> {
        let named = settings.config.chains.values().flatten().cloned();
        let mut used: BTreeSet<LinkName> = named.collect();
        used.extend(self.chain(None).await?.links);
        Ok(used)
    }

    fn today(&self) -> Date {
        self.clock.now().to_zoned(TimeZone::UTC).date()
    }
}

fn faults_of(settings: &Settings, link: &LinkName, today: Date) -> Vec<PriceFault> {
    let days = |count: i32| jiff::Span::new().days(count);
    let soon = today.saturating_add(days(SOON_DAYS));
    let stale = today.saturating_sub(days(STALE_DAYS));
    let mut faults = Vec::new();
    match settings.prices.row(link, today) {
        None => faults.push(PriceFault::Unknown),
        Some(row) => {
            // What the person says in the config is theirs to keep up to date.
            let is_old = row.seen.is_none_or(|seen| seen < stale);
            if is_old && row.source != prices::FROM_CONFIG {
                faults.push(PriceFault::Stale(row.seen));
            }
            let ends = row.until.filter(|until| *until <= soon);
            let follows = |until: Date| {
                let after = until.saturating_add(days(1));
                settings.prices.row(link, after).is_some()
            };
            if let Some(until) = ends.filter(|until| !follows(*until)) {
                faults.push(PriceFault::Ends(until));
            }
        }
    }
    let retired = settings.names.retired(link);
    faults.extend(retired.filter(|it| it.on <= soon).map(PriceFault::Retired));
    faults
}

/// Returns the day, UTC, for what needs no desk.
pub fn today() -> Date {
    SystemClock::start().now().to_zoned(TimeZone::UTC).date()
}

/// Reads a price list of others into the person's own price file. A list that is wrong changes
/// nothing, and a rehearsal neither.
pub fn import_prices(
    list: &Path,
    own: &Path,
    today: Date,
    rehearse: Rehearse,
) -> Result<Import, ImportFault> {
    let unread = |source| ImportFault::Read {
        file: list.to_owned(),
        source,
    };
    let files = if fs::metadata(list).map_err(unread)?.is_dir() {
        files_below(list).map_err(unread)?
    } else {
        vec![list.to_owned()]
    };
    let before = price_rows::load(own).map_err(|why| ImportFault::Own {
        file: own.to_owned(),
        why,
    })?;
    let mut import = Import {
        rows: before,
        ..Import::default()
    };
    for file in &files {
        import_one(&mut import, file, today, files.len())?;
    }
    if import.changes.is_empty() && import.same == 0 {
        return Err(ImportError::Empty(list.display().to_string()).into());
    }
    if rehearse == Rehearse::No && !import.changes.is_empty() {
        edit::write_whole(own, price_rows::text(&import.rows).as_bytes()).map_err(|source| {
            ImportFault::Write {
                file: own.to_owned(),
                source,
            }
        })?;
    }
    Ok(import)
}

/// Adds one list to an import. One of many that says nothing known is passed over.
fn import_one(import: &mut Import, file: &Path, today: Date, of: usize) -> Result<(), ImportFault> {
    let unread = |source| ImportFault::Read {
        file: file.to_owned(),
        source,
    };
    if fs::metadata(file).map_err(unread)?.len() > LIST_CAP_BYTES {
        return Err(unread(io::ErrorKind::FileTooLarge.into()));
    }
    let text = fs::read_to_string(file).map_err(unread)?;
    match price_import::import(&text, &origin(file, today), &import.rows) {
        Ok(one) => {
            import.changes.extend(one.changes);
            import.same += one.same;
            import.passed_over += one.passed_over;
            import.rows = one.rows;
            Ok(())
        }
        Err(ImportError::NotAList(name)) => Err(ImportError::NotAList(name).into()),
        Err(_) if of > 1 => {
            import.passed_over += 1;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns the TOML files below a folder in which models.dev keeps its models; links are not
/// followed.
fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (kind, path) = (entry.file_type()?, entry.path());
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "toml") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

fn origin(list: &Path, today: Date) -> Origin {
    let word =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    // models.dev keeps providers/NAME/models/MODEL.toml.
    let models = list.parent().filter(|folder| folder.ends_with("models"));
    let provider = models
        .and_then(Path::parent)
        .and_then(|folder| word(folder.file_name()));
    Origin {
        file: word(list.file_name()).unwrap_or_default(),
        today,
        about: provider.zip(word(list.file_stem())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Around, Missing};

    fn faults(config: &str, today: Date) -> Vec<String> {
        let around = Around {
            known: &super::super::settings::known(),
            env: &|_| None,
            missing: Missing::Fine,
            prices: &[],
            today,
        };
        let (config, findings) = config::read(Path::new("c.toml"), config, &around).unwrap();
        let settings = Settings::of(config, findings);
        let links = settings.config.default_chain().unwrap().iter();
        links
            .flat_map(|link| faults_of(&settings, link, today))
            .map(|fault| fault.words())
            .collect()
    }

    fn chain(link: &str) -> String {
        format!("[chains.default]\nlinks = [\"{link}\"]\n")
    }

    #[test]
    fn what_is_wrong_with_a_price_is_told() {
        let day = jiff::civil::date;
        for (link, today, wanted) in [
            ("anthropic/claude-haiku-4-5", day(2026, 11, 25), ""),
            (
                "anthropic/claude-haiku-4-5",
                day(2027, 6, 1),
                "read on 2026-09-01",
            ),
            ("gemini/gemini-3.8-flash", day(2026, 10, 31), ""),
            (
                "gemini/gemini-3.8-flash",
                day(2026, 11, 25),
                "holds until 2026-12-31",
            ),
            (
                "gemini/gemini-3.8-flash",
                day(2027, 1, 1),
                "no price is known",
            ),
            ("openai/quite-new", day(2026, 11, 25), "no price is known"),
            (
                "openai/gpt-5",
                day(2026, 11, 25),
                "on 2026-12-11; gpt-6.1-sol follows",
            ),
        ] {
            let faults = faults(&chain(link), today);
            assert_eq!(
                faults.is_empty(),
                wanted.is_empty(),
                "{link} {today}: {faults:?}"
            );
            assert!(
                faults.iter().all(|said| said.contains(wanted)),
                "{link} {today}: {faults:?}"
            );
        }
    }

    #[test]
    fn what_the_person_says_is_never_stale() {
        let own = "[models.\"openai/quite-new\"]\nprice_in_usd_per_million = 1\n\
                   price_out_usd_per_million = 2\n";

        assert!(
            faults(
                &(chain("openai/quite-new") + own),
                jiff::civil::date(2030, 1, 1)
            )
            .is_empty()
        );
    }

    #[test]
    fn a_folder_of_models_is_read_as_one_list() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("own/prices.toml");
        let model = include_str!("../../tests/fixtures/prices/model.toml");
        for name in [
            "openai/models/one.toml",
            "nobody/models/two.toml",
            "google/models/three.toml",
        ] {
            let file = dir.path().join("providers").join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, model).unwrap();
        }
        fs::write(
            dir.path().join("providers/openai/provider.toml"),
            "name = \"OpenAI\"",
        )
        .unwrap();
        let today = jiff::civil::date(2026, 11, 25);

        let import = import_prices(dir.path(), &own, today, Rehearse::No).unwrap();

        let names: Vec<_> = import
            .changes
            .iter()
            .map(|(row, _)| row.model.as_str())
            .collect();
        assert_eq!(names, ["three", "one"]);
        assert_eq!(import.passed_over, 2);
        assert_eq!(price_rows::load(&own).unwrap(), import.rows);
        let empty = import_prices(own.parent().unwrap(), &own, today, Rehearse::No);
        assert!(empty.is_err());
    }

    #[test]
    fn a_list_is_imported_once_and_a_wrong_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("data/prices.toml");
        let list = dir.path().join("list.json");
        let today = jiff::civil::date(2026, 11, 25);
        let good = include_str!("../../tests/fixtures/prices/litellm.json");
        fs::write(&list, good).unwrap();

        let shown = import_prices(&list, &own, today, Rehearse::Yes).unwrap();
        assert_eq!(shown.changes.len(), 2);
        assert!(!own.exists());
        import_prices(&list, &own, today, Rehearse::No).unwrap();
        let written = fs::read_to_string(&own).unwrap();
        assert_eq!(price_rows::load(&own).unwrap(), shown.rows);

        fs::write(&list, "{\"broken\": ").unwrap();
        assert!(import_prices(&list, &own, today, Rehearse::No).is_err());
        assert_eq!(fs::read_to_string(&own).unwrap(), written);
        fs::write(&own, "x = 1").unwrap();
        fs::write(&list, good).unwrap();
        let refused = import_prices(&list, &own, today, Rehearse::No);
        assert!(matches!(refused, Err(ImportFault::Own { .. })));
        assert_eq!(fs::read_to_string(&own).unwrap(), "x = 1");
    }
}
