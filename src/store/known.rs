//! All that is known of keys and links, read in one step: what a plan is made with.

use std::collections::BTreeMap;

use sqlx::{Any, Executor, any::AnyRow};

use super::{Store, StoreError, error::Trouble, rows, standings};
use crate::domain::{KeyStanding, LinkName, ProviderName, Rest, Timestamp};

/// All that is known of keys and links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownLinks {
    /// What was seen of each provider's key.
    pub keys: Vec<KeyStanding>,
    /// The links that rest.
    pub rests: Vec<Rest>,
    /// Parameters that links refuse.
    pub quirks: Vec<(LinkName, String)>,
    /// How links and providers behaved, as the engine writes it.
    pub breakers: BTreeMap<String, String>,
    /// How fast links were, as the engine writes it.
    pub times: BTreeMap<LinkName, String>,
}

impl Store {
    /// Returns all that is known of keys and links; of rests, those beyond `now`.
    pub async fn known_links(&self, now: Timestamp) -> Result<KnownLinks, StoreError> {
        self.told("read what is known of links", all(self.pool(), now))
            .await
    }
}

/// Reads all of it in one step.
pub(super) async fn all<'e>(
    from: impl Executor<'e, Database = Any>,
    now: Timestamp,
) -> Result<KnownLinks, Trouble> {
    let read = sqlx::query(
        "SELECT 'key' AS kind, provider AS name, fingerprint AS one, state AS two,
             since AS at, said FROM key_standings
         UNION ALL SELECT 'rest', link, because, '', until, NULL FROM rests WHERE until > $1
         UNION ALL SELECT 'quirk', link, parameter, '', 0, NULL FROM quirks
         UNION ALL SELECT 'breaker', name, standing, '', 0, NULL FROM breakers
         UNION ALL SELECT 'times', link, times, '', 0, NULL FROM link_times",
    )
    .bind(now.as_microsecond())
    .fetch_all(from)
    .await?;
    let mut known = KnownLinks::default();
    for row in &read {
        take(row, &mut known)?;
    }
    Ok(known)
}

fn take(row: &AnyRow, known: &mut KnownLinks) -> Result<(), Trouble> {
    let kind = rows::text(row, "kind")?;
    match kind.as_str() {
        "key" => known.keys.push(KeyStanding {
            provider: ProviderName(rows::text(row, "name")?),
            fingerprint: rows::text(row, "one")?,
            state: standings::key_state(&rows::text(row, "two")?)?,
            since: rows::time(row, "at")?,
            said: rows::text_or_none(row, "said")?,
        }),
        "rest" => known.rests.push(Rest {
            link: rows::parsed(row, "name")?,
            until: rows::time(row, "at")?,
            because: rows::worded(row, "one")?,
        }),
        "quirk" => known
            .quirks
            .push((rows::parsed(row, "name")?, rows::text(row, "one")?)),
        "breaker" => {
            let standing = rows::text(row, "one")?;
            known.breakers.insert(rows::text(row, "name")?, standing);
        }
        "times" => {
            let times = rows::text(row, "one")?;
            known.times.insert(rows::parsed(row, "name")?, times);
        }
        other => return Err(Trouble::damaged("kind", &other)),
    }
    Ok(())
}
