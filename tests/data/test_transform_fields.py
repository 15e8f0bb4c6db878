import pytest

from netspec.data.transform_fields import check_fields, require_plain
from netspec.errors import NetError
from netspec.schema.document import load_document
from netspec.schema.messages import TransformationParameter
from netspec.text.source import Source

REFUSED = {
    'mean_file: "x" mean_value: 3': ("mean_file or mean_value, not both", '"x"'),
    "scale_factors: 2": ("scale_factors is read by ImageSegData only", "2"),
    "crop_width: 3": ("crop_width is read by ImageSegData only: give crop_h and crop_w", "3"),
    "crop_height: 3": ("crop_height is read by ImageSegData only", "3"),
    "display: true": ("display is not supported", "true"),
    "num_labels: 2": ("num_labels is not supported", "2"),
    "forward_packing: NHWC": ("forward_packing: NHWC is not supported", "NHWC"),
    "emit_constraint { emit_type: CENTER }": ("emit_constraint is for images with objects", None),
    "crop_size: 4 crop_h: 3 crop_w: 3": ("crop_size, or crop_h and crop_w, not both", "4"),
    "crop_h: 3": ("crop_h and crop_w go together", "3"),
    "crop_w: 3": ("crop_h and crop_w go together", "3"),
    "resize_param { height: 3 }": ("resize_param asks for height and width", None),
    "resize_param { height: 3 width: 3 prob: 0.5 }": ("prob of resize_param is not supported", "0.5"),
    "noise_param { inverse: true prob: 0.25 }": ("prob of noise_param is not supported", "0.25"),
    "noise_param { convert_to_lab: true }": ("convert_to_lab is not supported", "true"),
    "noise_param { saltpepper_param { fraction: 1 } }": ("no effect without saltpepper: true", None),
    'expand_param { prob: 1 } mean_file: "x"': ("fills the canvas with mean_value", None),
    "img_rand_resize_lower: 3": ("img_rand_resize_upper is less than img_rand_resize_lower", None),
    "img_rand_resize_upper: 3": ("img_rand_resize_lower and img_rand_resize_upper go together", "3"),
    "vertical_stretch_lower: 2": ("vertical_stretch_upper is less than", None),
    "distort_param { contrast_lower: 2 contrast_upper: 1 }": ("contrast_upper is less than", "1"),
    "distort_param { brightness_delta: -1 }": ("brightness_delta must not be negative", "-1"),
    "distort_param { saturation_lower: -1 }": ("saturation_lower must not be negative", "-1"),
}
TAKEN = [
    "",
    "scale: 2 mirror: true crop_size: 3 force_gray: true",
    "crop_h: 3 crop_w: 4 display: false num_labels: 0 use_gpu_transform: true random_seed: 3",
    "resize_param { prob: 1 height: 3 width: 3 } noise_param { prob: 1 inverse: true }",
    "expand_param { prob: 0.5 max_expand_ratio: 4 } mean_value: 3",
    "distort_param { hue_prob: 0.5 hue_delta: 18 }",
    "img_rand_resize_lower: 3 img_rand_resize_upper: 4 vertical_stretch_upper: 2 crop_size: 3",
]


def _read(text):
    document = load_document(Source("transform", text), TransformationParameter)
    return document.message, document.spans


@pytest.mark.parametrize("text", REFUSED)
def test_refused_by_name(text):
    message, marked = REFUSED[text]
    with pytest.raises(NetError, match=message) as caught:
        check_fields(*_read(text), with_objects=False)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.message.startswith("transform_param: ")
    if marked:
        assert text[diagnostic.span.start : diagnostic.span.end] == marked


@pytest.mark.parametrize("text", TAKEN)
def test_taken(text):
    check_fields(*_read(text), with_objects=False)


def test_with_objects():
    check_fields(*_read("emit_constraint { emit_type: CENTER }"), with_objects=True)
    with pytest.raises(NetError, match="horizontal_stretch_upper is not supported for images with objects"):
        check_fields(*_read("horizontal_stretch_upper: 2"), with_objects=True)


def test_plain_layers_take_the_plain_fields():
    require_plain(*_read("scale: 2 crop_size: 3 mirror: true mean_value: 3 display: false"), "WindowData")
    require_plain(*_read("crop_width: 3"), "ImageSegData", ["crop_width"])
    for text in ("crop_width: 3", "noise_param { }", "random_seed: 5", "force_gray: true"):
        with pytest.raises(
            NetError, match=rf"{text.partition(':')[0].split()[0]} has no effect in WindowData"
        ):
            require_plain(*_read(text), "WindowData")
