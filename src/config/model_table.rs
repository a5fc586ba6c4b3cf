//! `assets/models.toml` as it is written: other names of models, their ends, and how long they think.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::engine::chain::Temper;

const FILE: &str = include_str!("../../assets/models.toml");

/// The file as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) provider: Vec<Other>,
    pub(super) alias: Vec<Alias>,
    pub(super) retired: Vec<RetiredRow>,
    temper: Vec<TemperRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) means: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and a test"))]
    pub(super) source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alias {
    pub(super) provider: String,
    pub(super) name: String,
    pub(super) means: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and a test"))]
    pub(super) source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RetiredRow {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) on: toml::value::Datetime,
    pub(super) successor: Option<String>,
    pub(super) source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemperRow {
    provider: String,
    begins: String,
    temper: Silence,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and a test"))]
    pub(super) source: String,
}

/// The words for [`Temper`] in the table.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Silence {
    Plain,
    Reasoning,
    Silent,
}

/// Returns how long a model may be silent before its first words, as far as that is known. `like`
/// is the provider under which the tables have it.
pub fn temper(like: &str, model: &str) -> Option<Temper> {
    let rows = table().temper.iter();
    let row = rows
        .filter(|row| row.provider == like && model.starts_with(&row.begins))
        .max_by_key(|row| row.begins.len())?;
    Some(match row.temper {
        Silence::Plain => Temper::Plain,
        Silence::Reasoning => Temper::Reasoning,
        Silence::Silent => Temper::Silent,
    })
}

/// Returns the program's own table; a test keeps the file readable.
pub(super) fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| toml::from_str(FILE).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::price_rows;

    #[test]
    fn the_file_is_read_whole_and_every_row_names_its_source() {
        let table: Table = toml::from_str(FILE).unwrap();

        let sources = table.provider.iter().map(|row| &row.source);
        let sources = sources.chain(table.alias.iter().map(|row| &row.source));
        let sources = sources.chain(table.retired.iter().map(|row| &row.source));
        let sources = sources.chain(table.temper.iter().map(|row| &row.source));
        assert!(sources.clone().count() > 80);
        assert!(sources.into_iter().all(|source| source.contains("202")));
        for row in &table.retired {
            assert!(price_rows::day(&row.on).is_some(), "{}", row.model);
            let rows = price_rows::own().iter();
            let known: Vec<_> = rows
                .filter(|known| known.provider == row.provider)
                .map(|known| known.model.as_str())
                .collect();
            let successor = row.successor.as_deref();
            assert!(
                successor.is_none_or(|name| known.contains(&name)),
                "{}: {successor:?} has no price",
                row.model
            );
        }
    }

    #[test]
    fn a_model_that_thinks_first_is_given_time() {
        for (like, model, wanted) in [
            ("openai", "gpt-5-mini", Some(Temper::Silent)),
            ("openai", "gpt-5-chat-latest", Some(Temper::Plain)),
            ("openai", "gpt-5.1", Some(Temper::Plain)),
            ("openai", "gpt-5.1-codex", Some(Temper::Reasoning)),
            ("openai", "gpt-6-luna", Some(Temper::Silent)),
            ("openai", "gpt-4o-mini", None),
            ("gemini", "gemini-3.8-flash", Some(Temper::Reasoning)),
            ("gemini", "gemini-3.5-flash-lite", Some(Temper::Plain)),
            ("deepseek", "deepseek-v4-flash", Some(Temper::Reasoning)),
            ("anthropic", "claude-haiku-4-5", None),
        ] {
            assert_eq!(temper(like, model), wanted, "{model}");
        }
    }
}
