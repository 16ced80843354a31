//! The ways in which a settings file can change on disk.

use super::{NEXT_KEY, call, keys, launch, replace};
use crate::dialects::{CHAT, Dialect, KEY};
use crate::harness::provider_settings;
use aibridge_testkit::{Launch, ScriptedProvider};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// A layout of settings files, and how they change.
struct FileSetup {
    /// The value of `keys` in the settings, given the directory.
    keys: fn(&Path) -> String,
    /// Runs before the start. The settings are then written to `aibridge.toml`.
    prepare: fn(&Path),
    /// Replaces the settings in the directory by the text.
    change: fn(&Path, &str),
    /// Whether the change cannot be watched, so that a reload needs a signal.
    needs_signal: bool,
}

const LITERAL: fn(&Path) -> String = |_| KEY.to_owned();
const FROM_FILE: fn(&Path) -> String = |dir| format!("file:{}/secrets/key", dir.display());

fn link_elsewhere(dir: &Path) {
    fs::create_dir(dir.join("elsewhere")).unwrap();
    fs::write(dir.join("elsewhere/a.toml"), "").unwrap();
    symlink("elsewhere/a.toml", dir.join("aibridge.toml")).unwrap();
}

const FILE_SETUPS: [(&str, FileSetup); 8] = [
    (
        "replaced by a rename",
        FileSetup {
            keys: LITERAL,
            prepare: |_| {},
            change: |dir, text| replace(&dir.join("aibridge.toml"), text),
            needs_signal: false,
        },
    ),
    (
        "rewritten in place",
        FileSetup {
            keys: LITERAL,
            prepare: |_| {},
            change: |dir, text| fs::write(dir.join("aibridge.toml"), text).unwrap(),
            needs_signal: false,
        },
    ),
    (
        "removed and made again",
        FileSetup {
            keys: LITERAL,
            prepare: |_| {},
            change: |dir, text| {
                fs::remove_file(dir.join("aibridge.toml")).unwrap();
                fs::write(dir.join("aibridge.toml"), text).unwrap();
            },
            needs_signal: false,
        },
    ),
    (
        "behind links as in a ConfigMap",
        FileSetup {
            keys: LITERAL,
            prepare: |dir| {
                fs::create_dir(dir.join("..1")).unwrap();
                fs::write(dir.join("..1/aibridge.toml"), "").unwrap();
                symlink("..1", dir.join("..data")).unwrap();
                symlink("..data/aibridge.toml", dir.join("aibridge.toml")).unwrap();
            },
            change: |dir, text| {
                fs::create_dir(dir.join("..2")).unwrap();
                fs::write(dir.join("..2/aibridge.toml"), text).unwrap();
                symlink("..2", dir.join("..data.new")).unwrap();
                fs::rename(dir.join("..data.new"), dir.join("..data")).unwrap();
                fs::remove_dir_all(dir.join("..1")).unwrap();
            },
            needs_signal: false,
        },
    ),
    (
        "a link to a file elsewhere, which is rewritten",
        FileSetup {
            keys: LITERAL,
            prepare: link_elsewhere,
            change: |dir, text| replace(&dir.join("elsewhere/a.toml"), text),
            needs_signal: false,
        },
    ),
    (
        "a link that is turned to another file",
        FileSetup {
            keys: LITERAL,
            prepare: link_elsewhere,
            change: |dir, text| {
                fs::create_dir(dir.join("next")).unwrap();
                fs::write(dir.join("next/b.toml"), text).unwrap();
                symlink("next/b.toml", dir.join("new")).unwrap();
                fs::rename(dir.join("new"), dir.join("aibridge.toml")).unwrap();
            },
            needs_signal: false,
        },
    ),
    (
        "a key file of its own",
        FileSetup {
            keys: FROM_FILE,
            prepare: |dir| {
                fs::create_dir(dir.join("secrets")).unwrap();
                fs::write(dir.join("secrets/key"), KEY).unwrap();
            },
            change: |dir, _| replace(&dir.join("secrets/key"), NEXT_KEY),
            needs_signal: false,
        },
    ),
    (
        "a key file behind a link, which is not watched",
        FileSetup {
            keys: |dir| format!("file:{}/far/secrets/key", dir.display()),
            prepare: |dir| {
                for (number, key) in [("1", KEY), ("2", NEXT_KEY)] {
                    fs::create_dir_all(dir.join("far").join(number)).unwrap();
                    fs::write(dir.join("far").join(number).join("key"), key).unwrap();
                }
                symlink("1", dir.join("far/secrets")).unwrap();
            },
            change: |dir, _| {
                symlink("2", dir.join("far/new")).unwrap();
                fs::rename(dir.join("far/new"), dir.join("far/secrets")).unwrap();
            },
            needs_signal: true,
        },
    ),
];

#[tokio::test]
async fn changed_files_are_reloaded() {
    for (name, setup) in FILE_SETUPS {
        let provider = ScriptedProvider::start(Dialect::respond_to).await;
        let bare = Launch::new(env!("CARGO_BIN_EXE_aibridge"));
        let dir = bare.dir().to_owned();
        (setup.prepare)(&dir);
        let named = (setup.keys)(&dir);
        let gateway = bare.config(provider_settings(&provider.base_url(), &[&named])).start().await;
        assert_eq!(call(&gateway, CHAT.target).await, 200, "{name}");
        gateway.hang_up();
        gateway.wait_for_output("settings reloaded: nothing changed").await; // the files are watched from now on

        (setup.change)(&dir, &provider_settings(&provider.base_url(), &[NEXT_KEY]));
        if setup.needs_signal {
            gateway.hang_up();
        }
        gateway.wait_for_output("changed=[\"openai (sk-n...cdef): keys\"]").await;
        assert_eq!(call(&gateway, CHAT.target).await, 200, "{name}");
        let expected = [format!("Bearer {KEY}"), format!("Bearer {NEXT_KEY}")];
        assert_eq!(keys(&provider.received()), expected, "{name}");
        let log = gateway.stderr();
        assert_eq!(log.matches("settings reloaded added").count(), 1, "{name}: {log}");
    }
}

#[tokio::test]
async fn unusable_files_are_refused_and_the_previous_ones_stay_in_force() {
    let provider = ScriptedProvider::start(Dialect::respond_to).await;
    let good = provider_settings(&provider.base_url(), &[KEY]);
    let gateway = launch(good.clone()).start().await;
    let path = gateway.launch().config_path();
    let table = [
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"sk-hunter2\"\n", vec!["is not valid TOML in line 3"]),
        ("[auth]\nmode = \"all\"\n[server]\nlistn = \"x\"\n", vec!["auth.mode: ", "; ", "listn: "]),
        ("\u{feff}provider = []\n[server]\n", vec!["has no settings, and had some before"]),
        ("[[provider]]\ntype = \"openai\"\nkeys = [\"file:/nowhere/key\"]\n", vec!["provider[0].keys[0]: "]),
    ];
    for (text, words) in table {
        replace(&path, text);
        gateway.wait_for_output(words[0]).await;
        let log = gateway.stderr();
        let line = log.lines().find(|line| line.contains(words[0])).unwrap();
        assert!(line.contains("the new settings are refused, and the old ones stay in force: "), "{line}");
        assert!(line.contains(path.to_str().unwrap()) && line.contains(" ERROR "), "{line}");
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
        assert!(!log.contains("hunter2"), "{log}");
        assert_eq!(call(&gateway, CHAT.target).await, 200);
    }
    fs::remove_file(&path).unwrap();
    gateway.wait_for_output("cannot read the settings file").await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);

    replace(&path, &good);
    gateway.wait_for_output("settings reloaded: nothing changed").await;
    assert_eq!(call(&gateway, CHAT.target).await, 200);
    let log = gateway.stderr();
    assert_eq!(log.matches("are refused").count(), 5, "each once: {log}");
    assert_eq!(keys(&provider.received()), [&format!("Bearer {KEY}"); 6]);
}
