"""Models of trees that are held against the kernels, a library to a file. Their form: tests/src/trees.rs."""
