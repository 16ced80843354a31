//! The records of a planned request whose response was whole, as a gateway appends them to its journal.

use crate::plan::Plan;
use aibridge_recorder::{
    CredentialKind, Interception, InterceptionEnd, Outcome, Reasoning, ReasoningSource, Record, TokenUsage,
    ToolUsage, UsageCost, UserPrompt,
};
use jiff::Timestamp;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The start records and the end records of `plan`, for the interception `id`.
pub fn of_plan(plan: &Plan, id: Uuid) -> [Vec<Record>; 2] {
    let now = Timestamp::now();
    let start = Interception {
        id,
        initiator_id: "anonymous".to_owned(),
        provider: "openai".to_owned(),
        provider_name: "openai".to_owned(),
        model: "gpt-5-chaos".to_owned(),
        route: plan.route().trim_start_matches("/openai/v1").to_owned(),
        streaming: plan.stream,
        client: "Unknown".to_owned(),
        client_session_id: None,
        user_agent: Some(plan.user_agent()),
        credential_kind: CredentialKind::Centralized,
        credential_hint: String::new(),
        correlating_tool_call_id: None,
        metadata: BTreeMap::new(),
        started_at: now,
    };
    let prompt =
        UserPrompt { id: Uuid::now_v7(), interception_id: id, prompt: plan.prompt(), created_at: now };
    let end = InterceptionEnd {
        interception_id: id,
        outcome: Outcome::Completed,
        upstream_status: Some(200),
        credential_hint: Some("sk-c...cdef".to_owned()),
        provider_response_id: Some(response_id(plan)),
        ended_at: now,
    };
    let mut ends = vec![Record::TokenUsage(token_usage(plan, id, now))];
    ends.extend(tool_usages(plan, id, now).map(|usage| Record::ToolUsage(Box::new(usage))));
    ends.extend(plan.reasoning.then(|| Record::Reasoning(reasoning(id, now))));
    ends.push(Record::End(end));
    [vec![Record::Start(start.into()), Record::Prompt(prompt)], ends]
}

fn response_id(plan: &Plan) -> String {
    format!("resp_{}", plan.number)
}

fn token_usage(plan: &Plan, interception_id: Uuid, created_at: Timestamp) -> TokenUsage {
    let [input, cached, output] = plan.tokens.map(u64::cast_signed);
    TokenUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: Some(response_id(plan)),
        input_tokens: input - cached,
        output_tokens: output,
        cache_read_input_tokens: cached,
        cache_write_input_tokens: 0,
        extra_token_types: BTreeMap::from([("total_tokens".to_owned(), (input + output).into())]),
        cost: None,
        charged: UsageCost::default(),
        created_at,
    }
}

fn tool_usages(
    plan: &Plan,
    interception_id: Uuid,
    created_at: Timestamp,
) -> impl Iterator<Item = ToolUsage> + '_ {
    plan.tool_calls().into_iter().map(move |(call, tool, input)| ToolUsage {
        id: Uuid::now_v7(),
        interception_id,
        provider_response_id: Some(response_id(plan)),
        provider_tool_call_id: Some(call),
        tool,
        server_url: None,
        input: input.to_string(),
        injected: false,
        invocation_error: None,
        truncated: false,
        created_at,
    })
}

fn reasoning(interception_id: Uuid, created_at: Timestamp) -> Reasoning {
    Reasoning {
        id: Uuid::now_v7(),
        interception_id,
        content: "The test may fail at an empty line.".to_owned(),
        source: ReasoningSource::Thinking,
        truncated: false,
        created_at,
    }
}
