//! What can be written on the command line.

use std::{ffi::OsString, path::PathBuf};

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use super::{
    ai_args::{
        CatchUpArgs, ChainArgs, DraftArgs, DrillArgs, KeysArgs, LimitsArgs, PricesArgs,
        ProvidersArgs,
    },
    import_args::{ExportArgs, ImportArgs},
    mail_args::{
        AccountArgs, FilesArgs, ForwardArgs, MergeArgs, NewArgs, NoteArgs, OutboxArgs, ReplyArgs,
        SplitArgs, SyncArgs,
    },
    out::{Format, Out, complain},
    receipt_args::{OverviewArgs, ReceiptsArgs, SpendArgs},
    serve::ServeArgs,
    stop::Exit,
};
/// A terminal inbox for support agents, with AI drafts whose every step leaves a receipt.
///
/// Without a command it opens your desk; with nothing set up yet, the demo desk.
#[derive(Debug, Parser)]
#[command(
    name = "deskhand",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(super) struct Args {
    /// Answer in JSON: one object, or one per line.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// The config file (also `DESKHAND_CONFIG`).
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The folder where tickets and receipts are kept (also `DESKHAND_DATA`).
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,
    /// Whether to use colour; `NO_COLOR` is honoured too.
    #[arg(
        long = "color",
        alias = "colour",
        global = true,
        value_name = "WHEN",
        default_value = "auto"
    )]
    pub(super) colour: Colour,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// On a terminal, also with `NO_COLOR`.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Open the demo desk: invented tickets, simulated providers, no key and no account.
    Demo(DemoArgs),
    /// Draw the demo's screen as SVG.
    #[command(hide = true)]
    Picture,
    /// Run the provider simulator on loopback until it is stopped.
    Sim(SimArgs),
    /// List tickets: every one, or those a query finds.
    Tickets(TicketsArgs),
    /// Import mail and exports of other desks, judged by what is in them.
    Import(ImportArgs),
    /// Write tickets with all their messages, for another desk or another program.
    Export(ExportArgs),
    /// Add, list, test and remove the mailboxes that tickets come from.
    Account(AccountArgs),
    /// Read what is new in the mailboxes.
    Sync(SyncArgs),
    /// Show a ticket: its messages, draft and receipts.
    Show(ShowArgs),
    /// Change a ticket: status=open priority=high assignee=noor +tag -tag.
    Set(SetArgs),
    /// Put a reply into the outbox: it leaves when its time to be taken back is over.
    Reply(ReplyArgs),
    /// Write an internal note on a ticket: it never leaves the desk.
    Note(NoteArgs),
    /// Make a ticket for somebody who has not written.
    New(NewArgs),
    /// Draft a mail that passes the newest message of a ticket on, with its files.
    Forward(ForwardArgs),
    /// List the files that came with a ticket, save some, or open one.
    Files(FilesArgs),
    /// Merge a ticket into another; answers go there from then on.
    Merge(MergeArgs),
    /// Take a message out of a ticket into a new one.
    Split(SplitArgs),
    /// List the replies that have not left; send them, take one back, try one again.
    Outbox(OutboxArgs),
    /// Draft a reply with AI; prints the text, keeps it beside the ticket.
    Draft(DraftArgs),
    /// List the drafts that could not be made (cap, outage, offline), and make them.
    CatchUp(CatchUpArgs),
    /// List chains, add one, or say which link would be asked now and why.
    Chain(ChainArgs),
    /// See what an outage would do: a draft against simulated providers, without key or money.
    Drill(DrillArgs),
    /// Read the receipts of AI work.
    Receipts(ReceiptsArgs),
    /// Say what the receipts say together: fallback rate, failures, spend, first-text times.
    Overview(OverviewArgs),
    /// Show this month's AI spend, or set the cap.
    Spend(SpendArgs),
    /// Offer the same models, fallback, receipts and cap to other programs, over HTTP on loopback.
    #[command(alias = "proxy")]
    Serve(ServeArgs),
    /// Set, list, test and remove providers' keys.
    Keys(KeysArgs),
    /// Say how providers and links are; let one rest, wake it, or try it.
    Providers(ProvidersArgs),
    /// Show the rate limits of models: configured, and last seen in their providers' answers.
    #[command(alias = "show-limits")]
    Limits(LimitsArgs),
    /// List the models that can be asked, with their prices.
    Models,
    /// Check the prices of the models in use, or import newer ones.
    Prices(PricesArgs),
    /// Check the config, or say where it is and what is in force.
    Config(ConfigArgs),
    /// `config check`, by the name it has in `TokenPak`'s recipe.
    #[command(hide = true)]
    ValidateConfig {
        /// The file.
        file: Option<PathBuf>,
    },
    /// `keys list`, by the name it has in `TokenPak`'s recipe.
    #[command(hide = true)]
    ListKeys,
    /// Look for problems; each comes with the command that fixes it.
    Doctor,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DemoArgs {
    /// Throw the demo's data away first and begin the tour anew.
    #[arg(long)]
    pub(super) reset: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SimArgs {
    /// The loopback port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TicketsArgs {
    /// Words, and status: tag: from: assignee: is:fallback is:unsolved is:system is:draft; `-` turns
    /// a term round.
    #[arg(value_name = "QUERY")]
    pub(super) query: Vec<String>,
    /// So many at most; without it, all.
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ShowArgs {
    /// The ticket's number.
    #[arg(value_parser = number)]
    pub(super) number: i64,
    /// The messages as they came, byte for byte, oldest first; into a file or a pipe only.
    #[arg(long)]
    pub(super) raw: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct SetArgs {
    /// The ticket's number.
    #[arg(value_parser = number)]
    pub(super) number: i64,
    /// status=WORD, priority=WORD|none, assignee=NAME|none, +TAG, -TAG, release (out of quarantine),
    /// seen (its mail counts as read, on the server too).
    #[arg(required = true, value_name = "CHANGE")]
    pub(super) changes: Vec<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    pub(super) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Name every finding with its line and column.
    Check {
        /// Another file than the one in use.
        file: Option<PathBuf>,
    },
    /// Say where the config, the tickets and the logs are.
    Path,
    /// Print what is in force; secrets are masked.
    Show,
}

/// Reads a ticket's number, with or without the sign people write before it.
pub(super) fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    digits
        .parse()
        .map_err(|_| "a ticket is named by its number, such as 4812".to_owned())
}

/// Lets terms that begin with a dash (`-tag`, `-status:closed`) be terms: they are moved behind
/// `--`. Only `set`, `tickets` and `receipts` have such terms, and none has short options but `-h`.
pub(super) fn prepare(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut kept: Vec<OsString> = args.into_iter().collect();
    let Some(at) = command_at(&kept) else {
        return kept;
    };
    let takes_terms = kept
        .get(at)
        .is_some_and(|name| name == "set" || name == "tickets" || name == "receipts");
    if !takes_terms || kept.iter().any(|arg| arg == "--") {
        return kept;
    }
    let is_term = |arg: &OsString| {
        arg.to_str().is_some_and(|arg| {
            arg.len() > 1 && arg.starts_with('-') && !arg.starts_with("--") && arg != "-h"
        })
    };
    let tail = kept.split_off(at + 1);
    let (terms, others): (Vec<_>, Vec<_>) = tail.into_iter().partition(is_term);
    kept.extend(others);
    if !terms.is_empty() {
        kept.push("--".into());
        kept.extend(terms);
    }
    kept
}

/// Returns where the command's name stands: the first argument that is no option's.
fn command_at(args: &[OsString]) -> Option<usize> {
    let mut at = 1;
    loop {
        let arg = args.get(at)?.to_str()?;
        match arg {
            "--config" | "--data" | "--color" | "--colour" => at += 2,
            option if option.starts_with('-') => at += 1,
            _ => return Some(at),
        }
    }
}

/// Prints what clap has to say: help and version on stdout, a wrong command line on stderr.
pub(super) fn answer(answer: &clap::Error) -> Exit {
    let text = answer.render().to_string();
    if answer.use_stderr() {
        complain(&text, None);
        Exit::USAGE
    } else {
        Out::new(Format::Plain, false).text(&text);
        Exit::OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(prepare(line.split(' ').map(OsString::from)))
    }

    #[test]
    fn the_arguments_are_sound() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn a_tag_to_remove_is_not_taken_for_an_option() {
        let args = parse("deskhand --data /x set 12 -vip status=open --json +new").unwrap();

        assert!(args.json);
        let Some(Command::Set(set)) = args.command else {
            panic!("not set")
        };
        assert_eq!(set.changes, ["status=open", "+new", "-vip"]);
    }

    #[test]
    fn a_term_turned_round_is_not_taken_for_an_option() {
        let args = parse("deskhand tickets refund -status:closed --limit 3").unwrap();

        let Some(Command::Tickets(tickets)) = args.command else {
            panic!("not tickets")
        };
        assert_eq!(
            (tickets.query.join(" ").as_str(), tickets.limit),
            ("refund -status:closed", Some(3))
        );
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        for wrong in ["deskhand nonsense", "deskhand show twelve"] {
            assert!(parse(wrong).unwrap_err().use_stderr(), "{wrong}");
        }
    }
}
