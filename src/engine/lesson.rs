//! What a run taught about keys and links: data for those who remember.

use std::time::Duration;

use super::breaker::{self, Breakers, Luck, Weight};
use crate::domain::{
    Fault, FaultClass, KeyStanding, KeyState, LinkName, ProviderName, RateLeft, Rest, Timestamp,
};

/// One thing a run taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// A link must not be asked before a time.
    Rest(Rest),
    /// The provider accepted its key.
    KeyWorks(ProviderName),
    /// The provider refused its key.
    KeyRefused {
        /// Whose.
        provider: ProviderName,
        /// The provider's words.
        said: Option<String>,
    },
    /// The key is good but its credit is spent: every link of the key rests ([`credit_rest`]).
    NoCredit {
        /// Whose.
        provider: ProviderName,
        /// The provider's words.
        said: Option<String>,
    },
    /// The link does not accept a parameter of ours and is asked without it from now on.
    Quirk {
        /// Which.
        link: LinkName,
        /// The parameter, as the provider named it.
        parameter: String,
    },
    /// The model is retired, unknown or not for us: the config should be changed.
    ModelGone {
        /// Which.
        link: LinkName,
        /// The provider's words.
        said: Option<String>,
    },
    /// The link answered; how long its first words took (the whole answer, without a stream).
    Worked {
        /// Which.
        link: LinkName,
        /// Time from the call to the first words.
        first_text: Option<Duration>,
        /// The 99th percentile of the time between two pieces; none of an answer in one piece.
        gap_p99: Option<Duration>,
    },
    /// The link was tried again beside another, which answered first: it proved nothing.
    Undecided {
        /// Which.
        link: LinkName,
    },
    /// What the link's provider said is left of its rate limit.
    Left {
        /// Which.
        link: LinkName,
        /// How much.
        left: RateLeft,
    },
    /// The link failed in a way that counts against it.
    Failed {
        /// Which.
        link: LinkName,
        /// How much it counts.
        weight: Weight,
        /// Until when the provider asked to be left alone, if it did.
        until: Option<Timestamp>,
    },
}

/// A rate limit without a named time rests a link as long as a breaker first opens.
pub const UNNAMED_REST: Duration = Duration::from_secs(5);
/// Spent credit without a named time (ENGINE section 2).
const CREDIT_REST: Duration = Duration::from_mins(15);
/// No rest that a provider asks for in seconds is longer (ENGINE section 3).
const LONGEST_REST: Duration = Duration::from_mins(10);

/// Returns until when a fault puts its link to rest, if it does.
pub fn rest_until(fault: &Fault, now: Timestamp) -> Option<Timestamp> {
    let wait = match fault.class {
        FaultClass::RateLimited => fault.wait.unwrap_or(UNNAMED_REST).min(LONGEST_REST),
        FaultClass::OutOfCredit => CREDIT_REST,
        FaultClass::Overloaded
        | FaultClass::ServerError
        | FaultClass::Unreachable
        | FaultClass::TimedOut
        | FaultClass::ModelGone
        | FaultClass::Empty
        | FaultClass::Cut
        | FaultClass::Truncated
        | FaultClass::KeyRefused
        | FaultClass::BadInput
        | FaultClass::TooLong
        | FaultClass::Refused
        | FaultClass::Cancelled
        | FaultClass::OverCap => return None,
    };
    fault.until.or_else(|| now.checked_add(wait).ok())
}

/// Returns until when every link of a key rests since its credit is spent, if it does.
pub fn credit_rest(key: &KeyStanding, now: Timestamp) -> Option<Timestamp> {
    let until = key.since.checked_add(CREDIT_REST).ok()?;
    // A clock that was put back must not let it rest longer.
    let is_resting = key.state == KeyState::NoCredit && (key.since..until).contains(&now);
    is_resting.then_some(until)
}

/// Tells whether what a run saw of a key says something new beside what is known of it. One that
/// began before that was seen may end after it, well and with an older key: that says nothing.
pub fn is_news(
    known: Option<&KeyStanding>,
    (fingerprint, state): (&str, KeyState),
    began: Timestamp,
    now: Timestamp,
) -> bool {
    let Some(known) = known else {
        return true;
    };
    let is_later = began >= known.since;
    if known.fingerprint != fingerprint {
        return is_later;
    }
    match (known.state, state) {
        (KeyState::NoCredit, KeyState::NoCredit) => credit_rest(known, now).is_none(),
        (KeyState::Verified, KeyState::Verified) | (KeyState::Invalid, KeyState::Invalid) => false,
        (KeyState::NoCredit | KeyState::Invalid, KeyState::Verified) => is_later,
        (_, KeyState::Invalid | KeyState::NoCredit) => true,
    }
}

/// Returns what a fault at a link teaches: spent credit rests its key, a model's own quota only the
/// link itself. A named end is kept for the link, for a key rests a while only.
pub fn of_fault(link: &LinkName, fault: &Fault, now: Timestamp) -> Vec<Lesson> {
    let mut lessons = Vec::new();
    let provider = link.provider.clone();
    let said = fault.said.clone();
    let weight = breaker::weight(fault);
    if weight != Weight::None {
        let latest = now.checked_add(LONGEST_REST).ok();
        let named = fault.wait.and_then(|wait| now.checked_add(wait).ok());
        let until = named
            .or(fault.until)
            .map(|at| latest.map_or(at, |latest| at.min(latest)));
        lessons.push(Lesson::Failed {
            link: link.clone(),
            weight,
            until,
        });
    }
    if let Some(left) = fault.left {
        lessons.push(Lesson::Left {
            link: link.clone(),
            left,
        });
    }
    let of_the_key = fault.class == FaultClass::OutOfCredit && !fault.is_of_model;
    let until = rest_until(fault, now).filter(|_| !of_the_key || fault.until.is_some());
    if of_the_key {
        lessons.push(Lesson::NoCredit { provider, said });
        lessons.extend(until.map(|until| {
            Lesson::Rest(Rest {
                link: link.clone(),
                until,
                because: fault.class,
            })
        }));
    } else if let Some(until) = until {
        lessons.push(Lesson::Rest(Rest {
            link: link.clone(),
            until,
            because: fault.class,
        }));
    } else if fault.class == FaultClass::KeyRefused {
        lessons.push(Lesson::KeyRefused { provider, said });
    } else if fault.class == FaultClass::ModelGone {
        lessons.push(Lesson::ModelGone {
            link: link.clone(),
            said,
        });
    }
    lessons
}

impl Breakers {
    /// Takes what a run taught of links.
    pub fn learn(&mut self, lessons: &[Lesson], now: Timestamp, luck: Luck) {
        for lesson in lessons {
            match lesson {
                Lesson::Worked { link, .. } => self.worked(link, now),
                Lesson::Failed {
                    link,
                    weight,
                    until,
                } => {
                    self.failed(link, *weight, now, luck);
                    if let Some(until) = until {
                        self.not_before(link, *until);
                    }
                }
                Lesson::Undecided { link } => self.undecided(link, now, luck),
                Lesson::Rest(_)
                | Lesson::KeyWorks(_)
                | Lesson::KeyRefused { .. }
                | Lesson::NoCredit { .. }
                | Lesson::Quirk { .. }
                | Lesson::Left { .. }
                | Lesson::ModelGone { .. } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn key(state: KeyState) -> KeyStanding {
        KeyStanding {
            provider: ProviderName("a".to_owned()),
            fingerprint: "one".to_owned(),
            state,
            since: NOW,
            said: None,
        }
    }

    fn seconds(fault: &Fault) -> Option<i64> {
        rest_until(fault, NOW).map(Timestamp::as_second)
    }

    #[test]
    fn a_rate_limit_rests_until_the_time_it_names() {
        let waiting = |wait: Option<u64>| Fault {
            wait: wait.map(Duration::from_secs),
            ..Fault::new(FaultClass::RateLimited)
        };

        assert_eq!(seconds(&waiting(Some(41))), Some(41));
        assert_eq!(seconds(&waiting(Some(86_400))), Some(600));
        assert_eq!(seconds(&waiting(None)), Some(5));
        assert_eq!(seconds(&Fault::new(FaultClass::ServerError)), None);
    }

    #[test]
    fn spent_credit_rests_the_key_for_a_quarter_of_an_hour() {
        let link = LinkName::new("a", "x");

        let lessons = of_fault(&link, &Fault::new(FaultClass::OutOfCredit), NOW);

        let no_credit = Lesson::NoCredit {
            provider: link.provider,
            said: None,
        };
        assert_eq!(lessons, [no_credit]);
        let rests = |state, minutes| credit_rest(&key(state), NOW + Duration::from_mins(minutes));
        let end = NOW + Duration::from_mins(15);
        assert_eq!(rests(KeyState::NoCredit, 14), Some(end));
        assert_eq!(rests(KeyState::NoCredit, 15), None);
        assert_eq!(rests(KeyState::Verified, 1), None);
        let before = NOW - Duration::from_secs(1);
        assert_eq!(credit_rest(&key(KeyState::NoCredit), before), None);
    }

    #[test]
    fn a_success_that_began_before_says_nothing_of_a_key() {
        let at = |minutes: i64| NOW + jiff::SignedDuration::from_mins(minutes);
        let (spent, good, refused) = (KeyState::NoCredit, KeyState::Verified, KeyState::Invalid);
        let is_news_at = |known: KeyState, state, began, now| {
            is_news(Some(&key(known)), ("one", state), at(began), at(now))
        };

        assert!(!is_news_at(spent, good, -1, 1));
        assert!(is_news_at(spent, good, 1, 2), "credit was bought");
        assert!(!is_news_at(refused, good, -1, 1));
        assert!(is_news_at(refused, good, 1, 2));
        assert!(!is_news_at(spent, spent, 1, 2), "the rest is not drawn out");
        assert!(is_news_at(spent, spent, 15, 15), "the next rest begins");
        assert!(is_news_at(good, spent, -1, 1));
        assert!(is_news_at(good, refused, -1, 1));
        assert!(!is_news_at(good, good, 1, 2));
        let of_another = |began| is_news(Some(&key(good)), ("another", refused), at(began), at(2));
        assert!(!of_another(-1), "of the key before");
        assert!(of_another(1));
        assert!(is_news(None, ("one", good), NOW, NOW));
    }

    #[test]
    fn a_models_own_quota_rests_its_link_alone_and_spent_credit_the_key_too() {
        let link = LinkName::new("a", "x");
        let until = NOW + Duration::from_hours(2);
        let fault = Fault {
            until: Some(until),
            ..Fault::new(FaultClass::OutOfCredit)
        };
        let rest = Lesson::Rest(Rest {
            link: link.clone(),
            until,
            because: FaultClass::OutOfCredit,
        });
        let no_credit = Lesson::NoCredit {
            provider: link.provider.clone(),
            said: None,
        };

        let of_key = of_fault(&link, &fault, NOW);
        let is_of_model = true;
        let of_model = of_fault(
            &link,
            &Fault {
                is_of_model,
                ..fault
            },
            NOW,
        );

        assert_eq!(of_key, [no_credit, rest.clone()]);
        assert_eq!(of_model, [rest]);
    }
}
