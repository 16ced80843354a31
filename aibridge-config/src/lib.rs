//! What an operator can set: plain data, loading, validation
