//! `ktrlplane admin user`.

use clap::Subcommand;
use gateway::directory::DirectoryError;
use gateway::directory::manage::list::Reader;
use gateway::directory::manage::record::User;
use gateway::directory::policy::Subject;

use super::super::Failure;
use super::desk::{Desk, Row, or_dash};

#[derive(Debug, Subcommand)]
pub(super) enum Task {
    /// Find users whose subject, e-mail address or name begins with a text.
    Find {
        /// The beginning, in any case.
        text: String,
        /// The most users.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one user.
    Show {
        /// The `sub` of their tokens.
        #[arg(value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
        subject: Subject,
    },
    /// Say who a subject is. What is not given stays as it is.
    #[command(after_help = "\
Example:
  ktrlplane admin user set 'auth0|5f7c8ec7' --email ada@example.com --name Ada

The e-mail address must be the user's own: roles can be granted to it.")]
    Set {
        /// The `sub` of their tokens.
        #[arg(value_name = "SUBJECT", value_parser = |id: &str| Subject::new(id))]
        subject: Subject,
        /// The e-mail address.
        #[arg(long, required_unless_present = "name")]
        email: Option<String>,
        /// The name, for people.
        #[arg(long)]
        name: Option<String>,
    },
}

impl Row for User {
    const TITLES: &'static [&'static str] = &["subject", "email", "name"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.user_id.clone(),
            or_dash(self.email.as_ref()),
            or_dash(self.name.as_ref()),
        ]
    }
}

pub(super) async fn run(desk: &Desk, task: Task) -> Result<(), Failure> {
    match task {
        Task::Find { text, limit } => desk.all(
            &desk
                .directory
                .users(&Reader::Operator, &text, limit)
                .await?,
        ),
        Task::Show { subject } => desk.show(&known(desk, &subject).await?),
        Task::Set {
            subject,
            email,
            name,
        } => {
            let known_before = desk.directory.user(&subject).await?;
            let (old_email, old_name) =
                known_before.map_or((None, None), |user| (user.email, user.name));
            let name = name.or(old_name).unwrap_or_else(|| subject.to_string());
            let email = email.or(old_email);
            desk.directory
                .put_user(&subject, email.as_deref(), &name)
                .await?;
            desk.show(&known(desk, &subject).await?)
        }
    }
}

async fn known(desk: &Desk, subject: &Subject) -> Result<User, Failure> {
    desk.directory.user(subject).await?.ok_or_else(|| {
        Failure::from(DirectoryError::NotFound(format!(
            "there is no user `{subject}`"
        )))
    })
}
