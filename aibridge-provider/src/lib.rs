//! What a provider is (data) and does (make an interceptor for a request)
