//! Price lists of others, read as rows of our own: LiteLLM's map and models.dev's.
//!
//! LiteLLM: one JSON object, US dollars per **token**, longer prompts as `..._above_200k_tokens`,
//! the long-lived cache as `..._above_1hr` (<https://docs.litellm.ai/docs/proxy/model_cost_map>).
//! models.dev: US dollars per **million** tokens, one TOML file per model or all as `api.json`
//! (<https://github.com/anomalyco/models.dev>). Nothing is counted in floating point.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::price_rows::{BookRow, BookTier, datetime, own};
use crate::{domain::Usd, engine::price::family};

/// Where a list comes from and when it is read.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The name of the file, for the rows' source.
    pub file: String,
    /// The day, UTC.
    pub today: Date,
    /// Whose model a single TOML file is about, and which; from where it lies.
    pub about: Option<(String, String)>,
}

/// Says why a list cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is neither JSON nor TOML.
    #[error("{0} is neither JSON nor TOML")]
    NotAList(String),
    /// It is, but no list of prices that is known here.
    #[error("{0} is no price list of LiteLLM or models.dev")]
    Unknown(String),
    /// It has no price of a provider that is known here.
    #[error("{0} has no price of any provider that is known here")]
    Empty(String),
    /// A single TOML file does not say whose model it is about.
    #[error(
        "{0} does not say whose model it is: name it as models.dev does, providers/NAME/models/MODEL.toml"
    )]
    Whose(String),
}

/// What an import would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Import {
    /// Rows that are new or other than before, each with the row that it replaces.
    pub changes: Vec<(BookRow, Option<BookRow>)>,
    /// How many prices of the list are those known already.
    pub same: usize,
    /// How many entries were passed over: no known provider, no text model, or no price.
    pub passed_over: usize,
    /// The person's rows as they would stand afterwards.
    pub rows: Vec<BookRow>,
}

/// Providers by the names of both lists, and the names of their presets here.
const PROVIDERS: [(&str, &str); 10] = [
    ("anthropic", "anthropic"),
    ("openai", "openai"),
    ("gemini", "gemini"),
    ("google", "gemini"),
    ("deepseek", "deepseek"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("xai", "xai"),
    ("openrouter", "openrouter"),
    ("azure", "azure"),
];

/// Reads a list and compares it with the prices known: the person's `before`, then the program's.
pub fn import(text: &str, origin: &Origin, before: &[BookRow]) -> Result<Import, ImportError> {
    let (found, passed_over) = rows(text, origin)?;
    let mut import = Import {
        passed_over,
        rows: before.to_vec(),
        ..Import::default()
    };
    for mut row in found {
        let known = |model: &str| {
            let held = current(before, (&row.provider, model), origin.today);
            held.or_else(|| current(own(), (&row.provider, model), origin.today))
        };
        // A snapshot costs what its family costs, unless it has a row of its own.
        let old = known(&row.model).or_else(|| known(family(&row.model)));
        if old.is_some_and(|old| is_same(old, &row)) {
            import.same += 1;
            continue;
        }
        let old = old.cloned();
        // What a list does not say of a model's size is still true.
        row.context_tokens = row
            .context_tokens
            .or(old.as_ref().and_then(|old| old.context_tokens));
        import.rows.retain(|kept| {
            !(kept.provider == row.provider && kept.model == row.model && kept.since == row.since)
        });
        import.rows.push(row.clone());
        import.changes.push((row, old));
    }
    Ok(import)
}

/// Returns the row of a provider's model that holds today.
fn current<'r>(
    rows: &'r [BookRow],
    (provider, model): (&str, &str),
    today: Date,
) -> Option<&'r BookRow> {
    rows.iter()
        .filter(|row| row.provider == provider && row.model == model)
        .filter(|row| row.to_price().applies(today))
        .max_by_key(|row| row.to_price().since)
}

/// Tells whether two rows ask the same; a list that says less says nothing else.
fn is_same(old: &BookRow, new: &BookRow) -> bool {
    let agrees = |old: Option<Usd>, new: Option<Usd>| new.is_none() || old == new;
    old.input == new.input
        && old.output == new.output
        && agrees(old.cache_read, new.cache_read)
        && agrees(old.cache_write, new.cache_write)
        && agrees(old.cache_write_long, new.cache_write_long)
        && (new.tiers.is_empty() || tiers(old) == tiers(new))
}

/// Returns what the longer prompts of a row cost.
fn tiers(row: &BookRow) -> Vec<(u64, Usd, Usd)> {
    let tiers = row.tiers.iter();
    tiers
        .map(|tier| (tier.above, tier.input, tier.output))
        .collect()
}

fn rows(text: &str, origin: &Origin) -> Result<(Vec<BookRow>, usize), ImportError> {
    let file = || origin.file.clone();
    let (found, passed_over) = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(map)) => list(&map, origin)?,
        Ok(_) => return Err(ImportError::Unknown(file())),
        Err(_) => {
            let table: toml::Table = text.parse().map_err(|_| ImportError::NotAList(file()))?;
            let model = serde_json::to_value(table).map_err(|_| ImportError::NotAList(file()))?;
            if model.get("cost").is_none() {
                return Err(ImportError::Unknown(file()));
            }
            let (provider, name) = origin
                .about
                .clone()
                .ok_or_else(|| ImportError::Whose(file()))?;
            let row = ours(&provider).and_then(|ours| models_dev(ours, &name, &model, origin));
            let missed = usize::from(row.is_none());
            (row.into_iter().collect(), missed)
        }
    };
    if found.is_empty() {
        return Err(ImportError::Empty(file()));
    }
    Ok((found, passed_over))
}

fn list(map: &Map<String, Value>, origin: &Origin) -> Result<(Vec<BookRow>, usize), ImportError> {
    let is_models_dev = map
        .values()
        .any(|value| value.get("models").is_some_and(Value::is_object));
    let is_litellm = map
        .values()
        .any(|value| value.get("litellm_provider").is_some());
    let mut found: BTreeMap<(String, String), BookRow> = BTreeMap::new();
    let mut passed_over = 0;
    let mut keep = |row: Option<BookRow>| match row {
        None => passed_over += 1,
        Some(row) => {
            let key = (row.provider.clone(), row.model.clone());
            // A model under several keys: the dearest, so that nothing is undercounted.
            let dearer = found.get(&key).is_some_and(|old| old.output >= row.output);
            if !dearer {
                found.insert(key, row);
            }
        }
    };
    if is_models_dev {
        for (provider, value) in map {
            let models = value.get("models").and_then(Value::as_object);
            for (name, model) in models.into_iter().flatten() {
                keep(ours(provider).and_then(|ours| models_dev(ours, name, model, origin)));
            }
        }
    } else if is_litellm {
        for (name, model) in map.iter().filter(|(name, _)| *name != "sample_spec") {
            keep(litellm(name, model, origin));
        }
    } else {
        return Err(ImportError::Unknown(origin.file.clone()));
    }
    Ok((found.into_values().collect(), passed_over))
}

fn ours(provider: &str) -> Option<&'static str> {
    PROVIDERS
        .iter()
        .find(|(theirs, _)| *theirs == provider)
        .map(|(_, ours)| *ours)
}

fn litellm(key: &str, model: &Value, origin: &Origin) -> Option<BookRow> {
    let theirs = model.get("litellm_provider")?.as_str()?;
    let provider = ours(theirs)?;
    let mode = model.get("mode").and_then(Value::as_str).unwrap_or("chat");
    if !matches!(mode, "chat" | "responses" | "completion") {
        return None;
    }
    let name = key.strip_prefix(&format!("{theirs}/")).unwrap_or(key);
    let price = |name: &str| model.get(name).and_then(|value| exact(value, 6));
    let above = |name: &str, tier: u64| price(&format!("{name}_above_{tier}k_tokens"));
    let (input, output) = (
        price("input_cost_per_token")?,
        price("output_cost_per_token")?,
    );
    let tiers = [32, 100, 128, 200, 256, 272, 512]
        .into_iter()
        .filter_map(|tier| {
            let dearer = above("input_cost_per_token", tier);
            let spoken = above("output_cost_per_token", tier);
            (dearer.is_some() || spoken.is_some()).then(|| BookTier {
                above: tier * 1_000,
                input: dearer.unwrap_or(input),
                output: spoken.unwrap_or(output),
                cache_read: above("cache_read_input_token_cost", tier),
                cache_write: above("cache_creation_input_token_cost", tier),
                cache_write_long: above("cache_creation_input_token_cost_above_1hr", tier),
                thinking: None,
            })
        });
    let tiers = tiers.collect();
    let tokens = |name: &str| model.get(name).and_then(Value::as_u64);
    Some(BookRow {
        provider: provider.to_owned(),
        model: name.to_owned(),
        since: datetime(origin.today),
        until: None,
        seen: datetime(origin.today),
        input,
        output,
        cache_read: price("cache_read_input_token_cost"),
        cache_write: price("cache_creation_input_token_cost").filter(|usd| *usd > Usd::ZERO),
        cache_write_long: price("cache_creation_input_token_cost_above_1hr"),
        thinking: price("output_cost_per_reasoning_token"),
        tiers,
        context_tokens: None,
        max_output_tokens: tokens("max_output_tokens").and_then(|n| u32::try_from(n).ok()),
        source: format!("LiteLLM, {}, {}", origin.file, origin.today),
    })
}

fn models_dev(provider: &str, name: &str, model: &Value, origin: &Origin) -> Option<BookRow> {
    let cost = model.get("cost")?;
    let price = |from: &Value, name: &str| from.get(name).and_then(|value| exact(value, 0));
    let (input, output) = (price(cost, "input")?, price(cost, "output")?);
    let tier = |tier: &Value, above: u64| {
        Some(BookTier {
            above,
            input: price(tier, "input")?,
            output: price(tier, "output")?,
            cache_read: price(tier, "cache_read"),
            cache_write: price(tier, "cache_write"),
            cache_write_long: None,
            thinking: None,
        })
    };
    let listed = cost.get("tiers").and_then(Value::as_array);
    let mut tiers: Vec<BookTier> = listed
        .into_iter()
        .flatten()
        .filter_map(|one| {
            let size = one.pointer("/tier/size").or_else(|| one.get("size"))?;
            tier(one, size.as_u64()?)
        })
        .collect();
    if let (true, Some(longer)) = (tiers.is_empty(), cost.get("context_over_200k")) {
        tiers.extend(tier(longer, 200_000));
    }
    let limit = |name: &str| {
        model
            .pointer(&format!("/limit/{name}"))
            .and_then(Value::as_u64)
    };
    Some(BookRow {
        provider: provider.to_owned(),
        model: name.to_owned(),
        since: datetime(origin.today),
        until: None,
        seen: datetime(origin.today),
        input,
        output,
        cache_read: price(cost, "cache_read"),
        cache_write: price(cost, "cache_write"),
        cache_write_long: None,
        thinking: price(cost, "reasoning"),
        tiers,
        context_tokens: limit("context"),
        max_output_tokens: limit("output").and_then(|n| u32::try_from(n).ok()),
        source: format!("models.dev, {}, {}", origin.file, origin.today),
    })
}

/// Reads a number exactly, moved by so many places: 3e-7 dollars a token is 0.3 a million. What
/// is finer than a nano-dollar is rounded up.
fn exact(value: &Value, places: i32) -> Option<Usd> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text.as_str(), 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    let behind = i32::try_from(part.len()).ok()?;
    let move_by = exponent
        .checked_sub(behind)?
        .checked_add(places)?
        .checked_add(9)?;
    let power = 10_i128.checked_pow(move_by.unsigned_abs())?;
    let nanos = if move_by >= 0 {
        digits.checked_mul(power)?
    } else {
        digits.checked_add(power - 1)?.div_euclid(power)
    };
    let nanos = i64::try_from(nanos).ok()?;
    (nanos >= 0).then(|| Usd::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 25);

    fn origin() -> Origin {
        Origin {
            file: "list".to_owned(),
            today: TODAY,
            about: Some(("anthropic".to_owned(), "claude-x".to_owned())),
        }
    }

    fn usd(text: &str) -> Usd {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_moved_exactly() {
        for (number, places, wanted) in [
            ("3e-7", 6, "0.3"),
            ("3e-07", 6, "0.3"),
            ("0.0000025", 6, "2.5"),
            ("1.25e-06", 6, "1.25"),
            ("0.003625", 0, "0.003625"),
            ("15", 0, "15"),
            ("0.0000000001", 0, "0.000000001"),
        ] {
            assert_eq!(exact(&json!(number), places), Some(usd(wanted)), "{number}");
            let value: Value = serde_json::from_str(number).unwrap();
            assert_eq!(exact(&value, places), Some(usd(wanted)), "{number}");
        }
        for wrong in [json!(-1), json!("much"), json!(null), json!("1e99")] {
            assert_eq!(exact(&wrong, 6), None, "{wrong}");
        }
    }

    #[test]
    fn the_map_of_litellm_is_read_per_token() {
        let list = include_str!("../../tests/fixtures/prices/litellm.json");

        let import = import(list, &origin(), &[]).unwrap();

        let names: Vec<String> = import
            .changes
            .iter()
            .map(|(row, _)| format!("{}/{}", row.provider, row.model))
            .collect();
        assert_eq!(
            names,
            ["anthropic/claude-invented-9", "gemini/gemini-invented-9"]
        );
        let claude = &import.changes[0].0;
        assert_eq!((claude.input, claude.output), (usd("0.3"), usd("1.5")));
        assert_eq!(claude.cache_read, Some(usd("0.03")));
        assert_eq!(claude.cache_write_long, Some(usd("0.6")));
        assert_eq!(claude.tiers.len(), 1);
        assert_eq!(claude.tiers[0].above, 200_000);
        assert_eq!(claude.tiers[0].output, usd("2.25"));
        assert_eq!(claude.tiers[0].cache_write_long, Some(usd("1.2")));
        // An embedding, a picture model and a provider that is not known here.
        assert_eq!(import.passed_over, 3);
        assert_eq!(
            import.same, 2,
            "Haiku 4.5 and its snapshot ask what the book says"
        );
    }

    #[test]
    fn the_list_of_models_dev_is_read_per_million() {
        let list = include_str!("../../tests/fixtures/prices/models-dev.json");

        let import = import(list, &origin(), &[]).unwrap();

        let row = &import.changes[0].0;
        assert_eq!(
            (row.provider.as_str(), row.model.as_str()),
            ("gemini", "gemini-invented-9")
        );
        assert_eq!((row.input, row.output), (usd("1.5"), usd("12")));
        assert_eq!(row.context_tokens, Some(1_000_000));
        assert_eq!(
            (row.tiers[0].above, row.tiers[0].input),
            (200_000, usd("3"))
        );
    }

    #[test]
    fn one_model_of_models_dev_is_read_from_its_file() {
        let text = include_str!("../../tests/fixtures/prices/model.toml");

        let import = import(text, &origin(), &[]).unwrap();

        let row = &import.changes[0].0;
        assert_eq!(row.model, "claude-x");
        assert_eq!(row.tiers[0].above, 272_000);
        assert_eq!(row.tiers[0].output, usd("9"));
        let nobodys = Origin {
            about: None,
            ..origin()
        };
        let error = super::import(text, &nobodys, &[]).unwrap_err();
        assert_eq!(error, ImportError::Whose("list".to_owned()));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (text, wanted) in [
            ("no list at all", ImportError::NotAList("list".to_owned())),
            ("[]", ImportError::Unknown("list".to_owned())),
            ("{\"a\": 1}", ImportError::Unknown("list".to_owned())),
            ("a = 1", ImportError::Unknown("list".to_owned())),
            (
                "{\"x\": {\"litellm_provider\": \"nobody\", \"input_cost_per_token\": 1}}",
                ImportError::Empty("list".to_owned()),
            ),
        ] {
            assert_eq!(import(text, &origin(), &[]).unwrap_err(), wanted, "{text}");
        }
    }

    #[test]
    fn an_import_replaces_its_own_rows_of_the_day_and_keeps_the_others() {
        let list = include_str!("../../tests/fixtures/prices/litellm.json");
        let first = import(list, &origin(), &[]).unwrap();
        let other = BookRow {
            model: "by-hand".to_owned(),
            ..first.rows[0].clone()
        };
        let mut before = vec![other];
        before.extend(first.rows);

        let again = import(list, &origin(), &before).unwrap();
        assert_eq!(again.changes, []);
        assert_eq!(again.rows, before);

        let dearer = list.replace("3e-7", "4e-7");
        let third = import(&dearer, &origin(), &before).unwrap();
        assert_eq!(third.changes.len(), 1);
        assert_eq!(third.rows.len(), 3);
        assert_eq!(third.changes[0].1.as_ref().unwrap().input, usd("0.3"));
    }
}
