//! Tests of usage.

use super::*;

fn read(usages: &[&str]) -> Option<Usage> {
    let mut counter = UsageCounter::default();
    for usage in usages {
        counter.read(Json::parse(usage.as_bytes()));
    }
    counter.finish()
}

fn tokens(usage: &Usage) -> [i64; 4] {
    [usage.input, usage.output, usage.cache_read, usage.cache_write]
}

fn extra(usage: &Usage) -> String {
    let value = |value: &ExtraValue| match value {
        ExtraValue::Count(count) => count.to_string(),
        ExtraValue::Text(text) => text.clone(),
    };
    usage.extra.iter().map(|(name, extra)| format!("{name}={} ", value(extra))).collect()
}

#[test]
fn the_last_value_of_each_count_wins() {
    let table: &[(&[&str], [i64; 4])] = &[
        (&[r#"{"input_tokens":3,"output_tokens":4}"#], [3, 4, 0, 0]),
        (&[r#"{"input_tokens":3,"output_tokens":1}"#, r#"{"output_tokens":9}"#], [3, 9, 0, 0]),
        (
            &[
                r#"{"input_tokens":3,"cache_read_input_tokens":100,"output_tokens":1}"#,
                r#"{"input_tokens":5,"cache_read_input_tokens":200,"output_tokens":9}"#,
            ],
            [5, 9, 200, 0],
        ),
        (
            &[
                r#"{"input_tokens":3,"output_tokens":9,"cache_read_input_tokens":7}"#,
                r#"{"input_tokens":null,"output_tokens":0,"cache_read_input_tokens":0}"#,
            ],
            [3, 9, 7, 0],
        ),
        (&[r#"{"input_tokens":0,"output_tokens":0}"#], [0, 0, 0, 0]),
        (&[r#"{"input_tokens":"12","output_tokens":4.0}"#], [12, 4, 0, 0]),
    ];
    for (usages, expected) in table {
        assert_eq!(read(usages).as_ref().map(tokens), Some(*expected), "{usages:?}");
    }
    for nothing in ["null", "{}", "[]", "5", r#"{"service_tier":"standard"}"#, r#"{"iterations":[]}"#] {
        assert_eq!(read(&[nothing]), None, "{nothing}");
    }
}

#[test]
fn cache_writes_are_divided_by_lifetime() {
    let creation = |five: i64, hour: i64| {
        format!(
            r#""cache_creation":{{"ephemeral_5m_input_tokens":{five},"ephemeral_1h_input_tokens":{hour}}}"#
        )
    };
    let table: &[(&[String], i64, &str)] = &[
        (
            &[format!(r#"{{"cache_creation_input_tokens":30,{}}}"#, creation(10, 20))],
            30,
            "cache_write_1h=20 cache_write_5m=10 ",
        ),
        (&[format!("{{{}}}", creation(10, 20))], 30, "cache_write_1h=20 cache_write_5m=10 "),
        (&[r#"{"cache_creation_input_tokens":30}"#.to_owned()], 30, "cache_write_5m=30 "),
        (
            &[
                format!(r#"{{"cache_creation_input_tokens":30,{}}}"#, creation(0, 30)),
                r#"{"cache_creation_input_tokens":45}"#.to_owned(),
            ],
            45,
            "cache_write_1h=30 cache_write_5m=15 ",
        ),
        (
            &[format!(r#"{{"cache_creation_input_tokens":0,{}}}"#, creation(0, 0))],
            0,
            "cache_write_1h=0 cache_write_5m=0 ",
        ),
        (&[r#"{"cache_creation_input_tokens":0,"cache_creation":null}"#.to_owned()], 0, ""),
    ];
    for (usages, total, expected) in table {
        let usages: Vec<&str> = usages.iter().map(String::as_str).collect();
        let usage = read(&usages).unwrap();
        assert_eq!((usage.cache_write, extra(&usage).as_str()), (*total, *expected), "{usages:?}");
    }
}

#[test]
fn reads_other_counts_and_properties() {
    let usage = read(&[
        r#"{"input_tokens":1,"service_tier":"priority","inference_geo":"us","cost":0.25,
            "server_tool_use":{"web_search_requests":2,"web_fetch_requests":0}}"#,
        r#"{"output_tokens":5,"speed":"fast","service_tier":null,"output_tokens_details":{"thinking_tokens":3},
            "server_tool_use":{"web_search_requests":3,"code_execution_requests":1}}"#,
    ])
    .unwrap();
    assert_eq!(
        extra(&usage),
        "code_execution_requests=1 inference_geo=us output_thinking=3 service_tier=priority speed=fast \
         web_fetch_requests=0 web_search_requests=3 "
    );
    assert_eq!(usage.cost.as_deref(), Some("0.25"));
}

#[test]
fn iterations_replace_the_counts_by_their_sums() {
    let usage = read(&[
        r#"{"input_tokens":9,"output_tokens":9,"cache_creation_input_tokens":9,"service_tier":"standard",
            "server_tool_use":{"web_search_requests":1}}"#,
        r#"{"input_tokens":5,"output_tokens":9,"iterations":[
            {"type":"compaction","model":"small","input_tokens":100,"output_tokens":20,"cache_creation_input_tokens":4},
            {"type":"message","input_tokens":10,"output_tokens":2,"cache_read_input_tokens":7,
             "cache_creation_input_tokens":3,"cache_creation":{"ephemeral_1h_input_tokens":3}}, null]}"#,
        r#"{"output_tokens":9,"iterations":[]}"#,
    ])
    .unwrap();
    assert_eq!(tokens(&usage), [110, 22, 7, 7]);
    assert_eq!(
        extra(&usage),
        "cache_write_1h=3 cache_write_5m=4 service_tier=standard web_search_requests=1 "
    );
    let parts: Vec<_> = usage.parts.iter().map(|part| (part.model.as_deref(), tokens(&part.usage))).collect();
    assert_eq!(parts, [(Some("small"), [100, 20, 0, 4]), (None, [10, 2, 7, 3])]);
}

#[test]
fn many_iterations_are_bounded() {
    let iterations = r#"{"input_tokens":1},"#.repeat(MAX_PARTS + 9);
    let usage = read(&[&format!(r#"{{"iterations":[{}]}}"#, iterations.trim_end_matches(','))]).unwrap();
    assert_eq!((usage.parts.len(), usage.input), (MAX_PARTS, MAX_PARTS as i64 + 9));
    assert_eq!(usage.parts.last().unwrap().usage.input, 10);
}
