//! Interceptors for OpenAI chat completions
