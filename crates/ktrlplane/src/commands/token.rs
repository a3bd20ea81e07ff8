//! `ktrlplane token`: a token of the demo's identity provider.

use std::time::Duration;

use clap::Args;
use gateway::{Clock as _, SystemClock};

use super::{DemoDir, Failure};
use crate::demo::data_dir::DataDir;
use crate::demo::identity::IdentityProvider;
use crate::demo::world::{self, SENDERS, USERS, User};
use crate::output;

/// Print a token for one of the demo's users.
///
/// The demo's identity provider signs it. The demo need not run, but it must have been started
/// once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane token victor
  curl -H \"Authorization: Bearer $(ktrlplane token robot --ttl 5m)\" http://127.0.0.1:8080/…")]
pub(crate) struct Arguments {
    /// Whose token: alice, erin, victor, gina, mallory, robot, or the service account that sends a
    /// project's data, such as acme-shop-sender.
    user: String,
    #[command(flatten)]
    dir: DemoDir,
    /// For how long it is good, such as 30s, 5m or 1h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = super::time)]
    ttl: Duration,
}

/// Runs the command.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let name = &arguments.user;
    let user = world::user(name).ok_or_else(|| {
        let names = |users: &[User]| {
            let names: Vec<&str> = users.iter().map(|user| user.name).collect();
            names.join(", ")
        };
        Failure::new(format_args!(
            "there is no user {name:?}; the demo's users are {}, and the service accounts that send \
             its data {}",
            names(&USERS),
            names(&SENDERS)
        ))
    })?;
    let path = arguments.dir.data_dir.display();
    let provider = IdentityProvider::kept(&DataDir::new(&arguments.dir.data_dir))
        .map_err(Failure::new)?
        .ok_or_else(|| {
            Failure::new(format_args!(
                "there is no demo in {path}; `ktrlplane demo --data-dir {path}` makes one"
            ))
        })?;
    let token = provider
        .token(user, SystemClock.now(), arguments.ttl)
        .map_err(Failure::new)?;
    Ok(output::line(token)?)
}
