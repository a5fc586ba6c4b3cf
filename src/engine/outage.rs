//! Whether anybody is left to ask: the state in which every provider is down.

use crate::domain::{LinkName, ProviderName, Timestamp};

/// How one link of a chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It may be asked, or will be at a time its provider named.
    Well,
    /// It failed too often lately and has not answered since.
    Failing {
        /// When it may be looked at again; none when that is now.
        until: Option<Timestamp>,
    },
    /// Its key was refused.
    Refused,
    /// Its key has no credit.
    NoCredit,
    /// It is not there for anybody: no key, or a person lets it rest.
    Absent,
}

/// Nobody of a chain can be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outage {
    /// Providers whose key was refused.
    pub refused: Vec<ProviderName>,
    /// Links that failed too often lately.
    pub failing: Vec<LinkName>,
    /// The failing link that may be looked at now.
    pub due: Option<LinkName>,
    /// When the next link may be looked at, where none is due now.
    pub next_look: Option<Timestamp>,
}

impl Outage {
    /// Returns the few words of the meter: `providers down`, `anthropic refused its key`.
    pub fn short(&self) -> String {
        if !self.failing.is_empty() || self.refused.is_empty() {
            return "providers down".to_owned();
        }
        let names: Vec<&str> = self.refused.iter().map(|name| name.0.as_str()).collect();
        match names.as_slice() {
            [one] => format!("{one} refused its key"),
            _ => format!("{} refused their keys", names.join(", ")),
        }
    }
}

/// Says whether every link of a chain is down; none when somebody can be asked, or when nobody is
/// there at all.
pub fn outage(links: &[(LinkName, Health)]) -> Option<Outage> {
    let mut found = Outage::default();
    for (link, health) in links {
        match health {
            Health::Well => return None,
            Health::Failing { until } => {
                found.failing.push(link.clone());
                match until {
                    None => {
                        found.due.get_or_insert_with(|| link.clone());
                    }
                    Some(until) => {
                        let next = found.next_look.map_or(*until, |next| next.min(*until));
                        found.next_look = Some(next);
                    }
                }
            }
            Health::Refused => {
                if !found.refused.contains(&link.provider) {
                    found.refused.push(link.provider.clone());
                }
            }
            Health::NoCredit | Health::Absent => {}
        }
    }
    (!found.failing.is_empty() || !found.refused.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(states: &[Health]) -> Option<Outage> {
        let links = states.iter().enumerate();
        let links: Vec<_> = links
            .map(|(at, health)| (LinkName::new(["a", "b", "c"][at], "x"), *health))
            .collect();
        outage(&links)
    }

    #[test]
    fn one_that_can_be_asked_is_enough() {
        let failing = Health::Failing { until: None };

        assert_eq!(of(&[failing, Health::Well]), None);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Health::Absent, Health::NoCredit]), None);
        assert!(of(&[failing, Health::Absent]).is_some());
        assert!(of(&[failing, Health::NoCredit, Health::Refused]).is_some());
    }

    #[test]
    fn it_names_who_is_looked_at_next_and_whose_key_was_refused() {
        let at = |second| Timestamp::from_second(second).ok();
        let failing = |until| Health::Failing { until };

        let waiting = of(&[failing(at(30)), failing(at(10))]).unwrap();
        assert_eq!((waiting.due.clone(), waiting.next_look), (None, at(10)));
        assert_eq!(waiting.short(), "providers down");
        let due = of(&[failing(at(30)), failing(None)]).unwrap();
        assert_eq!(due.due, Some(LinkName::new("b", "x")));
        let refused = of(&[Health::Refused, Health::Refused]).unwrap();
        assert_eq!(refused.short(), "a, b refused their keys");
        assert_eq!(of(&[Health::Refused]).unwrap().short(), "a refused its key");
    }
}
