//! Running a template.

use std::collections::BTreeMap;

use super::Template;
use super::call::{self, Context};
use super::print;
use super::signature;
use super::tree::{Arg, Command, Located, Node, Pipeline};
use super::value::Value;

/// What a template is run on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a> {
    pub(super) time_ns: i64,
    pub(super) line: &'a str,
    pub(super) fields: &'a [(String, String)],
}

/// Bytes that one run may print, and the longest text that a function may make.
pub(super) const MAX_OUTPUT: usize = 1 << 20;

/// Parts of a template that one run may go through, loops counted.
const MAX_PARTS: usize = 100_000;

/// Runs a template.
pub(super) fn run(template: &Template, input: &Input<'_>) -> Result<String, String> {
    let mut run = Run {
        template,
        input,
        out: String::new(),
        variables: vec![("$".to_owned(), Value::Labels)],
        parts: 0,
    };
    run.nodes(&template.nodes, &Value::Labels)?;
    Ok(run.out)
}

struct Run<'a> {
    template: &'a Template,
    input: &'a Input<'a>,
    out: String,
    variables: Vec<(String, Value)>,
    /// How many parts the run went through.
    parts: usize,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl Run<'_> {
    fn nodes(&mut self, nodes: &[Node], dot: &Value) -> Result<Flow, String> {
        for node in nodes {
            self.count()?;
            let scope = self.variables.len();
            let flow = match node {
                Node::Text(text) => {
                    self.out.push_str(text);
                    Flow::Next
                }
                Node::Action(pipeline) => {
                    let value = self.pipeline(pipeline, dot)?;
                    if pipeline.variables.is_empty() {
                        print::action(&mut self.out, &value, self.input.fields);
                    }
                    Flow::Next
                }
                Node::If {
                    condition,
                    then,
                    otherwise,
                } => {
                    let is_true = self.pipeline(condition, dot)?.is_true();
                    let flow = self.nodes(if is_true { then } else { otherwise }, dot)?;
                    self.variables.truncate(scope);
                    flow
                }
                Node::With {
                    value,
                    then,
                    otherwise,
                } => {
                    let value = self.pipeline(value, dot)?;
                    let flow = if value.is_true() {
                        self.nodes(then, &value)?
                    } else {
                        self.nodes(otherwise, dot)?
                    };
                    self.variables.truncate(scope);
                    flow
                }
                Node::Range {
                    value,
                    body,
                    otherwise,
                } => {
                    self.range(value, body, otherwise, dot)?;
                    self.variables.truncate(scope);
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if self.out.len() > MAX_OUTPUT {
                return Err(format!(
                    "template: {}: the output is too long",
                    self.template.name
                ));
            }
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn count(&mut self) -> Result<(), String> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(format!(
                "template: {}: it runs for too long",
                self.template.name
            ));
        }
        Ok(())
    }

    fn range(
        &mut self,
        pipeline: &Pipeline,
        body: &[Node],
        otherwise: &[Node],
        dot: &Value,
    ) -> Result<(), String> {
        let unnamed = Pipeline {
            variables: Vec::new(),
            ..pipeline.clone()
        };
        let value = self.pipeline(&unnamed, dot)?;
        let pairs: Vec<(Value, Value)> = match value {
            Value::List(list) => (0..).map(Value::Int).zip(list).collect(),
            Value::Map(map) => map
                .into_iter()
                .map(|(key, value)| (Value::Text(key), value))
                .collect(),
            Value::Labels => {
                let fields: BTreeMap<_, _> = self.input.fields.iter().cloned().collect();
                let text = |(key, value)| (Value::Text(key), Value::Text(value));
                fields.into_iter().map(text).collect()
            }
            Value::Int(count) | Value::Long(count) => {
                let most = i64::try_from(MAX_PARTS + 1).unwrap_or(i64::MAX);
                (0..count.min(most))
                    .map(|at| (Value::Int(at), Value::Int(at)))
                    .collect()
            }
            Value::Nil => Vec::new(),
            Value::Text(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                let at = pipeline
                    .commands
                    .first()
                    .map_or((0, 0), |command| command.span);
                let shown = print::shown(&value, self.input.fields);
                return Err(self.error(at, &format!("range can't iterate over {shown}")));
            }
        };
        if pairs.is_empty() {
            self.nodes(otherwise, dot)?;
            return Ok(());
        }
        let scope = self.variables.len();
        for (key, element) in pairs {
            match pipeline.variables.as_slice() {
                [] => {}
                [name] => self.bind(name, element.clone(), pipeline.declares),
                [first, second, ..] => {
                    self.bind(first, key, pipeline.declares);
                    self.bind(second, element.clone(), pipeline.declares);
                }
            }
            self.count()?;
            let flow = self.nodes(body, &element)?;
            self.variables.truncate(scope);
            if flow == Flow::Break {
                break;
            }
        }
        Ok(())
    }

    fn bind(&mut self, name: &str, value: Value, declares: bool) {
        if declares {
            self.variables.push((name.to_owned(), value));
        } else if let Some(slot) = self.variables.iter_mut().rev().find(|(own, _)| own == name) {
            slot.1 = value;
        }
    }

    fn pipeline(&mut self, pipeline: &Pipeline, dot: &Value) -> Result<Value, String> {
        let mut value = None;
        for command in &pipeline.commands {
            value = Some(self.command(command, dot, value)?);
        }
        let value = value.unwrap_or(Value::Nil);
        for name in &pipeline.variables {
            self.bind(name, value.clone(), pipeline.declares);
        }
        Ok(value)
    }

    fn command(
        &mut self,
        command: &Command,
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, String> {
        let Some((first, args)) = command.args.split_first() else {
            return Ok(Value::Nil);
        };
        let Arg::Function(name) = first.arg else {
            // Only functions take arguments; a field or variable here never holds one.
            if last.is_some() || !args.is_empty() {
                let why = if let Arg::Field(path) = &first.arg {
                    let name = path.last().map_or("", String::as_str);
                    format!("{name} is not a method but has arguments")
                } else {
                    let shown = self.shown(first.span);
                    format!("can't give argument to non-function {shown}")
                };
                return Err(self.error(first.span, &why));
            }
            if let Arg::Nil = first.arg {
                return Err(self.error(first.span, "nil is not a command"));
            }
            return self.argument(first, dot);
        };
        // `and` and `or` look at no more arguments than they need.
        if let "and" | "or" = name
            && args.len() + usize::from(last.is_some()) > 0
        {
            return self.logic(name == "or", args, dot, last);
        }
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push((self.argument(arg, dot)?, Some(arg)));
        }
        values.extend(last.map(|value| (value, None)));
        let values = signature::check(name, values, &self.template.source)
            .map_err(|(at, why)| self.error(at.map_or(first.span, |located| located.span), &why))?;
        let context = Context {
            input: self.input,
            regexes: &self.template.regexes,
            now_ns: self.template.now_ns,
        };
        call::call(name, &values, &context)
            .map_err(|why| self.error(command.span, &format!("error calling {name}: {why}")))
    }

    fn logic(
        &mut self,
        stops_at: bool,
        args: &[Located],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, String> {
        let mut value = Value::Nil;
        for arg in args {
            value = self.argument(arg, dot)?;
            if value.is_true() == stops_at {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    fn argument(&mut self, located: &Located, dot: &Value) -> Result<Value, String> {
        let span = located.span;
        Ok(match &located.arg {
            Arg::Dot => dot.clone(),
            Arg::Nil => Value::Nil,
            Arg::Bool(bool) => Value::Bool(*bool),
            Arg::Text(text) | Arg::Pattern(text) => Value::Text(text.clone()),
            Arg::Int(int) => Value::Int(*int),
            Arg::Float(float) => Value::Float(*float),
            Arg::Field(path) => self.fields(dot.clone(), path, span)?,
            Arg::Variable(name, path) => {
                let value = self.variables.iter().rev().find(|(own, _)| own == name);
                let value = value.map_or(Value::Nil, |(_, value)| value.clone());
                self.fields(value, path, span)?
            }
            Arg::Function(name) => {
                let context = Context {
                    input: self.input,
                    regexes: &self.template.regexes,
                    now_ns: self.template.now_ns,
                };
                let fail = |why: String| self.error(span, &why);
                let values = signature::check(name, Vec::new(), &self.template.source)
                    .map_err(|(_, why)| fail(why))?;
                call::call(name, &values, &context)
                    .map_err(|why| fail(format!("error calling {name}: {why}")))?
            }
            Arg::Pipe(pipeline, path) => {
                let value = self.pipeline(pipeline, dot)?;
                self.fields(value, path, span)?
            }
        })
    }

    fn fields(
        &self,
        mut value: Value,
        path: &[String],
        span: (usize, usize),
    ) -> Result<Value, String> {
        for name in path {
            value = match value {
                Value::Labels => {
                    let found = self.input.fields.iter().find(|(own, _)| own == name);
                    Value::Text(found.map_or_else(String::new, |(_, value)| value.clone()))
                }
                Value::Map(mut map) => map.remove(name).unwrap_or(Value::Nil),
                Value::Nil => {
                    return Err(self.error(
                        span,
                        &format!("nil pointer evaluating interface {{}}.{name}"),
                    ));
                }
                other @ (Value::Text(_)
                | Value::Int(_)
                | Value::Long(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::Time(_)
                | Value::List(_)) => {
                    let kind = other.type_name();
                    let why = format!("can't evaluate field {name} in type {kind}");
                    // Go counts from the second name on.
                    let first = path.first().filter(|_| path.len() > 1);
                    let behind = first.map_or(0, |first| first.len() + 1);
                    return Err(self.error_at(span.0 + behind, span, &why));
                }
            };
        }
        Ok(value)
    }

    fn shown(&self, (start, end): (usize, usize)) -> &str {
        self.template.source.get(start..end).unwrap_or_default()
    }

    /// An error with its place, as Go tells it.
    fn error(&self, span: (usize, usize), why: &str) -> String {
        self.error_at(span.0, span, why)
    }

    fn error_at(&self, start: usize, span: (usize, usize), why: &str) -> String {
        let before = self.template.source.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rfind('\n')
            .map_or(start, |newline| start - newline - 1);
        let shown = self.shown(span);
        let name = self.template.name;
        format!("template: {name}:{line}:{column}: executing \"{name}\" at <{shown}>: {why}")
    }
}
