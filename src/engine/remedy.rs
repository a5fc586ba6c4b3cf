//! What may be done after what went wrong: the table of ENGINE section 2.

use std::time::Duration;

use super::policy::{AfterText, OnAuthError, OnFault, Place, Policy};
use crate::domain::{Ending, Fault, FaultClass};

/// What the run does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same link is asked once more, after a wait, without a parameter it refused.
    Retry {
        /// How long to wait first.
        wait: Duration,
        /// What to leave out this time.
        without: Option<String>,
    },
    /// The next link is asked.
    MoveOn(Onward),
    /// The run is over.
    Stop(Ending),
}

/// Which links may take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Onward {
    /// Any.
    Any,
    /// Any with another key.
    OtherKey,
    /// Only one whose window is known to be larger.
    LargerWindow,
}

/// Where in the run a fault happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whether another link can take over.
    pub place: Place,
    /// Whether words of this attempt were shown.
    pub text: Text,
    /// Whether this run has spent its one retry of the same link.
    pub retry: Retry,
    /// Whether this link was already asked again without a parameter.
    pub dropped: Retry,
}

/// Whether words were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Some.
    Shown,
    /// None.
    None,
}

/// Whether something that may be done once is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may be done.
    Open,
    /// It was done.
    Spent,
}

/// Parameters that we add ourselves: a link that refuses one is asked again without it.
const OURS: [&str; 8] = [
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "temperature",
    "stream_options",
    "store",
    "thinking",
    "reasoning_effort",
];

/// Returns what to do about a fault.
pub fn remedy(fault: &Fault, at: Position, policy: &Policy) -> Remedy {
    let decided = by_class(fault, at, policy);
    let goes_on = !matches!(decided, Remedy::Stop(_));
    if goes_on && at.text == Text::Shown && policy.after_text == AfterText::Stop {
        // Words were shown and the person wants no second beginning.
        return Remedy::Stop(Ending::Failed);
    }
    let is_retry = matches!(decided, Remedy::Retry { without: None, .. });
    if is_retry && at.retry == Retry::Spent {
        // A run may retry a link once; dropping a parameter is counted apart.
        return Remedy::MoveOn(Onward::Any);
    }
    decided
}

fn by_class(fault: &Fault, at: Position, policy: &Policy) -> Remedy {
    match fault.class {
        FaultClass::Overloaded
        | FaultClass::ServerError
        | FaultClass::Empty
        | FaultClass::Cut
        | FaultClass::Truncated => match at.place {
            Place::HasNext => Remedy::MoveOn(Onward::Any),
            Place::Last => again(Duration::ZERO),
        },
        FaultClass::RateLimited => match (at.place, fault.wait) {
            (Place::Last, Some(wait)) if wait <= policy.clocks.short_rest => again(wait),
            (Place::Last | Place::HasNext, _) => Remedy::MoveOn(Onward::Any),
        },
        FaultClass::Unreachable | FaultClass::TimedOut | FaultClass::OverCap => {
            Remedy::MoveOn(Onward::Any)
        }
        FaultClass::ModelGone => chosen(policy.on_model_gone, Onward::Any, Ending::Failed),
        FaultClass::OutOfCredit => {
            let onward = if fault.is_of_model {
                Onward::Any
            } else {
                Onward::OtherKey
            };
            chosen(policy.on_no_credit, onward, Ending::Failed)
        }
        FaultClass::KeyRefused => match policy.on_auth_error {
            OnAuthError::Failover => Remedy::MoveOn(Onward::OtherKey),
            OnAuthError::Bench | OnAuthError::Stop => Remedy::Stop(Ending::KeyRefused),
        },
        FaultClass::BadInput => match fault.parameter.as_deref().and_then(ours) {
            Some(named) if policy.callers.iter().any(|own| own == named) => {
                Remedy::Stop(Ending::BadInput)
            }
            Some(named) if at.dropped == Retry::Open => Remedy::Retry {
                wait: Duration::ZERO,
                without: Some(named.to_owned()),
            },
            Some(_) | None => Remedy::Stop(Ending::BadInput),
        },
        FaultClass::TooLong => Remedy::MoveOn(Onward::LargerWindow),
        FaultClass::Refused => chosen(policy.on_refusal, Onward::Any, Ending::Refused),
        FaultClass::Cancelled => Remedy::Stop(Ending::Cancelled),
    }
}

const fn chosen(on_fault: OnFault, onward: Onward, ending: Ending) -> Remedy {
    match on_fault {
        OnFault::Failover => Remedy::MoveOn(onward),
        OnFault::Stop => Remedy::Stop(ending),
    }
}

const fn again(wait: Duration) -> Remedy {
    Remedy::Retry {
        wait,
        without: None,
    }
}

/// Returns the parameter of ours that a path such as `stream_options.include_usage` lies in.
fn ours(path: &str) -> Option<&'static str> {
    let root = path.split('.').next()?;
    OURS.into_iter().find(|parameter| *parameter == root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Timestamp, fault::FAULT_CLASSES};

    const AT: Position = Position {
        place: Place::HasNext,
        text: Text::None,
        retry: Retry::Open,
        dropped: Retry::Open,
    };
    const LAST: Position = Position {
        place: Place::Last,
        ..AT
    };
    const ON: Remedy = Remedy::MoveOn(Onward::Any);
    const AGAIN: Remedy = again(Duration::ZERO);

    fn of(class: FaultClass, at: Position) -> Remedy {
        remedy(&Fault::new(class), at, &Policy::default())
    }

    #[test]
    fn every_class_has_its_remedy_on_an_early_and_on_the_last_link() {
        use Ending as E;
        use FaultClass as C;
        let stop = Remedy::Stop;
        let larger = Remedy::MoveOn(Onward::LargerWindow);
        let other_key = Remedy::MoveOn(Onward::OtherKey);
        let table = [
            (C::RateLimited, ON, ON),
            (C::OutOfCredit, other_key.clone(), other_key),
            (C::Overloaded, ON, AGAIN),
            (C::ServerError, ON, AGAIN),
            (C::Unreachable, ON, ON),
            (C::TimedOut, ON, ON),
            (C::ModelGone, ON, ON),
            (C::Empty, ON, AGAIN),
            (C::Cut, ON, AGAIN),
            (C::Truncated, ON, AGAIN),
            (C::KeyRefused, stop(E::KeyRefused), stop(E::KeyRefused)),
            (C::BadInput, stop(E::BadInput), stop(E::BadInput)),
            (C::TooLong, larger.clone(), larger),
            (C::Refused, stop(E::Refused), stop(E::Refused)),
            (C::Cancelled, stop(E::Cancelled), stop(E::Cancelled)),
            (C::OverCap, ON, ON),
        ];
        assert_eq!(table.each_ref().map(|row| row.0), FAULT_CLASSES);
        for (class, early, last) in table {
            assert_eq!(of(class, AT), early, "{class:?} early");
            assert_eq!(of(class, LAST), last, "{class:?} last");
        }
    }

    #[test]
    fn a_link_is_retried_once_in_a_run() {
        let spent = Position {
            retry: Retry::Spent,
            ..LAST
        };

        for class in [FaultClass::ServerError, FaultClass::Cut, FaultClass::Empty] {
            assert_eq!(of(class, spent), ON);
        }
    }

    #[test]
    fn a_short_rest_is_waited_for_only_on_the_last_link() {
        let rest = |seconds, at| {
            let fault = Fault {
                wait: Some(Duration::from_secs(seconds)),
                ..Fault::new(FaultClass::RateLimited)
            };
            remedy(&fault, at, &Policy::default())
        };

        assert_eq!(rest(2, LAST), again(Duration::from_secs(2)));
        assert_eq!(rest(3, LAST), ON);
        assert_eq!(rest(1, AT), ON);
    }

    #[test]
    fn a_refused_key_follows_the_policy() {
        for (policy, want) in [
            (OnAuthError::Bench, Remedy::Stop(Ending::KeyRefused)),
            (OnAuthError::Stop, Remedy::Stop(Ending::KeyRefused)),
            (OnAuthError::Failover, Remedy::MoveOn(Onward::OtherKey)),
        ] {
            let policy = Policy {
                on_auth_error: policy,
                ..Policy::default()
            };
            let fault = Fault::new(FaultClass::KeyRefused);

            assert_eq!(remedy(&fault, AT, &policy), want);
        }
    }

    #[test]
    fn a_refusal_a_gone_model_and_spent_credit_follow_their_policies() {
        let other = Policy {
            on_refusal: OnFault::Failover,
            on_model_gone: OnFault::Stop,
            on_no_credit: OnFault::Stop,
            ..Policy::default()
        };
        let stop = Remedy::Stop(Ending::Failed);

        for (class, want) in [
            (FaultClass::Refused, ON),
            (FaultClass::ModelGone, stop.clone()),
            (FaultClass::OutOfCredit, stop),
        ] {
            assert_eq!(remedy(&Fault::new(class), AT, &other), want, "{class:?}");
        }
    }

    #[test]
    fn a_parameter_that_a_caller_wrote_is_the_callers_to_mend() {
        let fault = Fault {
            parameter: Some("temperature".to_owned()),
            ..Fault::new(FaultClass::BadInput)
        };
        let policy = Policy {
            callers: vec!["temperature".to_owned()],
            ..Policy::default()
        };

        assert!(matches!(
            remedy(&fault, AT, &Policy::default()),
            Remedy::Retry { .. }
        ));
        assert_eq!(remedy(&fault, AT, &policy), Remedy::Stop(Ending::BadInput));
    }

    #[test]
    fn a_parameter_of_ours_is_dropped_once_and_a_foreign_one_never() {
        let named = |parameter: &str, at| {
            let fault = Fault {
                parameter: Some(parameter.to_owned()),
                ..Fault::new(FaultClass::BadInput)
            };
            remedy(&fault, at, &Policy::default())
        };
        let dropped = Position {
            dropped: Retry::Spent,
            ..AT
        };
        let without = Remedy::Retry {
            wait: Duration::ZERO,
            without: Some("max_tokens".to_owned()),
        };

        for path in ["max_tokens", "max_tokens.maximum"] {
            assert_eq!(named(path, AT), without, "{path}");
        }
        assert_eq!(named("max_tokens", dropped), Remedy::Stop(Ending::BadInput));
        assert_eq!(named("messages", AT), Remedy::Stop(Ending::BadInput));
    }

    #[test]
    fn after_text_the_policy_may_stop_the_run() {
        let policy = Policy {
            after_text: AfterText::Stop,
            ..Policy::default()
        };
        let shown = Position {
            text: Text::Shown,
            ..AT
        };
        let cut = Fault::new(FaultClass::Cut);
        let refused = Fault::new(FaultClass::Refused);

        assert_eq!(remedy(&cut, shown, &policy), Remedy::Stop(Ending::Failed));
        assert_eq!(remedy(&cut, AT, &policy), ON);
        assert_eq!(remedy(&cut, shown, &Policy::default()), ON);
        assert_eq!(
            remedy(&refused, shown, &policy),
            Remedy::Stop(Ending::Refused)
        );
    }

    #[test]
    fn a_models_own_quota_leaves_the_others_of_its_key() {
        for until in [None, Some(Timestamp::UNIX_EPOCH)] {
            for (is_of_model, onward) in [(true, Onward::Any), (false, Onward::OtherKey)] {
                let fault = Fault {
                    until,
                    is_of_model,
                    ..Fault::new(FaultClass::OutOfCredit)
                };
                let wanted = Remedy::MoveOn(onward);
                assert_eq!(remedy(&fault, AT, &Policy::default()), wanted, "{fault:?}");
            }
        }
    }
}
