//! The standard variables of OpenTelemetry.

use super::collector::Collector;
use super::{BLOCKING, CHAT, KEYS, WHOLE};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, ProcessOutput, RawClient, Script, ScriptedProvider, wait_for};

/// The traces that a client started.
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// Runs a gateway with these variables and `settings` until it has answered one request and exported its spans.
async fn run(settings: &str, variables: &[(&str, String)], headers: &[(&str, &str)]) -> ProcessOutput {
    let provider = ScriptedProvider::start(|_| Script::json(200, WHOLE)).await;
    let settings = format!("{settings}\n{}", provider_settings(&provider.base_url(), &KEYS));
    let launch = Launch::new(env!("CARGO_BIN_EXE_aibridge")).config(settings);
    let launch = variables.iter().fold(launch, |launch, (name, value)| launch.env(*name, value.clone()));
    let gateway = launch.start().await;
    assert_eq!(RawClient::post(gateway.address(), CHAT, headers, BLOCKING).await.status(), 200);
    gateway.terminate(); // exports the remaining spans
    gateway.wait_exit().await
}

fn endpoint(collector: &Collector) -> (&'static str, String) {
    ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
}

fn variable(name: &'static str, value: &str) -> (&'static str, String) {
    (name, value.to_owned())
}

#[tokio::test]
async fn the_endpoint_for_traces_is_used_as_it_is() {
    let collector = ScriptedProvider::start(|_| Script::json(200, "{}")).await;
    let url = |path: &str| format!("http://{}{path}", collector.address());
    let http = variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    for (name, path, expected) in [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/custom/path", "/custom/path"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "/custom/", "/custom/"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "", "/"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "/custom", "/custom/v1/traces"),
    ] {
        let before = collector.received().len();
        run("", &[(name, url(path)), http.clone()], &[]).await;
        assert_eq!(collector.received()[before].target, expected, "{name} {path}");
    }
    let both = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url("/traces")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9".to_owned()),
        http.clone(),
    ];
    run("", &both, &[]).await;
    let own = format!("[telemetry]\nendpoint = \"{}\"", url("/own"));
    run(&own, &both, &[]).await;
    let received = collector.received();
    let targets: Vec<&str> = received[received.len() - 2..].iter().map(|sent| sent.target.as_str()).collect();
    assert_eq!(targets, ["/traces", "/own/v1/traces"]);
}

#[tokio::test]
async fn headers_and_attributes_are_percent_decoded() {
    for collector in [Collector::grpc().await, Collector::http().await] {
        let variables = [
            variable("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20key%2C%3D,x-other=1"),
            variable("OTEL_RESOURCE_ATTRIBUTES", "service.name=ours,team=red%2Cblue,service.namespace=n"),
            variable("OTEL_SERVICE_NAME", "mine"),
        ];
        run(&collector.settings(), &variables, &[]).await;
        let resource =
            wait_for(|| (!collector.keys().is_empty()).then(|| collector.resource()), "spans").await;
        assert_eq!(collector.keys()[0].as_deref(), Some("a key,="));
        let named = ["service.name", "team", "service.namespace"].map(|name| resource[name].as_str());
        assert_eq!(named, ["mine", "red,blue", "n"]);
    }
}

#[tokio::test]
async fn malformed_attributes_are_ignored_as_a_whole() {
    let collector = Collector::grpc().await;
    let variables = [endpoint(&collector), variable("OTEL_RESOURCE_ATTRIBUTES", "team=red,%zz=1")];
    let ended = run("", &variables, &[]).await;
    assert!(ended.stderr.contains("OTEL_RESOURCE_ATTRIBUTES"), "{}", ended.stderr);
    let resource = collector.resource();
    assert_eq!((resource.get("team"), resource["service.name"].as_str()), (None, "aibridge"));
}

#[tokio::test]
async fn a_disabled_sdk_exports_nothing() {
    for (name, value, is_disabled) in [
        ("OTEL_SDK_DISABLED", "true", true),
        ("OTEL_SDK_DISABLED", "TRUE", true),
        ("OTEL_TRACES_EXPORTER", "none", true),
        ("OTEL_SDK_DISABLED", "false", false),
        ("OTEL_SDK_DISABLED", "1", false),
        ("OTEL_TRACES_EXPORTER", "otlp", false),
    ] {
        let collector = Collector::grpc().await;
        run(&collector.settings(), &[variable(name, value)], &[]).await;
        assert_eq!(collector.spans().is_empty(), is_disabled, "{name}={value}");
    }
}

#[tokio::test]
async fn samplers_have_their_standard_names() {
    // The sampler, its argument, and whether a new trace and one from a sampled and an unsampled parent are exported.
    for (sampler, arg, expected) in [
        ("always_on", "", [true, true, true]),
        ("always_off", "", [false, false, false]),
        ("traceidratio", "0", [false, false, false]),
        ("parentbased_always_on", "", [true, true, false]),
        ("parentbased_always_off", "", [false, true, false]),
        ("parentbased_traceidratio", "0.0", [false, true, false]),
        ("jaeger_remote", "endpoint=http://localhost", [true, true, false]),
        ("traceidratio", "half", [true, true, true]),
    ] {
        let parents = [None, Some(SAMPLED), Some(UNSAMPLED)];
        for (parent, is_exported) in parents.into_iter().zip(expected) {
            let collector = Collector::grpc().await;
            let variables = [
                endpoint(&collector),
                variable("OTEL_TRACES_SAMPLER", sampler),
                variable("OTEL_TRACES_SAMPLER_ARG", arg),
            ];
            let headers: Vec<(&str, &str)> = parent.iter().map(|parent| ("traceparent", *parent)).collect();
            let ended = run("", &variables, &headers).await;
            assert_eq!(!collector.spans().is_empty(), is_exported, "{sampler} {arg} {parent:?}");
            let warns = sampler == "jaeger_remote" || arg == "half";
            assert_eq!(ended.stderr.contains("OTEL_TRACES_SAMPLER"), warns, "{sampler}: {}", ended.stderr);
        }
    }
}

#[tokio::test]
async fn the_setting_of_the_gateway_precedes_the_sampler() {
    let collector = Collector::grpc().await;
    let settings = format!("{}sample_ratio = 1.0", collector.settings());
    run(&settings, &[variable("OTEL_TRACES_SAMPLER", "always_off")], &[]).await;
    assert!(!collector.spans().is_empty());
}
