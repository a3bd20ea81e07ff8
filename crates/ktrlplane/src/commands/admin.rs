//! `ktrlplane admin`: the directory from the command line, straight on its database.

mod desk;
mod print;

mod place;

mod organization;
mod project;
mod resource;

mod audit;
mod role;
mod user;

use clap::{Args, Subcommand};
use gateway::directory::DirectoryError;

use self::desk::Desk;
use super::serve::OpenError;
use super::{Failure, Source, serve};
use crate::config::Database;
use crate::{process, telemetry};

/// Manage organizations, projects, resources and who may read them, straight on the database.
///
/// It takes the database from the configuration (`database.*`, by file or environment; nothing else
/// of it need be there) and asks for no token: whoever has the database's credentials is the
/// operator. Every write is one transaction, leaves a line in the audit, and is in force at every
/// gateway on the database within a second.
///
/// Exit codes: 0 done; 1 it cannot be done with this configuration or database (one that is only
/// read, for instance); 2 the command line is wrong, or a value on it (an id, a name, a time, an
/// address, JSON); 3 there is no such thing; 4 what is there does not permit it (it exists already,
/// or still holds something, or an organization would lose its last owner); 5 the database cannot be
/// asked, and after a write it is not known whether it happened.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ktrlplane admin org create acme --name 'Acme Inc.'
  ktrlplane admin project create acme-shop --org acme
  ktrlplane admin resource create shop-api --project acme-shop --type Konnektr.Graph
  ktrlplane admin grant --role Owner --user 'auth0|5f7c8ec7' --org acme
  ktrlplane admin grant --role Viewer --email ada@example.com --project acme-shop --expires 30d
  ktrlplane admin access --project acme-shop
  ktrlplane admin revoke --user 'auth0|5f7c8ec7' --project acme-shop

With a database elsewhere:
  KTRLPLANE_DATABASE_URL=postgres://ktrlplane@db/ktrlplane ktrlplane admin org list --json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Print JSON: of a write the record as it is afterwards, of a list an array.
    #[arg(long, global = true)]
    json: bool,
    /// Make the SQLite file where there is none; otherwise that is a mistake. `serve` makes it, too.
    #[arg(long, global = true)]
    create: bool,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Organizations, which hold projects.
    #[command(
        subcommand,
        after_help = "\
Examples:
  ktrlplane admin org create acme --name 'Acme Inc.'
  ktrlplane admin org list --json
  ktrlplane admin org delete acme --cascade"
    )]
    Org(organization::Task),
    /// Projects, each of which is a tenant in Loki and Mimir.
    #[command(
        subcommand,
        after_help = "\
Examples:
  ktrlplane admin project create acme-shop --org acme
  ktrlplane admin project list --org acme
  ktrlplane admin project update acme-shop --org globex"
    )]
    Project(project::Task),
    /// Resources, each of which is a value of the label `resource_id`.
    #[command(
        subcommand,
        after_help = "\
Examples:
  ktrlplane admin resource create shop-api --project acme-shop --type Konnektr.Graph
  ktrlplane admin resource list --project acme-shop
  ktrlplane admin resource delete shop-api"
    )]
    Resource(resource::Task),
    Grant(role::Grant),
    Revoke(role::Revoke),
    Access(role::Access),
    /// List the roles that can be granted.
    #[command(after_help = "\
Example:
  ktrlplane admin roles")]
    Roles,
    /// What is known about users. Nobody has to be known to be granted a role by their subject.
    #[command(
        subcommand,
        after_help = "\
Examples:
  ktrlplane admin user find ada
  ktrlplane admin user set 'auth0|5f7c8ec7' --email ada@example.com --name Ada"
    )]
    User(user::Task),
    Audit(audit::Audit),
}

impl Task {
    /// Refuses what needs no directory to be wrong, and what the parser of the command line says
    /// less plainly.
    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Project(task) => task.check(),
            Self::Resource(task) => task.check(),
            Self::User(task) => task.check(),
            Self::Org(_)
            | Self::Grant(_)
            | Self::Revoke(_)
            | Self::Access(_)
            | Self::Roles
            | Self::Audit(_) => Ok(()),
        }
    }
}

/// A file that is not there is mostly a slip in its name, and an empty directory in its place would
/// hide that.
fn check_file(database: &Database, create: bool) -> Result<(), Failure> {
    match database.file() {
        Some(file) if !create && !file.exists() => Err(Failure::new(format_args!(
            "the database file {} does not exist: `ktrlplane serve` makes it, and --create makes it \
             here",
            file.display()
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Runs the command.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    arguments.task.check()?;
    let database = arguments.source.database()?;
    check_file(&database, arguments.create)?;
    telemetry::start("off");
    let runtime = process::runtime("admin").map_err(Failure::new)?;
    let directory = serve::open_directory(&database, runtime.handle()).map_err(|error| {
        let shown = crate::config::mask_url(&database.url);
        let failure = Failure::new(format_args!("the database {shown} cannot be used: {error}"));
        if matches!(error, OpenError::Directory(DirectoryError::Unavailable(_))) {
            return failure.with_code(desk::UNAVAILABLE);
        }
        // Whatever else is wrong is so with the configuration or the database, and with nothing on
        // the command line.
        failure
    })?;
    let desk = Desk::new(directory, arguments.json);
    runtime.block_on(async {
        let result = match arguments.task {
            Task::Org(task) => organization::run(&desk, task).await,
            Task::Project(task) => project::run(&desk, task).await,
            Task::Resource(task) => resource::run(&desk, task).await,
            Task::Grant(grant) => role::grant(&desk, grant).await,
            Task::Revoke(revoke) => role::revoke(&desk, revoke).await,
            Task::Access(access) => role::access(&desk, &access).await,
            Task::Roles => role::list(&desk).await,
            Task::User(task) => user::run(&desk, task).await,
            Task::Audit(audit) => audit::run(&desk, &audit).await,
        };
        desk.directory.close().await;
        result
    })
}
