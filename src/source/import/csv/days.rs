//! Is `01/02/2024` in January or in February? Other dates of the table tell it, or a person.

use super::{super::dates::Slashed, rows::Row};
use crate::domain::{Column, DayOrder, Days, Field, TableWarning};

/// The fields that hold dates.
const DATES: [Field; 3] = [Field::CreatedAt, Field::SentAt, Field::UpdatedAt];

/// Finds out which number comes first in the dates of a table, and what a person should know. All
/// its rows are asked: a later one may say otherwise than the first.
pub(super) fn days(
    columns: &[Column],
    rows: impl IntoIterator<Item = Row>,
    said: Option<DayOrder>,
) -> (Days, Vec<TableWarning>) {
    let places: Vec<usize> = (0..columns.len())
        .filter(|place| {
            let field = columns.get(*place).and_then(|column| column.field);
            field.is_some_and(|field| DATES.contains(&field))
        })
        .collect();
    if places.is_empty() {
        return (Days::default(), no_date(columns));
    }
    if said.is_some() {
        let (order, is_said) = (said, true);
        return (Days { order, is_said }, Vec::new());
    }
    let mut seen = Seen::default();
    for row in rows {
        seen.row(&row.fields.unwrap_or_default(), &places);
    }
    let order = seen.order();
    let warning = seen.two_days.filter(|_| order.is_none());
    let warning = warning.map(|(place, sample)| TableWarning::TwoDays {
        column: columns
            .get(place)
            .map_or_else(String::new, |column| column.name.clone()),
        sample,
    });
    let is_said = false;
    (Days { order, is_said }, warning.into_iter().collect())
}

/// A table that says something, and nowhere when.
fn no_date(columns: &[Column]) -> Vec<TableWarning> {
    let says = |column: &Column| column.field == Some(Field::Body);
    if columns.iter().any(says) {
        vec![TableWarning::NoDate]
    } else {
        Vec::new()
    }
}

/// What the dates seen so far tell.
#[derive(Default)]
struct Seen {
    has_day_first: bool,
    has_month_first: bool,
    two_days: Option<(usize, String)>,
}

impl Seen {
    fn row(&mut self, row: &[Vec<u8>], places: &[usize]) {
        for &place in places {
            let text = row.get(place).map_or(&[][..], Vec::as_slice);
            let text = str::from_utf8(text).unwrap_or_default();
            let Some(date) = Slashed::read(text) else {
                continue;
            };
            match date.order() {
                Some(DayOrder::DayFirst) => self.has_day_first = true,
                Some(DayOrder::MonthFirst) => self.has_month_first = true,
                None if date.is_two_days() && self.two_days.is_none() => {
                    self.two_days = Some((place, text.trim().to_owned()));
                }
                None => {}
            }
        }
    }

    /// Dates that tell it both ways tell nothing.
    const fn order(&self) -> Option<DayOrder> {
        match (self.has_day_first, self.has_month_first) {
            (true, false) => Some(DayOrder::DayFirst),
            (false, true) => Some(DayOrder::MonthFirst),
            (true, true) | (false, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Because;

    fn look(dates: &[&str], said: Option<DayOrder>) -> (Days, Vec<TableWarning>) {
        let column = |name: &str, field| Column {
            name: name.to_owned(),
            field: Some(field),
            because: Because::Name,
        };
        let columns = [
            column("Datum", Field::CreatedAt),
            column("Text", Field::Body),
        ];
        let rows = dates.iter().map(|date| Row {
            line: 2,
            fields: Ok(vec![date.as_bytes().to_vec(), b"x".to_vec()]),
        });
        days(&columns, rows, said)
    }

    #[test]
    fn one_date_that_can_be_one_day_only_tells_it_of_all() {
        let (day, month) = (Some(DayOrder::DayFirst), Some(DayOrder::MonthFirst));
        for (dates, order) in [
            (&["01/02/2024", "03/04/2024", "31/01/2024"][..], day),
            (&["01/02/2024", "01/31/2024"], month),
            (&["2024-01-02"], None),
            (&["18/07/2024"], day),
        ] {
            let (days, warnings) = look(dates, None);
            assert_eq!((days.order, days.is_said), (order, false), "{dates:?}");
            assert_eq!(warnings, [], "{dates:?}");
        }
    }

    #[test]
    fn what_stays_open_is_said_with_a_sample_until_a_person_settles_it() {
        for dates in [
            &["01/02/2024", "03/04/2024"][..],
            &["1/2/2024", "31/1/2024", "1/31/2024"],
        ] {
            let (days, warnings) = look(dates, None);
            assert_eq!(days.order, None);
            let [TableWarning::TwoDays { column, sample }] = warnings.as_slice() else {
                panic!("{warnings:?}");
            };
            assert_eq!((column.as_str(), sample.as_str()), ("Datum", dates[0]));
        }
        let (days, warnings) = look(&["01/02/2024"], Some(DayOrder::MonthFirst));
        assert_eq!(
            (days.order, days.is_said),
            (Some(DayOrder::MonthFirst), true)
        );
        assert_eq!(warnings, []);
    }

    #[test]
    fn a_table_of_messages_without_dates_is_warned_of() {
        let column = Column {
            name: "Text".to_owned(),
            field: Some(Field::Body),
            because: Because::Name,
        };
        let (_, warnings) = days(&[column], [], None);
        assert_eq!(warnings, [TableWarning::NoDate]);
        assert_eq!(days(&[], [], None).1, []);
    }
}
