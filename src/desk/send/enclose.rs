//! Files that go with a reply: kept by their content before the reply is queued, so that what
//! leaves is what the person chose, whatever becomes of the file.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::{
    desk::{Desk, DeskError},
    domain::Enclosed,
    source::mail::kind::media_type,
    text::clean::clean_line,
};

impl Desk {
    /// Keeps a file to go with a reply.
    pub async fn enclose(&self, file: &Path) -> Result<Enclosed, DeskError> {
        let limit = self.settings().config.outbox.attachments_bytes;
        let unread = |why: std::io::Error| DeskError::Unreadable {
            file: file.to_owned(),
            why,
        };
        let facts = tokio::fs::metadata(file).await.map_err(unread)?;
        if !facts.is_file() {
            let why = std::io::Error::other("it is no file");
            return Err(unread(why));
        }
        if facts.len() > limit {
            return Err(DeskError::TooMuch {
                bytes: facts.len(),
                limit,
            });
        }
        let bytes = tokio::fs::read(file).await.map_err(unread)?;
        let name = file
            .file_name()
            .map(|name| clean_line(&name.to_string_lossy()))
            .filter(|name| !name.trim().is_empty());
        let name = name.unwrap_or_else(|| "file".to_owned());
        let sha256 = format!("{:x}", Sha256::digest(&bytes));
        let enclosed = Enclosed {
            media_type: media_type(&bytes, &name).to_owned(),
            size_bytes: facts.len().max(bytes.len() as u64),
            name,
            sha256,
        };
        self.store.keep_original(&enclosed.sha256, &bytes).await?;
        Ok(enclosed)
    }
}
