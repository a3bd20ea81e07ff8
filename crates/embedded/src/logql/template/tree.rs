//! The tree of a template.

use std::collections::BTreeMap;

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
    /// Another template, with a value for its dot.
    Template {
        name: String,
        value: Option<Pipeline>,
        /// Where the name stands, and where the value ends.
        span: (usize, usize),
    },
}

/// The templates that a template defines, by their names.
pub(super) type Definitions = BTreeMap<String, Vec<Node>>;

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

/// Calls `visit` with all arguments of the nodes.
pub(super) fn visit_arguments(nodes: &[Node], visit: &mut dyn FnMut(&Arg)) {
    for node in nodes {
        match node {
            Node::Text(_) | Node::Break | Node::Continue | Node::Template { value: None, .. } => {}
            Node::Template {
                value: Some(pipeline),
                ..
            }
            | Node::Action(pipeline) => visit_pipeline(pipeline, visit),
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

/// Where the part stands that is worked out last.
pub(super) fn last_span(pipeline: &Pipeline) -> (usize, usize) {
    let last = pipeline.commands.last();
    match last.and_then(|command| command.args.last()) {
        Some(Located {
            arg: Arg::Pipe(inner, _),
            ..
        }) => last_span(inner),
        Some(located) => located.span,
        None => (0, 0),
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
