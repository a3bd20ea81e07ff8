//! Reading a template.

mod define;
mod literal;

use super::signature;
use super::tree::{Arg, Command, Definitions, Located, Node, Pipeline};

/// Why a template is not one.
#[derive(Debug)]
pub(super) enum Fault {
    /// Go would refuse it too.
    Invalid(String),
    /// Go would take it.
    Unsupported(String),
}

/// Groups within groups that are read, so that no template overflows the stack.
const MAX_DEPTH: usize = 64;

/// Reads a template, and the ones that it defines. It has a name of its own.
pub(super) fn parse(name: &str, source: &str) -> Result<(Vec<Node>, Definitions), Fault> {
    let mut parser = Parser {
        source,
        at: 0,
        trim: false,
        variables: vec!["$".to_owned()],
        depth: 0,
        loops: 0,
        definitions: Definitions::new(),
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        Ending::Eof => parser.define(name, nodes)?,
        Ending::Close => return Err(invalid("unexpected {{end}}")),
        Ending::Else | Ending::ElseIf | Ending::ElseWith => {
            return Err(invalid("unexpected {{else}}"));
        }
    }
    let mut definitions = parser.definitions;
    Ok((definitions.remove(name).unwrap_or_default(), definitions))
}

fn invalid(why: impl Into<String>) -> Fault {
    Fault::Invalid(why.into())
}

/// What ends a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Eof,
    Close,
    Else,
    ElseIf,
    ElseWith,
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    /// The action before asked for the space behind it to go.
    trim: bool,
    variables: Vec<String>,
    depth: usize,
    loops: usize,
    definitions: Definitions,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len();
        }
        found
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Nodes up to what ends their list.
    fn nodes(&mut self) -> Result<(Vec<Node>, Ending), Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Fault::Unsupported("nested too deep".to_owned()));
        }
        let mut nodes = Vec::new();
        let end = loop {
            let (text, is_last) = self.text();
            if !text.is_empty() {
                nodes.push(Node::Text(text.to_owned()));
            }
            if is_last {
                break Ending::Eof;
            }
            // A comment stands right behind the braces, or behind the hyphen and its space.
            if self
                .source
                .get(..self.at)
                .is_some_and(|before| before.ends_with('-'))
            {
                self.at += 1;
            }
            if self.eat("/*") {
                let end = self
                    .rest()
                    .find("*/")
                    .ok_or_else(|| invalid("unclosed comment"))?;
                self.at += end + 2;
                self.close()?;
                continue;
            }
            self.skip_space();
            let before = self.at;
            match self.word() {
                "end" => {
                    self.close()?;
                    break Ending::Close;
                }
                "else" => {
                    self.skip_space();
                    let inner = self.at;
                    match self.word() {
                        "if" => break Ending::ElseIf,
                        "with" => break Ending::ElseWith,
                        _ => {
                            self.at = inner;
                            self.close()?;
                            break Ending::Else;
                        }
                    }
                }
                "if" => nodes.push(self.branch(Branch::If)?),
                "with" => nodes.push(self.branch(Branch::With)?),
                "range" => nodes.push(self.range()?),
                word @ ("break" | "continue") => {
                    if self.loops == 0 {
                        return Err(invalid(format!("{{{{{word}}}}} outside {{{{range}}}}")));
                    }
                    self.close()?;
                    nodes.push(if word == "break" {
                        Node::Break
                    } else {
                        Node::Continue
                    });
                }
                "define" if self.depth > 1 => {
                    return Err(invalid("unexpected <define> in command"));
                }
                "define" => {
                    let name = self.template_name("define")?;
                    self.close()?;
                    self.definition(&name)?;
                }
                "template" => nodes.push(self.template_call()?),
                "block" => nodes.push(self.block()?),
                _ => {
                    self.at = before;
                    let pipeline = self.pipeline("command", false)?;
                    self.close()?;
                    nodes.push(Node::Action(pipeline));
                }
            }
        };
        self.depth -= 1;
        Ok((nodes, end))
    }

    /// The text up to the next action, and whether there is none.
    fn text(&mut self) -> (&'a str, bool) {
        let rest = self.rest();
        let at = rest.find("{{");
        let mut text = &rest[..at.unwrap_or(rest.len())];
        self.at += text.len() + if at.is_some() { 2 } else { 0 };
        let space = [' ', '\t', '\r', '\n'];
        if std::mem::take(&mut self.trim) {
            text = text.trim_start_matches(space);
        }
        // A hyphen trims only with space behind it: `{{-3}}` is a number.
        if at.is_some()
            && let Some(after) = self.rest().strip_prefix('-')
            && after.starts_with(space)
        {
            self.at += 1;
            text = text.trim_end_matches(space);
        }
        (text, at.is_none())
    }

    /// The end of an action.
    fn close(&mut self) -> Result<(), Fault> {
        self.skip_space();
        let before = self.source.get(..self.at).unwrap_or_default();
        let spaced = before.ends_with([' ', '\t', '\r', '\n']);
        if spaced && self.eat("-}}") {
            self.trim = true;
            return Ok(());
        }
        if self.eat("}}") {
            return Ok(());
        }
        let shown: String = self.rest().chars().take(10).collect();
        if shown.is_empty() {
            return Err(invalid("unclosed action"));
        }
        Err(invalid(format!("unexpected {shown:?} in action")))
    }

    fn branch(&mut self, kind: Branch) -> Result<Node, Fault> {
        let scope = self.variables.len();
        let pipeline = self.pipeline(kind.name(), false)?;
        self.close()?;
        let (then, end) = self.nodes()?;
        let otherwise = match end {
            Ending::Close => Vec::new(),
            Ending::Eof => return Err(invalid("unexpected EOF")),
            Ending::Else => {
                let (nodes, end) = self.nodes()?;
                if end != Ending::Close {
                    return Err(invalid("expected end; found else"));
                }
                nodes
            }
            // The inner branch takes the one `end` with it.
            Ending::ElseIf | Ending::ElseWith => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Fault::Unsupported("nested too deep".to_owned()));
                }
                let inner = if end == Ending::ElseIf {
                    Branch::If
                } else {
                    Branch::With
                };
                let node = self.branch(inner)?;
                self.depth -= 1;
                vec![node]
            }
        };
        self.variables.truncate(scope);
        Ok(match kind {
            Branch::If => Node::If {
                condition: pipeline,
                then,
                otherwise,
            },
            Branch::With => Node::With {
                value: pipeline,
                then,
                otherwise,
            },
        })
    }

    fn range(&mut self) -> Result<Node, Fault> {
        let scope = self.variables.len();
        let value = self.pipeline("range", true)?;
        self.close()?;
        self.loops += 1;
        let (body, end) = self.nodes()?;
        self.loops -= 1;
        let otherwise = match end {
            Ending::Close => Vec::new(),
            Ending::Else => {
                let (nodes, end) = self.nodes()?;
                if end != Ending::Close {
                    return Err(invalid("expected end; found else"));
                }
                nodes
            }
            Ending::Eof => return Err(invalid("unexpected EOF")),
            Ending::ElseIf | Ending::ElseWith => {
                return Err(invalid("unexpected {{else if}} in range"));
            }
        };
        self.variables.truncate(scope);
        Ok(Node::Range {
            value,
            body,
            otherwise,
        })
    }

    fn pipeline(&mut self, context: &str, in_range: bool) -> Result<Pipeline, Fault> {
        let (variables, declares) = self.declaration(in_range)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let command = self.command(context)?;
            let is_value = command.args.first().is_some_and(|first| {
                matches!(
                    first.arg,
                    Arg::Nil | Arg::Bool(_) | Arg::Text(_) | Arg::Int(_) | Arg::Float(_) | Arg::Dot
                )
            });
            if !commands.is_empty() && is_value {
                return Err(invalid(format!(
                    "non executable command in pipeline stage {}",
                    commands.len() + 1
                )));
            }
            commands.push(command);
            self.skip_space();
            if !self.eat("|") {
                break;
            }
            // Go passes over a last `|` with nothing behind it.
            self.skip_space();
            if self.rest().starts_with(['}', ')']) || self.rest().starts_with("-}}") {
                break;
            }
        }
        if declares {
            self.variables.extend(variables.iter().cloned());
        }
        Ok(Pipeline {
            variables,
            declares,
            commands,
        })
    }

    /// `$x :=`, `$x =`, `$i, $x :=`
    fn declaration(&mut self, in_range: bool) -> Result<(Vec<String>, bool), Fault> {
        let start = self.at;
        let mut names = Vec::new();
        loop {
            self.skip_space();
            if !self.eat("$") {
                break;
            }
            names.push(format!("${}", self.word()));
            self.skip_space();
            if self.eat(":=") {
                return Ok((names, true));
            }
            if self.rest().starts_with('=') && !self.rest().starts_with("==") {
                self.at += 1;
                for name in &names {
                    self.check_variable(name)?;
                }
                return Ok((names, false));
            }
            if !(in_range && names.len() == 1 && self.eat(",")) {
                break;
            }
        }
        self.at = start;
        Ok((Vec::new(), false))
    }

    fn check_variable(&self, name: &str) -> Result<(), Fault> {
        if self.variables.iter().any(|known| known == name) {
            return Ok(());
        }
        Err(invalid(format!("undefined variable {name:?}")))
    }

    fn command(&mut self, context: &str) -> Result<Command, Fault> {
        self.skip_space();
        let start = self.at;
        let mut args: Vec<Located> = Vec::new();
        let mut end = start;
        while let Some(located) = self.argument(args.first())? {
            end = self.at;
            args.push(located);
            let before = self.at;
            self.skip_space();
            if before == self.at && !self.rest().starts_with([')', '|', '}']) {
                let shown: String = self.rest().chars().take(10).collect();
                return Err(invalid(format!("unexpected {shown:?} in operand")));
            }
        }
        if args.is_empty() {
            return Err(invalid(format!("missing value for {context}")));
        }
        Ok(Command {
            args,
            span: (start, end),
        })
    }

    /// The next argument of a command, whose first one says what a text means.
    fn argument(&mut self, first: Option<&Located>) -> Result<Option<Located>, Fault> {
        let start = self.at;
        let Some(c) = self.rest().chars().next() else {
            return Err(invalid("unclosed action"));
        };
        let arg = match c {
            ')' | '|' | '}' => return Ok(None),
            '-' if self.rest().starts_with("-}}") => return Ok(None),
            '(' => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Fault::Unsupported("nested too deep".to_owned()));
                }
                self.at += 1;
                let pipeline = self.pipeline("parenthesized pipeline", false)?;
                self.skip_space();
                if !self.eat(")") {
                    return Err(invalid("unclosed left paren"));
                }
                self.depth -= 1;
                Arg::Pipe(Box::new(pipeline), self.fields()?)
            }
            '.' if self
                .rest()
                .get(1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) =>
            {
                self.number()?
            }
            '.' => match self.fields()? {
                path if path.is_empty() => {
                    self.at += 1;
                    Arg::Dot
                }
                path => Arg::Field(path),
            },
            '$' => {
                self.at += 1;
                let name = format!("${}", self.word());
                self.check_variable(&name)?;
                Arg::Variable(name, self.fields()?)
            }
            '"' | '`' => {
                let text = self.quoted(c)?;
                let is_pattern = matches!(
                    first.map(|first| &first.arg),
                    Some(Arg::Function(
                        "regexReplaceAll" | "regexReplaceAllLiteral" | "count"
                    ))
                );
                if is_pattern {
                    Arg::Pattern(text)
                } else {
                    Arg::Text(text)
                }
            }
            '\'' => {
                let text = self.quoted(c)?;
                let mut chars = text.chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => Arg::Int(i64::from(u32::from(c))),
                    _ => return Err(invalid("malformed character constant")),
                }
            }
            '0'..='9' | '+' | '-' => self.number()?,
            _ => match self.word() {
                "true" => Arg::Bool(true),
                "false" => Arg::Bool(false),
                "nil" => Arg::Nil,
                "" => return Err(invalid(format!("unexpected {c:?} in command"))),
                name => {
                    let function = signature::known(name)
                        .ok_or_else(|| invalid(format!("function {name:?} not defined")))?;
                    let span = (start, self.at);
                    let path = self.fields()?;
                    if path.is_empty() {
                        Arg::Function(function)
                    } else {
                        called(function, span, path)
                    }
                }
            },
        };
        Ok(Some(Located {
            arg,
            span: (start, self.at),
        }))
    }

    /// `.a.b`; nothing of it where no name follows.
    fn fields(&mut self) -> Result<Vec<String>, Fault> {
        let mut path = Vec::new();
        loop {
            let start = self.at;
            if !self.eat(".") {
                return Ok(path);
            }
            let name = self.word();
            if name.is_empty() {
                self.at = start;
                if path.is_empty() {
                    return Ok(path);
                }
                return Err(invalid("unexpected . after term"));
            }
            path.push(name.to_owned());
        }
    }
}

/// Fields of what a function gives without arguments.
fn called(function: &'static str, span: (usize, usize), path: Vec<String>) -> Arg {
    let arg = Arg::Function(function);
    let args = vec![Located { arg, span }];
    let pipeline = Pipeline {
        variables: Vec::new(),
        declares: false,
        commands: vec![Command { args, span }],
    };
    Arg::Pipe(Box::new(pipeline), path)
}

#[derive(Clone, Copy, Debug)]
enum Branch {
    If,
    With,
}

impl Branch {
    const fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::With => "with",
        }
    }
}
