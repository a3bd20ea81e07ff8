use super::labels::LineLabels;
use crate::limits::EvalError;
#[derive(Clone, Debug)]
pub(crate) struct Template;
impl Template {
    pub(crate) fn new(_n: &'static str, _t: &str) -> Result<Self, EvalError> { Err(EvalError::Unsupported("template".into())) }
    pub(crate) fn collect_fields(&self, _i: &mut Vec<String>) {}
    pub(crate) fn format(&self, _t: i64, _l: &str, _b: &LineLabels<'_>) -> Result<String, String> { Ok(String::new()) }
    pub(crate) fn format_fields(&self, _t: i64, _l: &str, _b: &[(String, String)]) -> Result<String, String> { Ok(String::new()) }
}
