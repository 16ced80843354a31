//! Injected MCP tools: their source and their place in a request
