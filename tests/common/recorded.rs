//! The recorded and documented answers of the corpus, as their manifest lists them.

use std::{fs, path::PathBuf};

use deskhand::domain::ProviderKind;
use serde_json::Value;

/// One answer.
pub(crate) struct Row {
    /// Its line of the manifest.
    pub(crate) listed: Value,
    /// What its file says of the response.
    pub(crate) response: Value,
    pub(crate) id: String,
    pub(crate) kind: ProviderKind,
    pub(crate) body: Vec<u8>,
    pub(crate) is_stream: bool,
}

/// Returns every answer; none, and a word about it, where the corpus is absent.
pub(crate) fn rows() -> Vec<Row> {
    let corpus = std::env::var_os("DESKHAND_CORPUS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus")),
        PathBuf::from,
    );
    let wire = corpus.join("wire");
    let Ok(manifest) = fs::read_to_string(wire.join("shared/manifest.jsonl")) else {
        println!("corpus absent: 1 tests not run");
        return Vec::new();
    };
    let rows = manifest.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        let path = wire.join(row["file"].as_str().unwrap());
        let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let response = file["response"].take();
        let body = match (
            response["body_file"].as_str(),
            response["body"]["_raw"].as_str(),
        ) {
            (Some(name), _) => fs::read(path.with_file_name(name)).unwrap(),
            (None, Some(raw)) => raw.as_bytes().to_vec(),
            (None, None) => response["body"].to_string().into_bytes(),
        };
        let kind = match (
            row["dialect"].as_str().unwrap(),
            row["provider"].as_str().unwrap(),
        ) {
            ("anthropic", _) => ProviderKind::Anthropic,
            ("openai-chat", "openai-compatible") => ProviderKind::OpenAiCompatible,
            ("openai-chat", _) => ProviderKind::OpenAi,
            ("openai-responses", _) => ProviderKind::OpenAiResponses,
            ("gemini", _) => ProviderKind::Gemini,
            other => panic!("unknown dialect {other:?}"),
        };
        Row {
            id: row["id"].as_str().unwrap().to_owned(),
            is_stream: row["stream"].as_bool().unwrap(),
            kind,
            body,
            response,
            listed: row,
        }
    });
    rows.collect()
}
