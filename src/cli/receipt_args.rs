//! What can be written on the command line about receipts and money.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::args::number;

#[derive(Debug, ClapArgs)]
pub(super) struct ReceiptsArgs {
    #[command(subcommand)]
    pub(super) command: Option<ReceiptsCommand>,
    /// Those that are listed where no command is named.
    #[command(flatten)]
    pub(super) which: WhichReceipts,
}

#[derive(Debug, Subcommand)]
pub(super) enum ReceiptsCommand {
    /// List receipts, newest first: every one, or those a query finds.
    List {
        #[command(flatten)]
        which: WhichReceipts,
    },
    /// Write receipts as CSV or JSON lines, newest first.
    Export {
        /// The format.
        #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
        /// The file, which must not exist yet; without it, stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        which: WhichReceipts,
    },
    /// Show one receipt by its id or the beginning of it.
    Show {
        /// The id.
        id: String,
    },
    /// Check that no receipt was changed or lost since it was written.
    Verify,
}

/// Which receipts are meant.
#[derive(Debug, Default, PartialEq, Eq, ClapArgs)]
pub(super) struct WhichReceipts {
    /// Words, and provider: model: first: class: ending: task: agent: tag: ticket: since: until:
    /// is:fallback; `-` turns a term round.
    #[arg(value_name = "QUERY")]
    pub(super) query: Vec<String>,
    /// Of this ticket only.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(super) ticket: Option<i64>,
    /// That began then or later: 7d, 24h, or a day such as 2026-11-01.
    #[arg(long, value_name = "WHEN")]
    pub(super) since: Option<String>,
    /// So many at most; without it, all.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
}

/// How receipts are written for other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ExportFormat {
    /// One line per receipt, for a spreadsheet.
    Csv,
    /// One JSON object per line, whole.
    Jsonl,
}

#[derive(Debug, ClapArgs)]
pub(super) struct OverviewArgs {
    /// What lies since then: 30d, 24h, or a day such as 2026-11-01.
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(super) since: String,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SpendArgs {
    #[command(subcommand)]
    pub(super) command: Option<SpendCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SpendCommand {
    /// Set the monthly cap in dollars, or declare it absent with `none`; or a day's or a ticket's.
    Cap {
        /// An amount such as 20 or 7.50, or `none`.
        #[arg(allow_hyphen_values = true)]
        amount: String,
        /// The limit of each day instead of the month's.
        #[arg(long, conflicts_with = "ticket")]
        day: bool,
        /// The limit of each ticket instead of the month's.
        #[arg(long)]
        ticket: bool,
    },
    /// Book what an invoice says a run cost; the receipt stays as it is.
    Reconcile {
        /// The receipt's id, or the beginning of it.
        receipt: String,
        /// What the invoice says, in dollars.
        #[arg(allow_hyphen_values = true)]
        usd: String,
    },
}
