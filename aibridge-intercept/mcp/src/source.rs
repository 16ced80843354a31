use async_trait::async_trait;

/// A tool of an MCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// The name by which the model picks it.
    pub name: String,
    /// What it is for, for the model to read.
    pub description: String,
    /// The JSON Schema of its arguments, as JSON text.
    pub input_schema: String,
    /// The server that runs it.
    pub server_url: String,
}

/// Offers tools and calls them.
#[async_trait]
pub trait ToolSource: Send + Sync {
    /// The tools, always in the same order: two equal requests must stay equal when tools are added, for the sake of
    /// prompt caches.
    fn tools(&self) -> &[Tool];

    /// Calls a tool with `arguments`, JSON text, and gives its result as text for the model.
    ///
    /// # Errors
    ///
    /// Why it could not be called, or what it says went wrong.
    async fn call(&self, tool: &Tool, arguments: &str) -> Result<String, ToolError>;
}

/// Why a tool gave no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ToolError {
    /// Its server cannot be reached.
    #[error("the MCP server {server_url} cannot be reached: {reason}")]
    Unreachable {
        /// Which.
        server_url: String,
        /// Why.
        reason: String,
    },
    /// The tool ran and failed.
    #[error("{0}")]
    Failed(String),
}
