//! `deskhand config`: every finding at once, where things are, and what is in force.

use serde_json::json;

use super::{
    Call,
    args::{ConfigArgs, ConfigCommand},
    config_check,
    stop::{Exit, Stop},
};
use crate::{config::paths::Paths, desk::settings};

/// Checks, locates or shows.
pub(super) fn run(call: &Call, args: ConfigArgs) -> Result<Exit, Stop> {
    match args.command {
        ConfigCommand::Check { file } => Ok(config_check::check(call, file)),
        ConfigCommand::Path => {
            path(call);
            Ok(Exit::OK)
        }
        ConfigCommand::Show => show(call),
    }
}

fn path(call: &Call) {
    let Paths {
        config_file,
        data_dir,
        state_dir,
        ..
    } = &call.paths;
    call.out.answer(
        || {
            json!({
                "config": config_file.display().to_string(),
                "data": data_dir.display().to_string(),
                "state": state_dir.display().to_string(),
            })
        },
        || {
            format!(
                "config  {}\ndata    {}\nlogs    {}",
                config_file.display(),
                data_dir.display(),
                state_dir.display()
            )
        },
    );
}

fn show(call: &Call) -> Result<Exit, Stop> {
    let (config, _) = settings::load(&call.paths).map_err(|findings| Stop::findings(&findings))?;
    call.out.answer(|| config.to_json(), || config.to_toml());
    Ok(Exit::OK)
}
