//! Tables on the screen: looked at, mapped, tried, and then filed.

use std::path::{Path, PathBuf};

use super::{Desk, DeskError, import::Imported, records::ImportPlan};
use crate::{
    domain::{DayOrder, Field, TableLook},
    source::import::{How, Kind, csv, judge},
};

/// A table, and what a person says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableAsk {
    /// Where it is.
    pub path: PathBuf,
    /// What columns hold, by their places; nothing leaves one out.
    pub columns: Vec<(usize, Option<Field>)>,
    /// How its letters are written.
    pub encoding: Option<String>,
    /// What stands between fields.
    pub separator: Option<char>,
    /// Which number comes first in dates such as `01/02/2024`.
    pub dates: Option<DayOrder>,
}

impl TableAsk {
    fn table(&self) -> csv::Table {
        let columns = self.columns.iter();
        csv::Table {
            columns: columns
                .map(|(place, field)| (format!("#{}", place + 1), *field))
                .collect(),
            encoding: self.encoding.clone(),
            separator: self.separator,
            dates: self.dates,
        }
    }
}

impl Desk {
    /// Tells whether a file is a table: its columns want a look before it is imported.
    pub fn is_table(&self, path: &Path) -> bool {
        judge(path) == Kind::Csv
    }

    /// Looks at a table: what is guessed of it, and its first rows.
    pub fn look_at_table(&self, ask: &TableAsk) -> Result<TableLook, DeskError> {
        csv::look(&ask.path, &ask.table()).map_err(|why| DeskError::NoTable {
            path: ask.path.display().to_string(),
            why,
        })
    }

    /// Files a table, or says what would come of that.
    pub async fn import_table(&self, ask: &TableAsk, is_dry: bool) -> Result<Imported, DeskError> {
        let plan = ImportPlan {
            kind: Some(Kind::Csv),
            is_dry,
            how: How {
                source: None,
                table: ask.table(),
            },
        };
        let paths = std::slice::from_ref(&ask.path);
        self.import_planned(paths, &plan, &mut |_| ()).await
    }
}
