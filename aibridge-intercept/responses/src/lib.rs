//! Interceptors for OpenAI responses
