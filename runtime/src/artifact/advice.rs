//! What to do with a file that cannot be served: how each framework's models become ONNX.

/// For scikit-learn and everything else that is pickled.
pub const SKLEARN: &str = "export the model to ONNX with skl2onnx: `to_onnx(model, X[:1], options={'zipmap': False})`";
/// For PyTorch.
pub const TORCH: &str = "export the model to ONNX with `torch.onnx.export(model, example, 'model.onnx', dynamo=True)`";
/// For TensorFlow, Keras and TFLite.
pub const TENSORFLOW: &str =
    "export the model to ONNX with tf2onnx: `python -m tf2onnx.convert --saved-model DIR --output model.onnx`";
/// For Keras files.
pub const KERAS: &str = "export the model to ONNX with `model.export('model.onnx', format='onnx')` or tf2onnx";
/// For boosted trees.
pub const TREES: &str =
    "export the model to ONNX with onnxmltools: `onnxmltools.convert_xgboost` or `convert_lightgbm`";
/// For compressed files and archives.
pub const UNPACK: &str = "unpack it and give the .onnx file itself";
/// For language models and bare weights.
pub const WEIGHTS: &str =
    "it holds weights without the graph that uses them: export the whole model to ONNX with the framework that made it";
/// For a folder.
pub const FOLDER: &str = "give the model file itself, such as model.onnx";
/// For anything else.
pub const ONNX: &str = "give an ONNX file; scikit-learn exports one with skl2onnx, PyTorch with torch.onnx.export, TensorFlow with tf2onnx, XGBoost and LightGBM with onnxmltools";
