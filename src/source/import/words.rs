//! Words of other systems for where a ticket stands and how urgent it is (DOMAIN section 2).

use crate::domain::{Priority, Status};

/// What a word of another system means here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning<T> {
    /// Exactly this.
    Is(T),
    /// This comes closest; what is lost is said.
    Nearly(T, &'static str),
    /// Nobody knows.
    Unknown,
}

/// Reads a status of any system, for files that do not say which one they are from.
pub(super) fn status(word: &str) -> Meaning<Status> {
    match plain(word).as_str() {
        "new" | "neu" | "created" | "unassigned" => Meaning::Is(Status::New),
        "open" | "offen" | "opened" | "active" | "reopened" | "inprogress" | "assigned" => {
            Meaning::Is(Status::Open)
        }
        "pending" | "waiting" | "waitingforcustomer" | "waitingoncustomer" | "stalled"
        | "pendingreminder" => Meaning::Is(Status::Pending),
        "hold" | "onhold" | "waitingonthirdparty" => Meaning::Is(Status::Hold),
        "solved" | "gelöst" | "erledigt" | "resolved" | "answered" | "done" | "pendingclose" => {
            Meaning::Is(Status::Solved)
        }
        "closed" | "geschlossen" | "archived" | "complete" | "completed" => {
            Meaning::Is(Status::Closed)
        }
        "spam" | "rejected" | "suspended" => Meaning::Is(Status::Spam),
        "deleted" | "trash" | "removed" => Meaning::Is(Status::Deleted),
        "merged" => Meaning::Nearly(Status::Closed, "closed: into which ticket is not said"),
        "snoozed" => Meaning::Nearly(Status::Open, "open: until when is not kept"),
        _ => Meaning::Unknown,
    }
}

/// Reads a priority of any system.
pub(super) fn priority(word: &str) -> Meaning<Option<Priority>> {
    match plain(word).as_str() {
        "" | "none" | "null" | "unset" => Meaning::Is(None),
        "low" | "lowest" | "minor" => Meaning::Is(Some(Priority::Low)),
        "normal" | "medium" | "default" => Meaning::Is(Some(Priority::Normal)),
        "high" | "major" => Meaning::Is(Some(Priority::High)),
        "urgent" | "critical" | "highest" | "blocker" => Meaning::Is(Some(Priority::Urgent)),
        _ => Meaning::Unknown,
    }
}

/// Returns the letters and digits of a word, in lower case: `On-hold` is `onhold`.
pub(super) fn plain(word: &str) -> String {
    word.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_systems_are_known() {
        for (word, meaning) in [
            ("On-hold", Meaning::Is(Status::Hold)),
            ("resolved", Meaning::Is(Status::Solved)),
            ("stalled", Meaning::Is(Status::Pending)),
            ("rejected", Meaning::Is(Status::Spam)),
            ("in the fridge", Meaning::Unknown),
        ] {
            assert_eq!(status(word), meaning, "{word}");
        }
        assert_eq!(priority("Critical"), Meaning::Is(Some(Priority::Urgent)));
        assert_eq!(priority(""), Meaning::Is(None));
        assert_eq!(priority("P7"), Meaning::Unknown);
    }
}
