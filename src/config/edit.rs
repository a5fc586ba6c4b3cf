//! Changes single settings in the person's file: comments and order stay as they are.
//!
//! A change goes to a temporary file beside it, which then takes its place: a crash leaves the old
//! file or the new one. While it happens the folder is locked against other deskhands.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use toml_edit::{Array, DocumentMut, Item, Table, value};

pub use super::edit_error::EditError;
use super::{
    accounts::{AccountConfig, USUAL_SINCE},
    arrays::keep_comments,
    file::plain_amount,
    format::Format,
};
use crate::{
    domain::{Cap, CapName, KeySource, LinkName, Login, ModelName, ProviderName, Usd},
    engine::routing::Routing,
};

/// Sets `[spend] cap_month_usd`; `NotChosen` takes it away.
pub fn set_cap(file: &Path, cap: Cap) -> Result<(), EditError> {
    let written = match cap {
        Cap::NotChosen => None,
        Cap::None => Some(value("none")),
        Cap::Month(usd) => Some(value(plain_amount(usd))),
    };
    set(file, &["spend"], vec![("cap_month_usd", written)])
}

/// Sets a limit beside the month's: `cap_day_usd` or `cap_ticket_usd`; none takes it away.
pub fn set_side_cap(file: &Path, cap: CapName, usd: Option<Usd>) -> Result<(), EditError> {
    let key = match cap {
        CapName::Month => "cap_month_usd",
        CapName::Day => "cap_day_usd",
        CapName::Ticket => "cap_ticket_usd",
    };
    let written = usd.map(|usd| value(plain_amount(usd)));
    set(file, &["spend"], vec![(key, written)])
}

/// Sets `default_model` of a provider. A provider that is not in the file gets its table there.
pub fn set_default_model(
    file: &Path,
    provider: &ProviderName,
    model: &ModelName,
) -> Result<(), EditError> {
    let path = ["providers", provider.0.as_str()];
    set(
        file,
        &path,
        vec![("default_model", Some(value(model.0.as_str())))],
    )
}

/// Writes a mailbox: `[accounts.ADDRESS]`. What its table says beside is kept.
pub fn write_account(file: &Path, account: &AccountConfig) -> Result<(), EditError> {
    let user = (account.user != account.address).then(|| value(account.user.as_str()));
    let ca = account
        .ca
        .as_ref()
        .map(|file| value(file.display().to_string()));
    let since = (account.since != USUAL_SINCE).then(|| value(account.since.word()));
    let mut settings = vec![
        ("imap", Some(value(account.imap.to_string()))),
        (
            "smtp",
            account
                .sending
                .smtp
                .as_ref()
                .map(|server| value(server.to_string())),
        ),
        ("user", user),
    ];
    settings.extend(login_settings(&account.login));
    settings.extend([("ca", ca), ("since", since)]);
    set(file, &["accounts", account.name.as_str()], settings)
}

/// Returns the settings of signing in. A table of a person's own is left as it is.
fn login_settings(login: &Login) -> Settings<'static> {
    let list = |words: &[String]| value(words.iter().collect::<Array>());
    let sign_in = match login {
        Login::Password(source) => {
            let command = match source {
                KeySource::Command(words) => Some(list(words)),
                KeySource::Keyring | KeySource::Env(_) | KeySource::NotNeeded => None,
            };
            return vec![
                ("login", None),
                ("client_id", None),
                ("client_secret_command", None),
                ("password_command", command),
            ];
        }
        Login::SignIn(sign_in) => sign_in,
    };
    let secret = sign_in.client_secret.as_deref().map(list);
    let mut settings = vec![
        ("client_id", Some(value(sign_in.client_id.as_str()))),
        ("client_secret_command", secret),
        ("password_command", None),
    ];
    if let Some(word) = sign_in.service.word() {
        settings.insert(0, ("login", Some(value(word))));
    }
    settings
}

/// Writes the file again as it is: open desks take it anew, and what belongs to a mailbox with it.
pub fn rewrite_account(file: &Path, name: &str) -> Result<(), EditError> {
    set(file, &["accounts", name], Vec::new())
}

/// Takes a mailbox out: `[accounts.NAME]`.
pub fn remove_account(file: &Path, name: &str) -> Result<(), EditError> {
    set(file, &["accounts"], vec![(name, None)])
}

/// Sets the links of a chain, in order: `[chains.NAME] links`.
pub fn set_chain(file: &Path, name: &str, links: &[LinkName]) -> Result<(), EditError> {
    let links: Array = links.iter().map(ToString::to_string).collect();
    set(file, &["chains", name], vec![("links", Some(value(links)))])
}

/// Sets a whole chain: `[chains.NAME] links, routing`. As written needs no line.
pub fn write_chain(
    file: &Path,
    name: &str,
    links: &[LinkName],
    routing: Routing,
) -> Result<(), EditError> {
    let links: Array = links.iter().map(ToString::to_string).collect();
    let routing = (routing != Routing::Priority).then(|| value(routing.word()));
    let settings = vec![("links", Some(value(links))), ("routing", routing)];
    set(file, &["chains", name], settings)
}

/// Settings of one table; `None` takes one away.
type Settings<'s> = Vec<(&'s str, Option<Item>)>;

/// Sets keys in the table at `path`, which is made if it is not there.
fn set(file: &Path, path: &[&str], settings: Settings<'_>) -> Result<(), EditError> {
    // Through a link the file behind it is changed, as an editor does.
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let lines = lines(path, &settings);
    match Format::of(&target) {
        Format::Toml => {}
        format @ (Format::Yaml | Format::Json) => {
            return Err(EditError::Foreign {
                file: file.to_owned(),
                format,
                lines,
            });
        }
    }
    let unwritable = |source| EditError::Write {
        file: file.to_owned(),
        lines: lines.clone(),
        source,
    };
    let folder = target
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned);
    super::paths::make_private(&folder).map_err(|error| match error {
        super::paths::PathsError::Folder { source, .. } => unwritable(source),
        super::paths::PathsError::NoHome => unwritable(io::ErrorKind::NotFound.into()),
    })?;
    let lock = File::open(&folder).map_err(unwritable)?;
    lock.lock().map_err(unwritable)?;
    let mut document = read(&target)?;
    change(&mut document, path, settings).map_err(|name| EditError::NotATable {
        file: file.to_owned(),
        name,
    })?;
    replace(&target, &folder, document.to_string().as_bytes()).map_err(unwritable)
    // The lock ends with its file.
}

/// Puts a whole file in the place of another, or of none, as a change of settings does.
pub fn write_whole(file: &Path, text: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = target
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_owned);
    super::paths::make_private(&folder).map_err(|error| match error {
        super::paths::PathsError::Folder { source, .. } => source,
        super::paths::PathsError::NoHome => io::ErrorKind::NotFound.into(),
    })?;
    let lock = File::open(&folder)?;
    lock.lock()?;
    replace(&target, &folder, text)
    // The lock ends with its file.
}

fn read(file: &Path) -> Result<DocumentMut, EditError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => {
            return Err(EditError::Read {
                file: file.to_owned(),
                source,
            });
        }
    };
    text.parse().map_err(|_| EditError::NotToml {
        file: file.to_owned(),
    })
}

/// Changes the document; gives back the name that is in the way.
fn change(document: &mut DocumentMut, path: &[&str], settings: Settings<'_>) -> Result<(), String> {
    let mut table: &mut dyn toml_edit::TableLike = document.as_table_mut();
    for (depth, name) in path.iter().enumerate() {
        let is_last = depth + 1 == path.len();
        let fresh = || {
            let mut table = Table::new();
            table.set_implicit(!is_last);
            Item::Table(table)
        };
        let whole = || {
            path.iter()
                .take(depth + 1)
                .copied()
                .collect::<Vec<_>>()
                .join(".")
        };
        table = table
            .entry(name)
            .or_insert_with(fresh)
            .as_table_like_mut()
            .ok_or_else(whole)?;
    }
    for (key, setting) in settings {
        match (setting, table.get_mut(key)) {
            (Some(new), Some(old)) => {
                // What stands around the value, such as a comment behind it, stays.
                let merged = old
                    .as_array()
                    .zip(new.as_array())
                    .map(|(old, new)| keep_comments(old, new));
                let new = merged.map_or(new, |merged| Item::Value(merged.into()));
                let decor = old.as_value().map(|value| value.decor().clone());
                *old = new;
                if let (Some(decor), Some(value)) = (decor, old.as_value_mut()) {
                    *value.decor_mut() = decor;
                }
            }
            (Some(new), None) => {
                table.insert(key, new);
            }
            (None, _) => {
                table.remove(key);
            }
        }
    }
    Ok(())
}

/// Writes the lines that would do the same by hand.
fn lines(path: &[&str], settings: &Settings<'_>) -> String {
    let mut document = DocumentMut::new();
    let given = settings
        .iter()
        .filter(|(_, setting)| setting.is_some())
        .cloned()
        .collect();
    // An empty document has nothing that could be in the way.
    match change(&mut document, path, given) {
        Ok(()) => document.to_string(),
        Err(_) => String::new(),
    }
}

/// Puts `text` in the place of a file, whole or not at all; its rights stay.
fn replace(file: &Path, folder: &Path, text: &[u8]) -> io::Result<()> {
    let permissions = match fs::metadata(file) {
        Ok(metadata) if metadata.permissions().readonly() => {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        Ok(metadata) => Some(metadata.permissions()),
        Err(_) => None,
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = write_new(&temporary, text, permissions).and_then(|()| {
        fs::rename(&temporary, file)?;
        File::open(folder)?.sync_all()
    });
    if written.is_err() {
        // The first error is what counts; there may be no temporary file.
        drop(fs::remove_file(&temporary));
    }
    written
}

fn write_new(file: &Path, text: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut new = options.open(file)?;
    new.write_all(text)?;
    if let Some(permissions) = permissions {
        new.set_permissions(permissions)?;
    }
    new.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cap(text: &str) -> Cap {
        Cap::Month(text.parse().unwrap())
    }

    #[test]
    fn a_change_keeps_every_comment() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let before =
            "# mine\n[spend] # money\ncap_month_usd = 20 # enough\nalerts = [50]\n\n# last\n";
        fs::write(&file, before).unwrap();

        set_cap(&file, cap("30.5")).unwrap();

        let after = fs::read_to_string(&file).unwrap();
        assert_eq!(after, before.replace("20 #", "\"30.5\" #"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_is_made_for_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("new/config.toml");

        set_cap(&file, Cap::None).unwrap();
        set_chain(
            &file,
            "default",
            &[
                "openai/gpt-4o-mini".parse().unwrap(),
                "groq/a/b".parse().unwrap(),
            ],
        )
        .unwrap();
        set_default_model(
            &file,
            &ProviderName("anthropic".to_owned()),
            &ModelName("claude-haiku-4-5".to_owned()),
        )
        .unwrap();

        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "[spend]\ncap_month_usd = \"none\"\n\n[chains.default]\n\
             links = [\"openai/gpt-4o-mini\", \"groq/a/b\"]\n\n[providers.anthropic]\n\
             default_model = \"claude-haiku-4-5\"\n"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&file).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn rights_and_links_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real.toml"), dir.path().join("link.toml"));
        fs::write(&real, "").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();

        set_cap(&link, cap("5")).unwrap();

        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            fs::metadata(&real).unwrap().permissions().mode() & 0o777,
            0o640
        );
        assert_eq!(
            fs::read_to_string(&real).unwrap(),
            "[spend]\ncap_month_usd = \"5\"\n"
        );
    }

    #[test]
    fn a_file_that_may_not_be_written_is_left_and_the_line_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "# mine\n").unwrap();
        let mut permissions = fs::metadata(&file).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&file, permissions).unwrap();

        let error = set_cap(&file, cap("20")).unwrap_err();

        assert!(
            error
                .to_string()
                .contains("[spend]\ncap_month_usd = \"20\""),
            "{error}"
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    }

    #[test]
    fn a_broken_file_is_left_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        for (text, what) in [
            ("[spend\n", "not TOML"),
            ("spend = 3\n", "`spend` is not a table"),
        ] {
            fs::write(&file, text).unwrap();

            let error = set_cap(&file, cap("20")).unwrap_err();

            assert!(error.to_string().contains(what), "{error}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn inline_tables_are_changed_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "spend = { cap_month_usd = 3, alerts = [] }\n").unwrap();

        set_cap(&file, cap("4")).unwrap();

        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            "spend = { cap_month_usd = \"4\", alerts = [] }\n"
        );
    }
}
