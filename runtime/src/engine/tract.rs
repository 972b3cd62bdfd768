//! tract, the engine in Rust that is part of the program: slower than ONNX Runtime and always here.
