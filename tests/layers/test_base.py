import pytest
import torch

from netspec.errors import NetError, ShapeError
from netspec.layers import registry
from netspec.layers.base import ClassLabels, DataLayer, Layer, SourceLayer, as_tuple, show_shape
from netspec.layers.registry import layer
from netspec.schema.messages import FillerParameter


@pytest.fixture
def define(monkeypatch):
    """Registers classes for the time of a test only."""
    registry.layer_types()
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    return layer


def _identity(define, **traits):
    @define("Probe", **{"bottoms": 1, "tops": 1, **traits})
    class Probe(Layer):
        """Does nothing."""

        def forward(self, *bottoms):
            return bottoms

    return Probe


@pytest.mark.parametrize(
    ("message", "marked", "traits", "bottoms", "tops"),
    [
        ("takes 1 bottom, not 2", '"b1"', {}, 2, 1),
        ("takes 2 bottoms, not 1", "layer", {"bottoms": 2}, 1, 1),
        ("takes at least 2 bottoms, not 0", "layer", {"bottoms": (2, None)}, 0, 1),
        ("takes 1 to 2 bottoms, not 3", '"b2"', {"bottoms": (1, 2)}, 3, 1),
        ("takes 0 bottoms, not 1", '"b0"', {"bottoms": 0}, 1, 1),
        ("takes 1 top, not 2", '"t1"', {}, 1, 2),
        ("takes 1 to 2 tops, not 0", "layer", {"tops": (1, 2)}, 1, 0),
        ("takes 2 tops, not 1", "layer", {"bottoms": 2, "tops": "bottoms"}, 2, 1),
    ],
)
def test_arity(define, rejects, message, marked, traits, bottoms, tops):
    _identity(define, **traits)
    rejects(rf"layer 'l' \(Probe\): {message}", marked, 'type: "Probe"', *[(2,)] * bottoms, tops=tops)


def test_shapes_come_from_a_dry_run_that_leaves_buffers_alone(define, build):
    @define("Probe", bottoms=1, tops=2)
    class Probe(Layer):
        """Adds a buffer."""

        def setup(self, x):
            self.register_buffer("steps", torch.arange(3.0))

        def forward(self, x):
            return x + self.steps, x.sum(0)

    probe = build('type: "Probe"', (2, 3), tops=2)
    assert probe.shapes == [(2, 3), (3,)]
    assert probe.steps.tolist() == [0, 1, 2]


def test_what_torch_finds_wrong_becomes_a_shape_error(define, rejects):
    @define("Probe", bottoms=2, tops=1)
    class Probe(Layer):
        """Multiplies."""

        def forward(self, a, b):
            return a @ b

    rejects(
        r"layer 'l' \(Probe\) on b0 2x3, b1 2x3: ", "layer", 'type: "Probe"', (2, 3), (2, 3), error=ShapeError
    )


def _with_blobs(define, *calls):
    @define("Probe", bottoms=1, tops=1)
    class Probe(Layer):
        """Has blobs."""

        def setup(self, x):
            for shape, options in calls:
                self.add_blob(shape, **options)

        def forward(self, x):
            return x

    return Probe


def test_blobs_keep_their_order_and_names(define, build):
    _with_blobs(
        define,
        ((2, 3), {}),
        ((2,), {"filler": FillerParameter(value=4)}),
        ((1,), {}),
        ((1,), {"name": "last"}),
    )
    probe = build('type: "Probe"', (1,))
    assert probe.blob_names == ["weight", "bias", "blob2", "last"]
    assert [tuple(blob.shape) for blob in probe.blobs] == [(2, 3), (2,), (1,), (1,)]
    assert probe.bias.tolist() == [4, 4]
    assert probe.weight.eq(0).all()
    assert list(dict(probe.named_parameters())) == probe.blob_names


def test_a_statistic_is_a_blob_without_gradient(define, build):
    _with_blobs(define, ((1,), {"learnable": False}), ((1,), {}))
    assert [blob.requires_grad for blob in build('type: "Probe"', (1,)).blobs] == [False, True]


def test_blobs_have_no_memory_until_they_are_materialized(define, build):
    cls = _with_blobs(define, ((2,), {"filler": FillerParameter(type="uniform")}))
    built = build('type: "Probe"', (1,))
    bare = cls(built.spec, built.spans, training=False)
    bare.build([(1,)])
    assert bare.weight.is_meta
    bare.materialize(torch.device("cpu"), torch.Generator().manual_seed(0))
    assert torch.equal(bare.weight, built.weight)


def test_a_filler_s_error_points_into_its_own_message(rejects):
    text = 'type: "InnerProduct" inner_product_param { num_output: 1 bias_filler { type: "xavir" } }'
    rejects("unknown filler type 'xavir'", '"xavir"', text, (1, 2))


@pytest.mark.parametrize(("value", "found"), [(0, 0), (2, 2), (-1, 2), (-3, 0)])
def test_axis_counts_from_either_end(define, build, value, found):
    _identity(define)
    assert build('type: "Probe"', (1,)).axis(value, 3) == found


@pytest.mark.parametrize("value", [3, -4])
def test_axis_out_of_range(define, build, value):
    _identity(define)
    with pytest.raises(ShapeError, match=f"axis {value} of a blob with 3 axes"):
        build('type: "Probe"', (1,)).axis(value, 3)


def test_find_file(define, build, tmp_path, monkeypatch):
    _identity(define)
    probe = build('type: "Probe"', (1,))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetError, match=r"layer 'l' \(Probe\): no such file: 'x'"):
        probe.find_file("x")
    (tmp_path / "x").touch()
    assert probe.find_file("x").read_bytes() == b""


def test_labels(define, build):
    _identity(define)
    probe = build('type: "Probe"', (2,))
    probe.check_labels(torch.tensor([-7]))  # until it says that it reads labels
    probe.class_labels = ClassLabels(0, 3, (255, -1))
    probe.check_labels(torch.tensor([[0.0, 2.9], [255, -1]]))
    probe.check_labels(torch.empty(0))
    for wrong, shown in [(3, "3"), (-2.0, "-2"), (float("inf"), "inf"), (16777216.0, "16777216")]:
        message = f"on b0 2: expected labels from 0 to 2, found {shown}\n"
        with pytest.raises(ShapeError, match=message) as caught:
            probe.check_labels(torch.tensor([0, wrong]))
        span = caught.value.diagnostics[0].span
        assert span.source.text[span.start : span.end] == '"b0"'


def test_phase(define, build):
    _identity(define)
    assert build('type: "Probe"', (1,), training=True).training
    assert not build('type: "Probe"', (1,)).training


def test_source_layers_are_not_computed(build):
    layer = build('type: "Input" input_param { shape { dim: 1 } }')
    assert isinstance(layer, SourceLayer)
    with pytest.raises(AssertionError, match="inputs of the graph"):
        layer()


def test_what_a_subclass_must_write(define, build):
    _identity(define)
    probe = build('type: "Probe"', (1,))
    with pytest.raises(NotImplementedError):
        Layer.forward(probe)
    with pytest.raises(NotImplementedError):
        DataLayer.stream(probe, 0)


def test_helpers():
    x = torch.ones(2)
    assert as_tuple(x) == (x,)
    assert as_tuple([x, x]) == (x, x)
    assert show_shape((64, 1, 28, 28)) == "64x1x28x28"
    assert show_shape(()) == "scalar"


def test_a_bottom_without_numbers(rejects):
    rejects("on b0 0x3: a bottom has an axis of length 0", '"b0"', 'type: "ReLU"', (0, 3))


# Other shapes ---------------------------------------------------------------------------------------------


def _padded(define):
    @define("Probe", bottoms=1, tops=1)
    class Probe(Layer):
        """Adds a blob of channels, and counts the columns."""

        def setup(self, x):
            self.columns = x[2]
            self.add_blob((x[1],))
            self.register_buffer("ramp", torch.arange(x[2]).float())

        def forward(self, x):
            return x + self.weight[:, None] + self.ramp

    return Probe


def test_refit_takes_other_shapes_and_keeps_the_blobs(define, compile_text):
    _padded(define)
    text = """layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 2 dim: 3 } } }
    layer { name: "p" type: "Probe" bottom: "x" top: "y" }"""
    probe = compile_text(text).graph.nodes[1].layer
    weight = probe.weight
    assert probe.refit([(5, 2, 7)]) == [(5, 2, 7)]
    assert (probe.columns, probe.weight is weight) == (7, True)
    assert probe(torch.zeros(5, 2, 7))[0, 0].tolist() == list(range(7))
    with pytest.raises(ShapeError, match="need a blob of 4, where the layer has one of 2"):
        probe.refit([(1, 4, 3)])
    assert probe.columns == 7


def test_the_parameter_behind_a_view(compile_text):
    layer = """layer { name: "%s" type: "InnerProduct" bottom: "%s" top: "%s"
      param { name: "w" share_mode: PERMISSIVE } param { name: "%s" }
      inner_product_param { num_output: %s } }"""
    text = (
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 1 dim: 6 } } }'
        + layer % ("one", "x", "a", "b1", 2)
        + layer % ("two", "a", "b", "b2", 6)
    )
    net = compile_text(text)
    one, two = (node.layer for node in net.graph.nodes[1:])
    assert two.weight.shape == (6, 2)
    assert two.parameter("weight") is one.parameter("weight") is one.weight
    assert two.parameter("bias") is two.bias
