import cv2
import lmdb
import numpy as np
import pytest
import torch

import netspec
from netspec.errors import DataError, NetError, ShapeError
from netspec.schema.messages import AnnotatedDatum, Datum

FIELDS = 'type: "AnnotatedData" data_param { source: "db" backend: LMDB batch_size: 2 }'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A database "db" of images of 12 x 16; image n has n objects of the class n."""
    monkeypatch.chdir(tmp_path)
    with lmdb.open("db") as environment, environment.begin(write=True) as transaction:
        for number in range(4):
            data = cv2.imencode(".png", np.full((12, 16, 3), 50 * number, np.uint8))[1].tobytes()
            record = AnnotatedDatum(type=AnnotatedDatum.BBOX, datum=Datum(data=data, encoded=True))
            group = record.annotation_group.add(group_label=number)
            for instance in range(number):
                box = {"xmin": 0.1, "ymin": 0.2, "xmax": 0.6, "ymax": 0.7}
                group.annotation.add(instance_id=instance, bbox=box)
            transaction.put(b"%d" % number, record.SerializeToString())
    (tmp_path / "map.prototxt").write_text(
        "".join(f'item {{ name: "n{label}" label: {label} display_name: "d" }}\n' for label in range(4))
    )
    return tmp_path


def test_tops(build, folder):
    layer = build(FIELDS, tops=2)
    assert layer.shapes == [(2, 3, 12, 16), (1, 1, 1, 8)]
    assert layer.varying == {1}
    images, objects = layer.stream(0).batch(1)
    assert images.amax(dim=(1, 2, 3)).tolist() == [100, 150]
    assert objects[0, 0, :, 0].tolist() == [0, 0, 1, 1, 1]
    assert objects[0, 0, :, 1].tolist() == [2, 2, 3, 3, 3]
    assert build(FIELDS).shapes == [(2, 3, 12, 16)]
    assert build(FIELDS).varying == set()


SSD = """
annotated_data_param {
  batch_sampler { max_sample: 1 max_trials: 1 }
  batch_sampler {
    sampler { min_scale: 0.3 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }
    sample_constraint { min_jaccard_overlap: 0.5 } max_sample: 1 max_trials: 50
  }
  label_map_file: "map.prototxt"
}
transform_param {
  mirror: true mean_value: 104 mean_value: 117 mean_value: 123
  resize_param { prob: 1 resize_mode: WARP height: 30 width: 30 interp_mode: LINEAR interp_mode: AREA }
  emit_constraint { emit_type: CENTER }
  distort_param {
    brightness_prob: 0.5 brightness_delta: 32 contrast_prob: 0.5 contrast_lower: 0.5 contrast_upper: 1.5
    hue_prob: 0.5 hue_delta: 18 saturation_prob: 0.5 saturation_lower: 0.5 saturation_upper: 1.5
  }
  expand_param { prob: 0.5 max_expand_ratio: 4 }
}
"""


def test_as_ssd_is_trained(build, folder):
    layer = build(FIELDS + SSD, tops=2, training=True)
    assert layer.shapes[0] == (2, 3, 30, 30)
    stream = layer.stream(3)
    batches = [stream.batch(index) for index in range(20)]
    again = layer.stream(3)
    for index in reversed(range(20)):
        assert all(map(torch.equal, again.batch(index), batches[index]))
    boxes = torch.cat([objects[0, 0] for _, objects in batches])[:, 3:7]
    boxes = boxes[boxes[:, 0] >= 0]
    assert len({tuple(box) for box in boxes.tolist()}) > 10
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()


def test_a_net_runs_on_batches_of_any_number_of_objects(folder, compile_text):
    power = 'layer { name: "s" type: "Power" bottom: "t" top: "y" }'
    net = compile_text(f'layer {{ name: "d" top: "x" top: "t" {FIELDS} }} {power}')
    shapes = [tuple(net()["y"].shape) for _ in range(3)]
    assert shapes == [(1, 1, 1, 8), (1, 1, 5, 8), (1, 1, 1, 8)]
    objects = torch.zeros(1, 1, 9, 8)
    assert net(x=torch.zeros(2, 3, 12, 16), t=objects)["y"].shape == objects.shape  # what a trainer does
    with pytest.raises(ShapeError, match="input 'x' is fed 2x3x9x9"):
        net(x=torch.zeros(2, 3, 9, 9), t=objects)
    with pytest.raises(ShapeError, match="input 't' is fed 9x8"):
        net(t=objects[0, 0])
    net.close()


def test_a_solver_trains_on_them(folder):
    net = f"""
    layer {{ name: "d" top: "x" top: "t" {FIELDS} }}
    layer {{ name: "r" type: "Reduction" bottom: "t" top: "n" reduction_param {{ axis: 0 }} }}
    layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ num_output: 1 }} }}
    layer {{ name: "l" type: "Reduction" bottom: "y" top: "l" loss_weight: 1 }}
    layer {{ name: "quiet" type: "Silence" bottom: "n" }}
    """
    (folder / "net.prototxt").write_text(net)
    (folder / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 1e-9 lr_policy: "fixed" max_iter: 9 solver_mode: CPU'
    )
    solver = netspec.load_solver(folder / "solver.prototxt")
    solver.step(5)
    assert solver.iteration == 5
    solver.close()


def test_the_label_map_knows_all_classes(build, folder):
    (folder / "map.prototxt").write_text('item { name: "a" label: 0 }\nitem { name: "b" label: 2 }\n')
    stream = build(FIELDS + 'annotated_data_param { label_map_file: "map.prototxt" }', tops=2).stream(0)
    with pytest.raises(
        DataError, match="record '1' has an object of class 1, which the label map does not name"
    ):
        stream.batch(0)


def test_refused(rejects, folder):
    rejects("batch_size is missing", "data_param", 'type: "AnnotatedData" data_param { }', error=NetError)
    sampler = "annotated_data_param { batch_sampler { sampler { %s } } }"
    scale, ratio = "0 < min_scale <= max_scale <= 1", "0 < min_aspect_ratio <= max_aspect_ratio"
    rejects(scale, "2", FIELDS + sampler % "max_scale: 2", error=NetError)
    rejects(scale, "0.5", FIELDS + sampler % "min_scale: 0.6 max_scale: 0.5", error=NetError)
    rejects(ratio, "0.5", FIELDS + sampler % "max_aspect_ratio: 0.5", error=NetError)
    rejects(
        "no such file: 'none'",
        '"none"',
        FIELDS + 'annotated_data_param { label_map_file: "none" }',
        error=NetError,
    )
    rejects("scale_factors is read by", "2", FIELDS + "transform_param { scale_factors: 2 }", error=NetError)
