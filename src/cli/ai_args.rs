//! What can be written on the command line about AI work: drafts, chains, keys, prices.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

use super::args::number;
use crate::{
    desk::{drill::DrillPlan, face::AskedChain},
    domain::LinkName,
};

#[derive(Debug, ClapArgs)]
pub(super) struct DraftArgs {
    /// The ticket's number.
    #[arg(value_parser = number)]
    pub(super) number: i64,
    /// Ask these links with commas between, or a chain by its name, instead of what rules say.
    #[arg(long, value_name = "CHAIN")]
    pub(super) chain: Option<AskedChain>,
    /// Ask this link first, whatever the breaker and rests say of it.
    #[arg(long, value_name = "PROVIDER/MODEL")]
    pub(super) force: Option<LinkName>,
    /// Print the words as they come.
    #[arg(long)]
    pub(super) stream: bool,
    /// Draft nothing: keep the draft that is there, though the customer wrote again.
    #[arg(long, conflicts_with_all = ["chain", "force", "stream", "compare"])]
    pub(super) keep: bool,
    /// Draft nothing: compare the draft with the text before it.
    #[arg(long, conflicts_with_all = ["chain", "force", "stream"])]
    pub(super) compare: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct CatchUpArgs {
    #[command(subcommand)]
    pub(super) command: Option<CatchUpCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum CatchUpCommand {
    /// Make them, the oldest first; or only those of these tickets. The first that cannot be made
    /// stops the rest.
    Run {
        /// The tickets' numbers; without one, all.
        #[arg(value_parser = number)]
        numbers: Vec<i64>,
    },
    /// Take a ticket off the list.
    Drop {
        /// The ticket's number.
        #[arg(value_parser = number)]
        number: i64,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct ChainArgs {
    #[command(subcommand)]
    pub(super) command: ChainCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ChainCommand {
    /// List the chains of the config, their routing and the rules that choose them.
    List,
    /// Write one of three ready chains into the config; comments stay.
    Add {
        /// Which: for everyday replies, for code, or for little money.
        #[arg(long, value_enum)]
        preset: ChainPreset,
        /// Its name in the config; without it, the default chain.
        name: Option<String>,
    },
    /// Say before any call which links would be asked, in which order, at what price, and why.
    Explain {
        /// For this ticket: its rules and the size of its prompt.
        #[arg(long, value_name = "NUMBER", value_parser = number)]
        ticket: Option<i64>,
        /// For these links, or a chain by its name.
        #[arg(long, value_name = "CHAIN")]
        chain: Option<AskedChain>,
    },
}

/// The ready chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ChainPreset {
    /// Everyday replies.
    General,
    /// Code in the ticket.
    Code,
    /// Little money.
    Cost,
}

#[derive(Debug, ClapArgs)]
pub(super) struct DrillArgs {
    /// What happens to whom: provider=fault or provider/model=fault, with commas between. Faults
    /// are ok, refused and those of the simulator: 429, 500, 529, 401, hang, cut=12 and others.
    #[arg(value_name = "WHO=FAULT,...")]
    pub(super) plan: DrillPlan,
    /// Send this ticket's text to the simulator instead of an invented letter.
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub(super) ticket: Option<i64>,
    /// Drill these links with commas between, or a chain by its name, instead of the default one.
    #[arg(long, value_name = "CHAIN")]
    pub(super) chain: Option<AskedChain>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct ProvidersArgs {
    #[command(subcommand)]
    pub(super) command: Option<ProvidersCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ProvidersCommand {
    /// Ask a link, or a provider with all its links, nothing for a while.
    Rest {
        /// PROVIDER/MODEL, or PROVIDER.
        whom: String,
        /// How long: 90s, 10m, 2h, 1d; without it, 10 minutes.
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
    },
    /// Ask it again from now on: rests and failures are forgotten.
    Wake {
        /// PROVIDER/MODEL, or PROVIDER.
        whom: String,
    },
    /// Try it with a tiny paid call, whatever speaks against it; prints the receipt.
    Probe {
        /// PROVIDER/MODEL, or PROVIDER with its default model.
        whom: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct LimitsArgs {
    /// Of this provider only.
    #[arg(long, value_name = "NAME")]
    pub(super) provider: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    pub(super) command: KeysCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Read a key without showing it, try it, and keep it in the OS keyring.
    Set {
        /// The provider: anthropic, openai, or a name of the config.
        provider: String,
        /// Keep the key without asking the provider first.
        #[arg(long)]
        no_verify: bool,
    },
    /// List providers and the state of their keys.
    List,
    /// Ask a provider whether it accepts its key.
    Test {
        /// The provider.
        provider: String,
    },
    /// Remove a key from the OS keyring.
    Remove {
        /// The provider.
        provider: String,
    },
}

#[derive(Debug, ClapArgs)]
pub(super) struct PricesArgs {
    #[command(subcommand)]
    pub(super) command: PricesCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PricesCommand {
    /// Name models in use whose price is missing, old or about to end.
    Check,
    /// Read LiteLLM's or models.dev's price list into your own price file.
    Import(ImportPricesArgs),
}

#[derive(Debug, ClapArgs)]
pub(super) struct ImportPricesArgs {
    /// LiteLLM's JSON map, models.dev's api.json, its folder of providers, or one
    /// providers/NAME/models/MODEL.toml of it.
    pub(super) file: PathBuf,
    /// Show what would change, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}
