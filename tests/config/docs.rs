//! The generated pages say what the code does.

use std::path::Path;

use deskhand::config::{
    Around, Severity,
    action::{ACTIONS, GROUPS, SCOPES, Scope},
    keymap::{PRESETS, Preset},
    read,
};

use super::around;

/// Compares a page with the committed one; `DESKHAND_BLESS=1` writes it.
fn compare(page: &str, written: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(page);
    if deskhand::config::env::var("DESKHAND_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, written).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == written,
        "docs/{page} is not what the program says: DESKHAND_BLESS=1 cargo test --test config"
    );
}

#[test]
fn docs_keys_is_true() {
    let mut page = String::from(
        "# Keys\n\nWritten by a test out of `src/config/action.rs` and `assets/keymaps`; do not \
         edit.\n\nThe preset is chosen by `keymap` below `[ui]`; single actions are bound by their \
         name below `[keys]`, in the editor below `[keys.editor]`, and in palette, menus and input \
         lines below `[keys.picker]`:\n\n```toml\n[ui]\nkeymap = \"vim\"\n\n[keys]\ndraft = \
         [\"d\", \"ctrl+g\"]\ntop = \"g g\"          # one after the other\nspam = []            \
         # no key\n\n[keys.editor]\nsave = \"ctrl+x\"\n```\n\nWithin the editor and the picker \
         letters are text: bind chords with Ctrl or Alt, or named keys.\n",
    );
    let maps = PRESETS.map(Preset::keymap);
    for group in GROUPS {
        page += &format!("\n## {}\n\n", group.title());
        page += "| Action | What it does | desk | vim | plain |\n|---|---|---|---|---|\n";
        for &action in ACTIONS.iter().filter(|action| action.group() == group) {
            page += &format!("| `{action}` | {} |", action.help());
            for map in &maps {
                let places: Vec<String> = SCOPES
                    .into_iter()
                    .filter_map(|scope| {
                        let keys: Vec<String> = map
                            .keys(scope, action)
                            .iter()
                            .map(|keys| format!("`{keys}`"))
                            .collect();
                        let place = if scope == Scope::Desk {
                            String::new()
                        } else {
                            format!("{}: ", scope.word())
                        };
                        (!keys.is_empty()).then(|| format!("{place}{}", keys.join(" ")))
                    })
                    .collect();
                page += &format!(" {} |", places.join("; "));
            }
            page.push('\n');
        }
    }
    compare("keys.md", &page);
}

#[test]
fn docs_config_is_true() {
    let text = deskhand::config::EXAMPLE;
    // Every line that is switched off is a setting, too.
    let whole: String = text
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .fold(String::new(), |whole, line| whole + line + "\n");

    let presets = deskhand::desk::settings::known();
    let around = Around {
        env: &|name| (!name.ends_with("_BASE_URL")).then(|| "set".to_owned()),
        known: &presets,
        ..around()
    };
    let findings = match read(Path::new("config.toml"), &whole, &around) {
        Ok((_, findings)) => findings,
        Err(findings) => panic!("{findings:#?}"),
    };
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    assert_eq!(errors.count(), 0);
    assert!(read(Path::new("config.toml"), text, &around).is_ok());
    for key in deskhand::config::settings_known() {
        assert!(
            whole.contains(key),
            "assets/config.toml does not show `{key}`"
        );
    }
    compare(
        "config.md",
        &format!(
            "# The config\n\nWritten by a test out of `assets/config.toml`; do not edit.\n\nOne \
             TOML file; `deskhand config path` says where, `deskhand config check` what is wrong \
             with it, `deskhand config show` what is in force. No setting is needed to begin. A \
             line that begins with `#:` shows a setting with its default or an example. A file \
             that `--config` names may be YAML (`.yaml`, `.yml`) or JSON (`.json`) with the same \
             settings, or in the shape of TokenPak's recipe (`docs/serve.md`); only TOML is \
             changed by commands.\n\n\
             ```toml\n{text}```\n"
        ),
    );
}
