//! Running a template.

use std::collections::BTreeMap;

use super::Template;
use super::call::{self, Context};
use super::method;
use super::print;
use super::signature::{self, Fault};
use super::tree::{Arg, Command, Located, Node, Pipeline, last_span};
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

/// Lists of nodes within each other in which one run may still call another template.
const MAX_DEPTH: usize = 150;

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
        depth: 0,
        executing: template.name,
        has_data: true,
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
    /// How many lists of nodes it is in.
    depth: usize,
    /// The name of the template that runs.
    executing: &'a str,
    /// The template that runs was given a value.
    has_data: bool,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node], dot: &Value) -> Result<Flow, String> {
        self.depth += 1;
        let flow = self.each(nodes, dot)?;
        self.depth -= 1;
        Ok(flow)
    }

    fn each(&mut self, nodes: &'a [Node], dot: &Value) -> Result<Flow, String> {
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
                Node::Template { name, value, span } => {
                    self.call_template(name, value.as_ref(), *span, dot)?;
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

    /// Runs another template, which sees the value and no variable.
    fn call_template(
        &mut self,
        name: &'a str,
        value: Option<&Pipeline>,
        (start, end): (usize, usize),
        dot: &Value,
    ) -> Result<(), String> {
        let nodes = if name == self.template.name {
            Some(&self.template.nodes)
        } else {
            self.template.definitions.get(name)
        };
        let Some(nodes) = nodes else {
            let shown = format!("{{{{template {}}}}}", self.shown((start, end)).trim_end());
            let why = format!("template {name:?} not defined");
            return Err(self.error_showing(start, &shown, &why));
        };
        if self.depth > MAX_DEPTH {
            let shown = format!("{{{{template {}}}}}", self.shown((start, end)).trim_end());
            let why = format!("exceeded maximum template depth ({MAX_DEPTH})");
            return Err(self.error_showing(start, &shown, &why));
        }
        let has_data = value.is_some();
        let value = match value {
            Some(pipeline) => self.pipeline(pipeline, dot)?,
            None => Value::Nil,
        };
        let variables = vec![("$".to_owned(), value.clone())];
        let variables = std::mem::replace(&mut self.variables, variables);
        let executing = std::mem::replace(&mut self.executing, name);
        let had_data = std::mem::replace(&mut self.has_data, has_data);
        self.nodes(nodes, &value)?;
        self.variables = variables;
        self.executing = executing;
        self.has_data = had_data;
        Ok(())
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
        body: &'a [Node],
        otherwise: &'a [Node],
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
            Value::Int(count) | Value::Long(count) | Value::Named(_, count) => {
                let most = i64::try_from(MAX_PARTS + 1).unwrap_or(i64::MAX);
                (0..count.min(most))
                    .map(|at| (Value::Int(at), Value::Int(at)))
                    .collect()
            }
            Value::Nil => Vec::new(),
            Value::Text(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => {
                let at = last_span(pipeline);
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
            if last.is_some() || !args.is_empty() {
                return self.call_method(first, args, dot, last);
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
        let values =
            signature::check(name, values, &self.template.source).map_err(|(fault, why)| {
                // A wrong number of arguments is told where the function stands, and a piped value
                // that does not fit where the last argument does.
                let located = match fault {
                    Fault::Count => Some(first),
                    Fault::Argument(located) => located.or(args.last()),
                };
                self.error(located.map_or(first.span, ended), &why)
            })?;
        let context = Context {
            input: self.input,
            regexes: &self.template.regexes,
            now_ns: self.template.now_ns,
        };
        call::call(name, &values, &context)
            .map_err(|why| self.error(command.span, &format!("error calling {name}: {why}")))
    }

    /// Calls the method that a field names. Of all values only times and durations have some.
    fn call_method(
        &mut self,
        first: &Located,
        args: &[Located],
        dot: &Value,
        last: Option<Value>,
    ) -> Result<Value, String> {
        let (value, path) = match &first.arg {
            Arg::Field(path) => (dot.clone(), path.as_slice()),
            Arg::Variable(name, path) => (self.variable(name), path.as_slice()),
            Arg::Pipe(pipeline, path) => (self.pipeline(pipeline, dot)?, path.as_slice()),
            Arg::Dot
            | Arg::Nil
            | Arg::Bool(_)
            | Arg::Text(_)
            | Arg::Pattern(_)
            | Arg::Int(_)
            | Arg::Float(_)
            | Arg::Function(_) => (Value::Nil, [].as_slice()),
        };
        let place @ (start, span) = place(first);
        let Some((name, path)) = path.split_last() else {
            let shown = self.shown(first.span);
            let why = format!("can't give argument to non-function {shown}");
            return Err(self.error(first.span, &why));
        };
        let value = self.fields(value, path, place)?;
        if !matches!(value, Value::Time(_) | Value::Named(..)) {
            let why = format!("{name} is not a method but has arguments");
            return Err(self.error_at(start, span, &why));
        }
        let fail = |why: String| self.error_at(start, span, &why);
        let kinds = method::arguments(&value, name).map_err(fail)?;
        let mut values = Vec::with_capacity(args.len() + 1);
        for arg in args {
            values.push((self.argument(arg, dot)?, Some(arg)));
        }
        values.extend(last.map(|value| (value, None)));
        let source = &self.template.source;
        let values = signature::check_kinds(name, (kinds, None), values, source).map_err(
            |(fault, why)| match fault {
                Fault::Argument(located) if located.or(args.last()).is_some() => {
                    self.error(located.or(args.last()).map_or(span, ended), &why)
                }
                Fault::Argument(_) | Fault::Count => self.error_at(start, span, &why),
            },
        )?;
        let fail = |why: String| self.error_at(start, span, &why);
        method::call(&value, name, &values).map_err(fail)
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.variables.iter().rev().find(|(own, _)| own == name);
        found.map_or(Value::Nil, |(_, value)| value.clone())
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
            Arg::Field(path) => self.fields(dot.clone(), path, place(located))?,
            Arg::Variable(name, path) => self.fields(self.variable(name), path, place(located))?,
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
                if path.is_empty() {
                    return Ok(value);
                }
                self.fields(value, path, place(located))?
            }
        })
    }

    fn fields(
        &self,
        mut value: Value,
        path: &[String],
        (start, span): (usize, (usize, usize)),
    ) -> Result<Value, String> {
        for name in path {
            value = match value {
                Value::Labels => {
                    let found = self.input.fields.iter().find(|(own, _)| own == name);
                    Value::Text(found.map_or_else(String::new, |(_, value)| value.clone()))
                }
                Value::Map(mut map) => map.remove(name).unwrap_or(Value::Nil),
                value @ (Value::Time(_) | Value::Named(..)) => {
                    let fail = |why: String| self.error_at(start, span, &why);
                    let kinds = method::arguments(&value, name).map_err(fail)?;
                    let none = signature::check_kinds(name, (kinds, None), Vec::new(), "")
                        .map_err(|(_, why)| fail(why))?;
                    method::call(&value, name, &none).map_err(fail)?
                }
                Value::Nil if !self.has_data => Value::Nil,
                Value::Nil => {
                    let why = format!("nil pointer evaluating interface {{}}.{name}");
                    return Err(self.error_at(start, span, &why));
                }
                other @ (Value::Text(_)
                | Value::Int(_)
                | Value::Long(_)
                | Value::Float(_)
                | Value::Bool(_)
                | Value::List(_)) => {
                    let kind = other.type_name();
                    let why = format!("can't evaluate field {name} in type {kind}");
                    return Err(self.error_at(start, span, &why));
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
        self.error_showing(start, self.shown(span), why)
    }

    fn error_showing(&self, start: usize, shown: &str, why: &str) -> String {
        let before = self.template.source.get(..start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before
            .rfind('\n')
            .map_or(start, |newline| start - newline - 1);
        let (name, executing) = (self.template.name, self.executing);
        format!("template: {name}:{line}:{column}: executing \"{executing}\" at <{shown}>: {why}")
    }
}

/// Where an argument ends to be worked out, which is where Go says that it does not fit.
fn ended(located: &Located) -> (usize, usize) {
    match &located.arg {
        Arg::Pipe(pipeline, _) => last_span(pipeline),
        Arg::Dot
        | Arg::Nil
        | Arg::Bool(_)
        | Arg::Text(_)
        | Arg::Pattern(_)
        | Arg::Int(_)
        | Arg::Float(_)
        | Arg::Field(_)
        | Arg::Variable(..)
        | Arg::Function(_) => located.span,
    }
}

/// Where Go says that an argument's fields are at fault, and what it shows of it.
fn place(located: &Located) -> (usize, (usize, usize)) {
    let span = ended(located);
    let behind = match &located.arg {
        // Go counts from the second name on.
        Arg::Field(path) => path
            .first()
            .filter(|_| path.len() > 1)
            .map_or(0, |first| first.len() + 1),
        Arg::Variable(name, path) if !path.is_empty() => name.len(),
        Arg::Dot
        | Arg::Nil
        | Arg::Bool(_)
        | Arg::Text(_)
        | Arg::Pattern(_)
        | Arg::Int(_)
        | Arg::Float(_)
        | Arg::Variable(..)
        | Arg::Function(_)
        | Arg::Pipe(..) => 0,
    };
    (span.0 + behind, span)
}
