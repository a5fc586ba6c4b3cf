//! What outlives a run: how keys and links behaved, what models refuse, who was first.

use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    error::Trouble,
    events::{Happened, Verb},
    rows,
};
use crate::domain::{KeyStanding, KeyState, LinkName, ProviderName, Rest, Timestamp};

const KEY_STATES: [KeyState; 3] = [KeyState::Verified, KeyState::Invalid, KeyState::NoCredit];
const FIRST_PROVIDER: &str = "first_provider";

impl Store {
    /// Returns what is known of every provider's key.
    pub async fn key_standings(&self) -> Result<Vec<KeyStanding>, StoreError> {
        self.told("read what is known of keys", async {
            sqlx::query(
                "SELECT provider, fingerprint, state, since, said FROM key_standings
                 ORDER BY provider",
            )
            .fetch_all(self.pool())
            .await?
            .iter()
            .map(key_standing)
            .collect()
        })
        .await
    }

    /// Notes what was seen of a provider's key.
    pub async fn set_key_standing(&self, standing: &KeyStanding) -> Result<(), StoreError> {
        self.told("note what was seen of a key", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO key_standings (provider, fingerprint, state, since, said)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (provider) DO UPDATE SET fingerprint = excluded.fingerprint,
                     state = excluded.state, since = excluded.since, said = excluded.said",
            )
            .bind(&standing.provider.0)
            .bind(&standing.fingerprint)
            .bind(standing.state.word())
            .bind(standing.since.as_microsecond())
            .bind(standing.said.as_deref().map(rows::plain))
            .execute(&mut *tx)
            .await?;
            self.commit(tx, &seen(&standing.provider.0, standing.since))
                .await
        })
        .await
    }

    /// Forgets what was seen of a provider's key.
    pub async fn forget_key_standing(
        &self,
        provider: &ProviderName,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("forget a key", async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM key_standings WHERE provider = $1")
                .bind(&provider.0)
                .execute(&mut *tx)
                .await?;
            self.commit(tx, &seen(&provider.0, at)).await
        })
        .await
    }

    /// Returns the links that rest beyond `now`.
    pub async fn rests(&self, now: Timestamp) -> Result<Vec<Rest>, StoreError> {
        self.told("read which links rest", async {
            sqlx::query("SELECT link, until, because FROM rests WHERE until > $1 ORDER BY link")
                .bind(now.as_microsecond())
                .fetch_all(self.pool())
                .await?
                .iter()
                .map(|row| {
                    Ok(Rest {
                        link: rows::parsed(row, "link")?,
                        until: rows::time(row, "until")?,
                        because: rows::worded(row, "because")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// Lets a link rest; of two rests the longer one counts.
    pub async fn rest(&self, rest: &Rest, at: Timestamp) -> Result<(), StoreError> {
        self.told("let a link rest", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO rests (link, until, because) VALUES ($1, $2, $3)
                 ON CONFLICT (link) DO UPDATE SET until = excluded.until,
                     because = excluded.because
                 WHERE excluded.until > rests.until",
            )
            .bind(rest.link.to_string())
            .bind(rest.until.as_microsecond())
            .bind(rows::word(rest.because)?)
            .execute(&mut *tx)
            .await?;
            self.commit(tx, &seen(&rest.link.to_string(), at)).await
        })
        .await
    }

    /// Ends the rest of a link.
    pub async fn wake(&self, link: &LinkName, at: Timestamp) -> Result<(), StoreError> {
        self.told("wake a link", async {
            let mut tx = self.begin().await?;
            let gone = sqlx::query("DELETE FROM rests WHERE link = $1")
                .bind(link.to_string())
                .execute(&mut *tx)
                .await?
                .rows_affected();
            if gone == 0 {
                tx.take_back().await?;
                return Ok(());
            }
            self.commit(tx, &seen(&link.to_string(), at)).await
        })
        .await
    }

    /// Returns the parameters that links refuse.
    pub async fn quirks(&self) -> Result<Vec<(LinkName, String)>, StoreError> {
        self.told("read what links refuse", async {
            sqlx::query("SELECT link, parameter FROM quirks ORDER BY link, parameter")
                .fetch_all(self.pool())
                .await?
                .iter()
                .map(|row| Ok((rows::parsed(row, "link")?, rows::text(row, "parameter")?)))
                .collect()
        })
        .await
    }

    /// Remembers that a link refuses a parameter.
    pub async fn remember_quirk(
        &self,
        link: &LinkName,
        parameter: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("remember what a link refuses", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO quirks (link, parameter) VALUES ($1, $2)
                 ON CONFLICT (link, parameter) DO NOTHING",
            )
            .bind(link.to_string())
            .bind(rows::plain(parameter))
            .execute(&mut *tx)
            .await?;
            self.commit(tx, &seen(&link.to_string(), at)).await
        })
        .await
    }

    /// Returns the provider that was drafted on first.
    pub async fn first_provider(&self) -> Result<Option<ProviderName>, StoreError> {
        self.told("read the settings", async {
            let row = sqlx::query("SELECT value FROM settings WHERE name = $1")
                .bind(FIRST_PROVIDER)
                .fetch_optional(self.pool())
                .await?;
            row.map(|row| rows::text(&row, "value").map(ProviderName))
                .transpose()
        })
        .await
    }

    /// Notes the provider that is drafted on first.
    pub async fn set_first_provider(
        &self,
        provider: &ProviderName,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.told("write the settings", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "INSERT INTO settings (name, value) VALUES ($1, $2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            )
            .bind(FIRST_PROVIDER)
            .bind(&provider.0)
            .execute(&mut *tx)
            .await?;
            let happened = Happened {
                verb: Verb::Configured,
                ..seen(&provider.0, at)
            };
            self.commit(tx, &happened).await
        })
        .await
    }
}

const fn seen(subject: &str, at: Timestamp) -> Happened<'_> {
    Happened {
        verb: Verb::Standing,
        subject,
        actor: "",
        detail: "",
        at,
    }
}

/// Reads the word for a key's state.
pub(super) fn key_state(word: &str) -> Result<KeyState, Trouble> {
    let mut states = KEY_STATES.into_iter();
    states
        .find(|known| known.word() == word)
        .ok_or_else(|| Trouble::damaged("state", &word))
}

fn key_standing(row: &AnyRow) -> Result<KeyStanding, Trouble> {
    Ok(KeyStanding {
        provider: ProviderName(rows::text(row, "provider")?),
        fingerprint: rows::text(row, "fingerprint")?,
        state: key_state(&rows::text(row, "state")?)?,
        since: rows::time(row, "since")?,
        said: rows::text_or_none(row, "said")?,
    })
}
