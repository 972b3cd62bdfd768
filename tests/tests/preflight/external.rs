//! Models whose weights are to be read from somewhere else on the server: an upload is one file, so none may ever be live.

use servoir_tests::environment;

/// Models of weights outside their folder, and one of weights beside it.
const MADE: [&str; 5] = [
    "external_data/model.onnx",
    "external_escape/absolute/model.onnx",
    "external_escape/dotted/model.onnx",
    "external_escape/parent/model.onnx",
    "external_escape/symlink/model.onnx",
];
/// Places that are as long as `weights.bin`, so that they can stand for it in the file.
const PLACES: [&[u8; 11]; 8] = [
    b"/etc/passwd",
    b"/etc/shadow",
    b"/dev/zero/.",
    b"/proc/kcore",
    b"../../../..",
    b"model.onnx\0",
    b"file:///etc",
    b"\\\\host\\dir\\",
];
const PLACE: &[u8] = b"weights.bin";

/// Names and contents.
pub fn files() -> Vec<(String, Vec<u8>)> {
    let read = |name: &str| std::fs::read(environment::fixtures().join(name)).expect("a fixture");
    let made = MADE.into_iter().map(|name| (format!("external {name}"), read(name)));
    let sound = read(MADE[0]);
    let at = sound.windows(PLACE.len()).position(|part| part == PLACE).expect("the place of its weights");
    let elsewhere = PLACES.into_iter().map(|place| {
        let mut file = sound.clone();
        file[at..at + place.len()].copy_from_slice(place);
        (format!("external {}", String::from_utf8_lossy(place).replace(['\\', '\0'], "_")), file)
    });
    made.chain(elsewhere).collect()
}
