//! Prints the vendors that the settings of a provider can name, with their base URLs.
#![allow(clippy::print_stdout, reason = "an example prints what it does")]

fn main() {
    for preset in aibridge_presets::PRESETS {
        let base_url = preset.base_url.unwrap_or("(each customer has another one)");
        println!("{:<12} {:<10} {base_url}", preset.name, preset.kind);
    }
}
