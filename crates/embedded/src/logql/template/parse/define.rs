//! Templates that a template defines and calls: `define`, `template`, `block`.

use super::{Ending, Fault, Parser, invalid};
use crate::logql::template::tree::Node;

impl Parser<'_> {
    /// `{{template "name" value}}`, behind its first word.
    pub(super) fn template_call(&mut self) -> Result<Node, Fault> {
        self.skip_space();
        let start = self.at;
        let name = self.template_name("template")?;
        self.skip_space();
        let ends = self.rest().starts_with("}}") || self.rest().starts_with("-}}");
        let value = if ends {
            None
        } else {
            Some(self.pipeline("template clause", false)?)
        };
        let span = (start, self.at);
        self.close()?;
        Ok(Node::Template { name, value, span })
    }

    /// `{{block "name" value}}…{{end}}`, behind its first word: a definition and its call.
    pub(super) fn block(&mut self) -> Result<Node, Fault> {
        self.skip_space();
        let start = self.at;
        let name = self.template_name("block")?;
        let value = Some(self.pipeline("block clause", false)?);
        let span = (start, self.at);
        self.close()?;
        self.definition(&name)?;
        Ok(Node::Template { name, value, span })
    }

    /// The name that stands behind `define`, `template` or `block`.
    pub(super) fn template_name(&mut self, context: &str) -> Result<String, Fault> {
        self.skip_space();
        if let Some(quote @ ('"' | '`')) = self.rest().chars().next() {
            return self.quoted(quote);
        }
        let shown: String = self.rest().chars().take(10).collect();
        Err(invalid(format!("unexpected {shown:?} in {context} clause")))
    }

    /// The nodes of a further template, which knows no variable of this one.
    pub(super) fn definition(&mut self, name: &str) -> Result<(), Fault> {
        let variables = std::mem::replace(&mut self.variables, vec!["$".to_owned()]);
        let loops = std::mem::take(&mut self.loops);
        let (nodes, end) = self.nodes()?;
        match end {
            Ending::Close => {}
            Ending::Eof => return Err(invalid("unexpected EOF")),
            Ending::Else | Ending::ElseIf | Ending::ElseWith => {
                return Err(invalid("unexpected {{else}} in define clause"));
            }
        }
        self.variables = variables;
        self.loops = loops;
        self.define(name, nodes)
    }

    /// Keeps a template; an empty one gives way to another.
    pub(super) fn define(&mut self, name: &str, nodes: Vec<Node>) -> Result<(), Fault> {
        match self.definitions.get(name) {
            Some(known) if !is_empty(known) => {
                if is_empty(&nodes) {
                    return Ok(());
                }
                return Err(invalid(format!(
                    "template: multiple definition of template {name:?}"
                )));
            }
            _ => {}
        }
        self.definitions.insert(name.to_owned(), nodes);
        Ok(())
    }
}

/// Whether a template prints nothing but space.
fn is_empty(nodes: &[Node]) -> bool {
    nodes
        .iter()
        .all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
