//! The recorded answers of the corpus that are answers.

pub(crate) use super::recorded::Row as Recorded;
use super::recorded::rows;

/// Returns every recorded answer that is whole to its own wire format.
pub(crate) fn recorded() -> Vec<Recorded> {
    let mut rows = rows();
    rows.retain(|row| {
        let class = row.listed["expect"]["class"].as_str();
        row.response["status"] == 200 && class.is_some_and(|class| class.starts_with("ok"))
    });
    rows
}
