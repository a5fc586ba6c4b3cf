//! In which order the links of a chain are asked: as written, or as prices and times say.
//!
//! Pure. Only the order changes; what a link is for and whether it can be asked is decided later.

use std::time::Duration;

use crate::domain::{LinkName, Usd};

/// How the links of a chain are put in order; `routing` of `[chains.NAME]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routing {
    /// As written.
    #[default]
    Priority,
    /// The cheapest estimate first; a link without a price last.
    Cost,
    /// The best recent first-text time first; a link without one after those that have.
    Latency,
    /// Another one first each time, so that all get their share.
    Balanced,
}

/// Every way, in the order they are listed.
pub const ROUTINGS: [Routing; 4] = [
    Routing::Priority,
    Routing::Cost,
    Routing::Latency,
    Routing::Balanced,
];

impl Routing {
    /// Returns the word in the config.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Cost => "cost",
            Self::Latency => "latency",
            Self::Balanced => "balanced",
        }
    }

    /// Returns what it means, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Priority => "as written",
            Self::Cost => "cheapest first",
            Self::Latency => "fastest first",
            Self::Balanced => "in turn",
        }
    }

    /// Returns the way of that name.
    pub fn named(word: &str) -> Option<Self> {
        ROUTINGS.into_iter().find(|routing| routing.word() == word)
    }
}

/// What is known of a link when its place is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The link.
    pub link: LinkName,
    /// What a draft would cost at most, where a price is known.
    pub estimate: Option<Usd>,
    /// How long its first text took lately.
    pub first_text: Option<Duration>,
}

/// Puts links in order. `turn` is any number that differs from draft to draft. Those that are
/// equal keep the order in which they were written.
pub fn order(mut candidates: Vec<Candidate>, routing: Routing, turn: u64) -> Vec<LinkName> {
    match routing {
        Routing::Priority => {}
        Routing::Cost => {
            candidates.sort_by_key(|one| (one.estimate.is_none(), one.estimate));
        }
        Routing::Latency => {
            candidates.sort_by_key(|one| (one.first_text.is_none(), one.first_text));
        }
        Routing::Balanced => {
            let count = u64::try_from(candidates.len()).unwrap_or(1).max(1);
            let steps = usize::try_from(turn % count).unwrap_or(0);
            candidates.rotate_left(steps);
        }
    }
    candidates.into_iter().map(|one| one.link).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn candidate(name: &str, nanos: Option<i64>, millis: Option<u64>) -> Candidate {
        Candidate {
            link: LinkName::new(name, "m"),
            estimate: nanos.map(Usd::from_nanos),
            first_text: millis.map(Duration::from_millis),
        }
    }

    fn four() -> Vec<Candidate> {
        vec![
            candidate("a", Some(500), None),
            candidate("b", None, Some(900)),
            candidate("c", Some(100), Some(300)),
            candidate("d", Some(500), Some(900)),
        ]
    }

    fn names(links: &[LinkName]) -> String {
        links.iter().map(|link| link.provider.0.as_str()).collect()
    }

    #[test]
    fn each_way_has_its_order_and_equals_keep_theirs() {
        for (routing, wanted) in [
            (Routing::Priority, "abcd"),
            (Routing::Cost, "cadb"),
            (Routing::Latency, "cbda"),
        ] {
            assert_eq!(names(&order(four(), routing, 7)), wanted, "{routing:?}");
        }
    }

    #[test]
    fn in_turn_each_goes_first_equally_often() {
        let mut first: BTreeMap<String, u32> = BTreeMap::new();
        for turn in 0..1_000 {
            let links = order(four(), Routing::Balanced, turn);
            assert_eq!(links.len(), 4);
            *first.entry(links[0].provider.0.clone()).or_default() += 1;
        }

        assert_eq!(first.into_values().collect::<Vec<_>>(), [250; 4]);
    }

    #[test]
    fn nothing_to_order_is_no_trouble() {
        assert!(order(Vec::new(), Routing::Balanced, 3).is_empty());
    }
}
