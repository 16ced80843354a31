//! Tables of usage objects, as providers send them.

use super::*;
use aibridge_json::LenientText;

const NAMES: ExtraNames = ExtraNames {
    prompt_audio: Some("prompt_audio"),
    output_audio: Some("completion_audio"),
    reasoning: Some("completion_reasoning"),
    accepted_prediction: Some("completion_accepted_prediction"),
    rejected_prediction: Some("completion_rejected_prediction"),
};

fn read(reported: &[&str]) -> Option<Usage> {
    let mut counter = UsageCounter::default();
    for usage in reported {
        counter.read(LenientText::new(usage.as_bytes()).json());
    }
    counter.finish(&NAMES)
}

/// Input, output, cache read, cache write.
fn four(usage: Option<Usage>) -> Option<[i64; 4]> {
    usage.map(|usage| [usage.input, usage.output, usage.cache_read, usage.cache_write])
}

#[test]
fn reads_every_name_and_spelling() {
    let table: &[(&[&str], Option<[i64; 4]>)] = &[
        (&[r#"{"prompt_tokens":10,"completion_tokens":5}"#], Some([10, 5, 0, 0])),
        (&[r#"{"input_tokens":10,"output_tokens":5}"#], Some([10, 5, 0, 0])),
        (
            &[r#"{"prompt_tokens":0,"input_tokens":10,"completion_tokens":5,"output_tokens":0}"#],
            Some([10, 5, 0, 0]),
        ),
        (&[r#"{"prompt_tokens":"10","completion_tokens":" 5.0 "}"#], Some([10, 5, 0, 0])),
        (&[r#"{"prompt_tokens":1e1,"completion_tokens":4.6}"#], Some([10, 5, 0, 0])),
        (&[r#"{"prompt_tokens":NaN,"completion_tokens":-5}"#], None),
        (&[r#"{"prompt_tokens":1e300,"completion_tokens":5}"#], Some([0, 5, 0, 0])),
        (&[r#"{"prompt_tokens":18446744073709551615,"completion_tokens":9223372036854775807}"#], None),
        (&[r#"{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":60}}"#], Some([40, 0, 60, 0])),
        (&[r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":"60"}}"#], Some([40, 0, 60, 0])),
        (&[r#"{"prompt_tokens":100,"cached_tokens":60}"#], Some([40, 0, 60, 0])),
        (
            &[r#"{"prompt_tokens":100,"prompt_cache_hit_tokens":60,"prompt_cache_miss_tokens":40}"#],
            Some([40, 0, 60, 0]),
        ),
        (
            &[r#"{"prompt_tokens":100,"cached_tokens":60,"prompt_tokens_details":{"cached_tokens":0}}"#],
            Some([40, 0, 60, 0]),
        ),
        (
            &[
                r#"{"prompt_tokens":100,"prompt_tokens_details":{"cached_tokens":20,"cache_write_tokens":30}}"#,
            ],
            Some([50, 0, 20, 30]),
        ),
        (
            &[r#"{"input_tokens":100,"input_tokens_details":{"cache_creation_tokens":30}}"#],
            Some([70, 0, 0, 30]),
        ),
        (
            &[r#"{"prompt_tokens":100,"cache_creation_input_tokens":30,"cache_read_input_tokens":50}"#],
            Some([20, 0, 50, 30]),
        ),
        (&[r#"{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":9}}"#], Some([0, 0, 9, 0])),
        (&[r#"{"prompt_tokens":0,"completion_tokens":0}"#], Some([0, 0, 0, 0])),
        (
            &[r#"{"prompt_tokens":5,"prompt_tokens_details":null,"completion_tokens_details":[]}"#],
            Some([5, 0, 0, 0]),
        ),
        (&["{}"], None),
        (&["null"], None),
        (&["[]"], None),
        (&[], None),
    ];
    for (stated, expected) in table {
        assert_eq!(four(read(stated)), *expected, "{stated:?}");
    }
}

#[test]
fn the_last_non_zero_value_wins() {
    let real = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"cost":0.25}"#;
    for after in ["{}", "null", r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"cost":0}"#] {
        let usage = read(&[real, after]);
        assert_eq!(
            usage.as_ref().map(|usage| usage.extra["total_tokens"].count()),
            Some(Some(15)),
            "{after}"
        );
        assert_eq!(usage.as_ref().and_then(|usage| usage.cost.as_deref()), Some("0.25"), "{after}");
        assert_eq!(four(usage), Some([10, 5, 0, 0]), "{after}");
    }
    let cumulative = [r#"{"prompt_tokens":10,"completion_tokens":1}"#, r#"{"completion_tokens":7}"#];
    assert_eq!(four(read(&cumulative)), Some([10, 7, 0, 0]));
}

#[test]
fn reasoning_that_only_the_total_contains_is_output() {
    let table = [
        (
            r#"{"prompt_tokens":4862,"completion_tokens":45,"total_tokens":4914,"completion_tokens_details":{"reasoning_tokens":0}}"#,
            45,
        ),
        (r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":103}"#, 94),
        (
            r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":103,"completion_tokens_details":{"reasoning_tokens":93}}"#,
            94,
        ),
        (
            r#"{"prompt_tokens":9,"completion_tokens":95,"total_tokens":104,"completion_tokens_details":{"reasoning_tokens":93}}"#,
            95,
        ),
        (
            r#"{"prompt_tokens":9,"completion_tokens":95,"total_tokens":110,"completion_tokens_details":{"reasoning_tokens":93}}"#,
            95,
        ),
        (
            r#"{"input_tokens":9,"output_tokens":1,"total_tokens":103,"output_tokens_details":{"reasoning_tokens":90}}"#,
            94,
        ),
        (r#"{"prompt_tokens":9,"completion_tokens":4,"total_tokens":9}"#, 4),
        (r#"{"completion_tokens":4,"total_tokens":9}"#, 4),
    ];
    for (stated, output) in table {
        assert_eq!(read(&[stated]).map(|usage| usage.output), Some(output), "{stated}");
    }
}

#[test]
fn additional_counts_keep_their_names_and_cost_its_text() {
    let usage = read(&[r#"{"prompt_tokens":100,"completion_tokens":7,"total_tokens":107,
        "prompt_tokens_details":{"audio_tokens":1},"cost":1.250e-03,
        "completion_tokens_details":{"reasoning_tokens":3,"audio_tokens":0,"accepted_prediction_tokens":4,"rejected_prediction_tokens":5}}"#])
    .unwrap();
    let extra: Vec<_> =
        usage.extra.iter().map(|(name, count)| (name.as_str(), count.count().unwrap())).collect();
    assert_eq!(
        extra,
        [
            ("completion_accepted_prediction", 4),
            ("completion_audio", 0),
            ("completion_reasoning", 3),
            ("completion_rejected_prediction", 5),
            ("prompt_audio", 1),
            ("total_tokens", 107),
        ]
    );
    assert_eq!(usage.cost.as_deref(), Some("1.250e-03"));
    for (cost, expected) in
        [(r#""0.5""#, Some("0.5")), ("null", None), ("NaN", None), (r#""$1""#, None), ("{}", None)]
    {
        let stated = format!(r#"{{"prompt_tokens":1,"cost":{cost}}}"#);
        assert_eq!(read(&[&stated]).unwrap().cost.as_deref(), expected, "{cost}");
    }
}
