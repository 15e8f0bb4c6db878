"""A run that was stopped and restored goes on as if it had not been: to the bit, for every update rule."""

import cv2
import numpy as np
import pytest
import torch

from netspec.solver.rules import RULES

NET = """name: "everything"
layer { name: "images" type: "ImageData" top: "data" top: "label"
  image_data_param { source: "images.txt" batch_size: 3 shuffle: true }
  transform_param { mirror: true crop_size: 6 scale: 0.01 } }
layer { name: "digits" type: "ClutteredDigits" top: "digit" top: "digit_label"
  cluttered_digits_param { batch_size: 3 height: 16 width: 16 digit_size: 12 clutter: 2 clutter_size: 4 } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "norm" type: "BatchNorm" bottom: "conv" top: "conv" }
layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" dropout_param { dropout_ratio: 0.4 } }
layer { name: "ip1" type: "InnerProduct" bottom: "conv" top: "ip1" param { lr_mult: 0 }
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "ip2" type: "InnerProduct" bottom: "digit" top: "ip2"
  inner_product_param { num_output: 5 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "ip1" bottom: "ip2" top: "sum" }
layer { name: "noise" type: "DummyData" top: "noise"
  dummy_data_param { shape { dim: 3 dim: 5 } data_filler { type: "gaussian" std: 0.1 } } }
layer { name: "shaken" type: "Eltwise" bottom: "sum" bottom: "noise" top: "shaken" }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "shaken" bottom: "label" top: "loss" }
"""
OPTIONS = {
    "SGD": "momentum: 0.9\nbase_lr: 0.02",
    "Nesterov": "momentum: 0.9\nbase_lr: 0.02",
    "AdaGrad": "momentum: 0\nbase_lr: 0.02",
    "RMSProp": "momentum: 0\nrms_decay: 0.9\nbase_lr: 0.005",
    "AdaDelta": "momentum: 0.9\ndelta: 1e-6\nbase_lr: 1",
    "Adam": "momentum: 0.8\nmomentum2: 0.9\nbase_lr: 0.01",
}


@pytest.fixture
def images(tmp_path):
    """Seven pictures of five classes, of which a batch of three never ends with an epoch."""
    draw = np.random.default_rng(0)
    for index in range(7):
        assert cv2.imwrite(str(tmp_path / f"{index}.png"), draw.integers(0, 256, (8, 8, 3), np.uint8))
    (tmp_path / "images.txt").write_text("".join(f"{index}.png {index % 5}\n" for index in range(7)))


def blobs(solver):
    """Everything that training changes: all blobs, learnable or not, and the rule's buffers."""
    buffers = solver.rule.history([blob.parameter for blob in solver.net.learnable_params])
    return [*(blob for layer in solver.net.params.values() for blob in layer), *buffers]


@pytest.mark.usefixtures("images")
@pytest.mark.parametrize("snapshot_format", ["BINARYPROTO", "HDF5", "SAFETENSORS"])
@pytest.mark.parametrize("iter_size", [1, 2])
@pytest.mark.parametrize("name", RULES)
def test_a_restored_run_goes_on_to_the_bit(make, name, iter_size, snapshot_format):
    """Eight iterations, or five and then three: images shuffled, mirrored and drawn ahead; dropout; tests."""
    fields = f"""type: "{name}"
{OPTIONS[name]}
lr_policy: "step"
gamma: 0.5
stepsize: 3
iter_size: {iter_size}
snapshot_format: {snapshot_format}
clip_gradients: 5
test_iter: 1
test_interval: 4
"""
    whole = make(fields, net=NET)
    whole.step(5)
    _, state = whole.snapshot()
    losses = [whole.step(1) for _ in range(3)]
    again = make(fields, net=NET)
    again.restore(state)
    assert again.iteration == 5
    assert [again.step(1) for _ in range(3)] == losses
    assert again.rule.iteration == whole.rule.iteration == 8
    for have, want in zip(blobs(again), blobs(whole), strict=True):
        assert torch.equal(have, want)


FLOAT16 = """name: "half"
layer { name: "digits" type: "ClutteredDigits" top: "digit" top: "label"
  cluttered_digits_param { batch_size: 3 height: 16 width: 16 digit_size: 12 clutter: 2 clutter_size: 4 } }
layer { name: "ip" type: "InnerProduct" bottom: "digit" top: "ip"
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


@pytest.mark.parametrize("snapshot_format", ["BINARYPROTO", "HDF5", "SAFETENSORS"])
def test_the_factor_of_the_loss_goes_on_too(make, snapshot_format):
    fields = f"base_lr: 0.001\nsnapshot_format: {snapshot_format}"
    whole = make(fields, net=FLOAT16, precision="fp16")
    whole.scale.set(2.0**20, 1997)  # about to overflow, or to double
    whole.step(2)
    _, state = whole.snapshot()
    at_snapshot = whole.scale.get()
    losses = [whole.step(1) for _ in range(4)]
    again = make(fields, net=FLOAT16, precision="fp16")
    again.restore(state)
    assert again.scale.get() == at_snapshot != (2.0**10, 0)
    assert [again.step(1) for _ in range(4)] == losses
    assert again.scale.get() == whole.scale.get()
