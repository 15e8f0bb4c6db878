import numpy as np
import pytest

from netspec.compiler.net import compile_net
from netspec.pycaffe import io
from netspec.pycaffe.classifier import Classifier
from netspec.pycaffe.net import Net

NET = """
input: "data" input_shape { dim: 3 dim: 3 dim: 4 dim: 5 }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 6
  weight_filler { type: "gaussian" std: 0.1 } bias_filler { type: "constant" value: 0.5 } } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "net.prototxt").write_text(NET)
    compile_net(tmp_path / "net.prototxt", seed=0).save_weights(tmp_path / "net.caffemodel")
    return str(tmp_path / "net.prototxt"), str(tmp_path / "net.caffemodel")


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    return [rng.random((8, 9, 3)).astype(np.float32), rng.random((6, 7, 3)).astype(np.float32)]


def expected(net, batch):
    """The probabilities that the net's own weights give, computed by hand."""
    weight, bias = (blob.data for blob in net.params["ip"])
    scores = batch.reshape(len(batch), -1) @ weight.T + bias
    return np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def test_a_classifier_is_a_net(files):
    net = Classifier(*files)
    assert isinstance(net, Net)
    assert (list(net.inputs), list(net.outputs)) == (["data"], ["prob"])
    assert net.crop_dims.tolist() == [4, 5] == list(net.image_dims)
    assert isinstance(net.transformer, io.Transformer)
    assert net.transformer.transpose == {"data": (2, 0, 1)}
    assert net.transformer.mean == net.transformer.raw_scale == net.transformer.channel_swap == {}


def test_whole_images(files, images):
    net = Classifier(*files)
    out = net.predict(images, oversample=False)
    assert (out.dtype, out.shape) == (np.float32, (2, 6))
    batch = np.stack([io.resize_image(image, (4, 5)).transpose(2, 0, 1) for image in images])
    np.testing.assert_allclose(out, expected(net, batch), rtol=1e-5)


def test_centres(files, images):
    net = Classifier(*files, image_dims=(7, 8))
    resized = [io.resize_image(image, (7, 8)) for image in images]
    batch = np.stack([image[1:5, 1:6].transpose(2, 0, 1) for image in resized])
    np.testing.assert_allclose(net.predict(images, False), expected(net, batch), rtol=1e-5)


def test_ten_crops(files, images):
    net = Classifier(*files, image_dims=[7, 8])
    resized = [io.resize_image(image, (7, 8)) for image in images]
    crops = io.oversample(resized, (4, 5)).transpose(0, 3, 1, 2)
    means = expected(net, crops).reshape(2, 10, 6).mean(1)
    np.testing.assert_allclose(net.predict(images), means, rtol=1e-5)


def test_preprocessing(files, images):
    mean = np.array([0.1, 0.2, 0.3])
    net = Classifier(*files, mean=mean, input_scale=0.5, raw_scale=2, channel_swap=(2, 1, 0))
    batch = np.stack([io.resize_image(image, (4, 5)).transpose(2, 0, 1)[::-1] for image in images])
    batch = (batch * 2 - mean[:, None, None]) * 0.5
    np.testing.assert_allclose(net.predict(images, False), expected(net, batch), rtol=1e-5)


def test_what_does_not_fit(files, images):
    with pytest.raises(ValueError, match="4 channels"):
        Classifier(*files, mean=np.zeros(4))
    with pytest.raises(ValueError, match="does not fit"):
        Classifier(*files, image_dims=(3, 3)).predict(images)
    with pytest.raises(ValueError, match="does not fit"):
        Classifier(*files, image_dims=(3, 3)).predict(images, oversample=False)
    with pytest.raises(RuntimeError):
        Classifier(files[0], "none.caffemodel")
