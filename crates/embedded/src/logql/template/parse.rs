//! Reading a template.

use super::call;

/// Why a template is not one.
#[derive(Debug)]
pub(super) enum Fault {
    /// Go would refuse it too.
    Invalid(String),
    /// Go would take it.
    Unsupported(String),
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    If {
        condition: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    With {
        value: Pipeline,
        then: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Range {
        value: Pipeline,
        body: Vec<Node>,
        otherwise: Vec<Node>,
    },
    Break,
    Continue,
}

/// Commands, each of which hands its value to the next.
#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    /// Variables that take the value.
    pub(super) variables: Vec<String>,
    /// They are new ones: `:=` rather than `=`.
    pub(super) declares: bool,
    pub(super) commands: Vec<Command>,
}

/// A value, or a function with its arguments.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) args: Vec<Located>,
    /// Where it stands in the template, in bytes.
    pub(super) span: (usize, usize),
}

/// An argument and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Located {
    pub(super) arg: Arg,
    pub(super) span: (usize, usize),
}

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Arg {
    Dot,
    Nil,
    Bool(bool),
    Text(String),
    /// A text where a function wants a pattern.
    Pattern(String),
    Int(i64),
    Float(f64),
    Field(Vec<String>),
    Variable(String, Vec<String>),
    Function(&'static str),
    /// A pipeline in parentheses, and fields of its value.
    Pipe(Box<Pipeline>, Vec<String>),
}

/// Groups within groups that are read, so that no template overflows the stack.
const MAX_DEPTH: usize = 64;

/// Reads a template.
pub(super) fn parse(source: &str) -> Result<Vec<Node>, Fault> {
    let mut parser = Parser {
        source,
        at: 0,
        trim: false,
        variables: vec!["$".to_owned()],
        depth: 0,
        loops: 0,
    };
    let (nodes, end) = parser.nodes()?;
    match end {
        End::Eof => Ok(nodes),
        End::End => Err(invalid("unexpected {{end}}")),
        End::Else | End::ElseIf | End::ElseWith => Err(invalid("unexpected {{else}}")),
    }
}

/// Calls `visit` with all arguments of the nodes.
pub(super) fn visit_arguments(nodes: &[Node], visit: &mut dyn FnMut(&Arg)) {
    for node in nodes {
        match node {
            Node::Text(_) | Node::Break | Node::Continue => {}
            Node::Action(pipeline) => visit_pipeline(pipeline, visit),
            Node::If {
                condition: pipeline,
                then,
                otherwise,
            }
            | Node::With {
                value: pipeline,
                then,
                otherwise,
            }
            | Node::Range {
                value: pipeline,
                body: then,
                otherwise,
            } => {
                visit_pipeline(pipeline, visit);
                visit_arguments(then, visit);
                visit_arguments(otherwise, visit);
            }
        }
    }
}

fn visit_pipeline(pipeline: &Pipeline, visit: &mut dyn FnMut(&Arg)) {
    for located in pipeline.commands.iter().flat_map(|command| &command.args) {
        visit(&located.arg);
        if let Arg::Pipe(inner, _) = &located.arg {
            visit_pipeline(inner, visit);
        }
    }
}

/// The label of a template that is `{{.label}}`.
pub(super) fn only_field(nodes: &[Node]) -> Option<String> {
    let [Node::Action(Pipeline { commands, .. })] = nodes else {
        return None;
    };
    let [Command { args, .. }] = commands.as_slice() else {
        return None;
    };
    match args.as_slice() {
        [
            Located {
                arg: Arg::Field(path),
                ..
            },
        ] if path.len() == 1 => path.first().cloned(),
        _ => None,
    }
}

fn invalid(why: impl Into<String>) -> Fault {
    Fault::Invalid(why.into())
}

/// What ends a list of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Eof,
    End,
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
    fn nodes(&mut self) -> Result<(Vec<Node>, End), Fault> {
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
                break End::Eof;
            }
            self.skip_space();
            if self.eat("/*") {
                let end = self
                    .rest()
                    .find("*/")
                    .ok_or_else(|| invalid("unclosed comment"))?;
                self.at += end + 2;
                self.close()?;
                continue;
            }
            let before = self.at;
            match self.word() {
                "end" => {
                    self.close()?;
                    break End::End;
                }
                "else" => {
                    self.skip_space();
                    let inner = self.at;
                    match self.word() {
                        "if" => break End::ElseIf,
                        "with" => break End::ElseWith,
                        _ => {
                            self.at = inner;
                            self.close()?;
                            break End::Else;
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
                word @ ("define" | "template" | "block") => {
                    return Err(Fault::Unsupported(format!(
                        "{{{{{word}}}}} is not supported"
                    )));
                }
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
            End::End => Vec::new(),
            End::Eof => return Err(invalid("unexpected EOF")),
            End::Else => {
                let (nodes, end) = self.nodes()?;
                if end != End::End {
                    return Err(invalid("expected end; found else"));
                }
                nodes
            }
            // The inner branch takes the one `end` with it.
            End::ElseIf | End::ElseWith => {
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(Fault::Unsupported("nested too deep".to_owned()));
                }
                let inner = if end == End::ElseIf {
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
            End::End => Vec::new(),
            End::Else => {
                let (nodes, end) = self.nodes()?;
                if end != End::End {
                    return Err(invalid("expected end; found else"));
                }
                nodes
            }
            End::Eof => return Err(invalid("unexpected EOF")),
            End::ElseIf | End::ElseWith => return Err(invalid("unexpected {{else if}} in range")),
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
        let Some(first) = args.first() else {
            return Err(invalid(format!("missing value for {context}")));
        };
        // Only functions take arguments; a field or variable here never holds one.
        if args.len() > 1 && !matches!(first.arg, Arg::Function(_)) {
            return Err(invalid("can't give argument to non-function"));
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
                name => Arg::Function(call::known(name).map_err(|known| {
                    if known {
                        Fault::Unsupported(format!("function {name:?} is not supported"))
                    } else {
                        invalid(format!("function {name:?} not defined"))
                    }
                })?),
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

    fn number(&mut self) -> Result<Arg, Fault> {
        let rest = self.rest();
        let is_part = |(at, c): &(usize, char)| {
            let sign = matches!(c, '+' | '-')
                && (*at == 0
                    || rest
                        .get(..*at)
                        .is_some_and(|before| before.ends_with(['e', 'E'])));
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_') || sign
        };
        let end = rest
            .char_indices()
            .find(|one| !is_part(one))
            .map_or(rest.len(), |(at, _)| at);
        let text = &rest[..end];
        self.at += end;
        let plain = text.replace('_', "");
        let bad = || invalid(format!("bad number syntax: {text:?}"));
        let unsigned = plain.trim_start_matches(['+', '-']);
        let negative = plain.starts_with('-');
        let radix = match unsigned.get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("0x") => Some((16, 2)),
            Some("0b") => Some((2, 2)),
            Some("0o") => Some((8, 2)),
            _ if unsigned.len() > 1
                && unsigned.starts_with('0')
                && unsigned.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some((8, 1))
            }
            _ => None,
        };
        if let Some((radix, skip)) = radix {
            let digits = unsigned.get(skip..).unwrap_or_default();
            let value = i64::from_str_radix(digits, radix).map_err(|_| bad())?;
            return Ok(Arg::Int(if negative { -value } else { value }));
        }
        if let Ok(int) = plain.parse::<i64>() {
            return Ok(Arg::Int(int));
        }
        if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(bad());
        }
        plain.parse().map(Arg::Float).map_err(|_| bad())
    }

    /// A string in quotes or back quotes, or a character.
    fn quoted(&mut self, quote: char) -> Result<String, Fault> {
        self.at += 1;
        let unterminated = || invalid("unterminated quoted string");
        let rest = self.rest();
        if quote == '`' {
            let end = rest.find('`').ok_or_else(unterminated)?;
            self.at += end + 1;
            return Ok(rest[..end].replace('\r', ""));
        }
        let mut out = String::new();
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\n' => return Err(unterminated()),
                '\\' => {
                    let (_, kind) = chars.next().ok_or_else(unterminated)?;
                    let count = match kind {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        '0'..='7' => 2,
                        _ => 0,
                    };
                    let digits: String = chars.by_ref().take(count).map(|(_, c)| c).collect();
                    let code = match kind {
                        'x' | 'u' | 'U' => u32::from_str_radix(&digits, 16).ok(),
                        '0'..='7' => u32::from_str_radix(&format!("{kind}{digits}"), 8).ok(),
                        _ => None,
                    };
                    out.push(match (kind, code.and_then(char::from_u32)) {
                        (_, Some(c)) => c,
                        ('a', _) => '\u{7}',
                        ('b', _) => '\u{8}',
                        ('f', _) => '\u{c}',
                        ('n', _) => '\n',
                        ('r', _) => '\r',
                        ('t', _) => '\t',
                        ('v', _) => '\u{b}',
                        ('\\', _) => '\\',
                        (kind, _) if kind == quote => quote,
                        _ => return Err(invalid(format!("invalid escape \\{kind} in string"))),
                    });
                }
                c => out.push(c),
            }
        }
        Err(unterminated())
    }
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
