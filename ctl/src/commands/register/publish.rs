//! `--web`: what becomes public is said, and a yes is wanted.

use std::fs::File;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use valor_control::kind::Kind;
use valor_control::v1::Web;
use valor_control::web::Mode;

use super::spec::config;
use crate::exit::{Exit, Failure};
use crate::inspection::kind_of;
use crate::output::clean;

/// What browsers get.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WebArgs {
    /// Publish its code and its web configuration, so that browsers run it; both are public then, and nothing else of it is
    #[arg(long, help_heading = "Browsers")]
    web: bool,
    /// Its configuration in browsers, public: JSON, or @FILE with JSON
    #[arg(long, value_name = "JSON|@FILE", requires = "web", help_heading = "Browsers",
          value_parser = OsStringValueParser::new().try_map(config))]
    web_config: Option<String>,
    /// local (never the server), server (never the browser), or fallback: what a browser cannot answer the server does [default: fallback]
    #[arg(long, value_name = "MODE", requires = "web", help_heading = "Browsers")]
    web_mode: Option<Mode>,
    /// Publish without asking
    #[arg(short, long, help_heading = "Browsers")]
    yes: bool,
}

impl WebArgs {
    /// The message; `None`: nothing is said of it.
    pub(in crate::commands) fn web(&self) -> Option<Web> {
        let mode = self.web_mode.map(|mode| mode.to_string()).unwrap_or_default();
        self.web.then(|| Web { mode, config: self.web_config.clone().unwrap_or_default() })
    }

    /// Says what becomes public and asks, where there is somebody to ask; elsewhere `--yes` is the answer. `file` is the code, where
    /// it is named.
    pub(in crate::commands) fn ask(&self, name: &str, file: Option<&File>) -> Result<(), Failure> {
        if !self.web {
            return Ok(());
        }
        if file.and_then(|file| kind_of(file).ok()) == Some(Kind::Native) {
            let message = "web: a native plugin cannot run in a browser";
            let cure = "build it for wasm32-unknown-unknown, or register it without --web";
            return Err(Failure::new(Exit::Usage, message).cure(cure));
        }
        self.confirm(self.facts(name))
    }

    /// The same where other code takes the place of code that is public already, in this mode.
    pub(in crate::commands) fn ask_again(&self, name: &str, file: &str, mode: &str) -> Result<(), Failure> {
        if self.web || mode.is_empty() || mode == Mode::Server.as_str() {
            return Ok(());
        }
        self.confirm(vec![
            format!(
                "{name} is published: to everybody who can reach valord this becomes public, below /_valor/:"
            ),
            format!("  its new code: {file}"),
            "with --no-web it is published no more".to_owned(),
        ])
    }

    fn confirm(&self, facts: Vec<String>) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
            let failure = Failure::new(Exit::Usage, "web: this is published only when somebody says yes");
            let failure = facts.into_iter().fold(failure, Failure::detail);
            return Err(failure.cure("say it with --yes"));
        }
        let mut err = std::io::stderr().lock();
        for fact in facts {
            drop(writeln!(err, "{}", clean(&fact)));
        }
        drop(write!(err, "publish? [y/N] ").and_then(|()| err.flush()));
        let mut answer = String::new();
        // An end of input is a no.
        drop(std::io::stdin().lock().read_line(&mut answer));
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::new(Exit::Refused, "web: not published, and nothing else was done either")),
        }
    }

    fn facts(&self, name: &str) -> Vec<String> {
        let config = match &self.web_config {
            Some(config) => format!("its web configuration: {config}"),
            None => "its web configuration, if it has one".to_owned(),
        };
        let code = match self.web_mode {
            Some(Mode::Server) => format!("its name and prefix, and not its code ({name})"),
            _ => format!("its code: {name}"),
        };
        vec![
            "to everybody who can reach valord this becomes public, below /_valor/:".to_owned(),
            format!("  {code}"),
            format!("  {config}"),
            "its --config, environment and grants stay on the server; in a browser it may do what the pages of the site may"
                .to_owned(),
        ]
    }
}
