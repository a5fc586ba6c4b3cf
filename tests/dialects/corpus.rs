//! The recorded answers of the corpus.

use std::{fs, path::PathBuf};

use deskhand::domain::ProviderKind;
use serde_json::Value;

/// A recorded answer with a good status.
pub(crate) struct Recorded {
    pub(crate) id: String,
    pub(crate) kind: ProviderKind,
    pub(crate) body: Vec<u8>,
    pub(crate) is_stream: bool,
}

/// Returns every recorded answer that is whole to its own wire format.
pub(crate) fn recorded() -> Vec<Recorded> {
    let corpus = std::env::var_os("DESKHAND_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    let wire = corpus.join("wire");
    let Ok(manifest) = fs::read_to_string(wire.join("shared/manifest.jsonl")) else {
        println!("corpus absent: 1 tests not run");
        return Vec::new();
    };
    let rows = manifest.lines().filter_map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let path = wire.join(row["file"].as_str().unwrap());
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let response = &file["response"];
        let body = match (
            response["body_file"].as_str(),
            response["body"]["_raw"].as_str(),
        ) {
            (Some(name), _) => fs::read(path.with_file_name(name)).unwrap(),
            (None, Some(raw)) => raw.as_bytes().to_vec(),
            (None, None) => response["body"].to_string().into_bytes(),
        };
        let kind = match (row["dialect"].as_str()?, row["provider"].as_str()?) {
            ("anthropic", _) => ProviderKind::Anthropic,
            ("openai-chat", "openai-compatible") => ProviderKind::OpenAiCompatible,
            ("openai-chat", _) => ProviderKind::OpenAi,
            ("openai-responses", _) => ProviderKind::OpenAiResponses,
            ("gemini", _) => ProviderKind::Gemini,
            other => panic!("unknown dialect {other:?}"),
        };
        let class = row["expect"]["class"].as_str()?;
        (response["status"] == 200 && class.starts_with("ok")).then(|| Recorded {
            id: row["id"].as_str().unwrap().to_owned(),
            kind,
            body,
            is_stream: row["stream"].as_bool().unwrap(),
        })
    });
    rows.collect()
}
