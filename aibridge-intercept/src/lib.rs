//! The core that every interceptor shares
