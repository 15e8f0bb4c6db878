import ast
import copy
import csv
import importlib.util
import pickle
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.message_factory import GetMessageClass

from netspec.schema import messages
from netspec.schema.messages import (
    FLOAT,
    TEST,
    TRAIN,
    ClipParameter,
    DataPosition,
    FillerParameter,
    LayerParameter,
    MultiBoxLossParameter,
    NetParameter,
    NetState,
    Phase,
    PoolingParameter,
    SolverParameter,
    SolverState,
    TrainerState,
)

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
OWN_NUMBERS = range(770001, 771000)
# Messages of Caffe's that are stored in binary, where a fork's field keeps the fork's number.
STORED = {"BlobProto", "Datum", "FillerParameter", "SolverState"}

Row = dict[str, str]


def table(name: str) -> list[Row]:
    path = SHARED / f"{name}-schema.tsv"
    if not path.exists():
        pytest.skip(f"{path.name} is not beside the repository")
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def file() -> FileDescriptorProto:
    descriptors = (ROOT / "netspec" / "schema" / "netspec.binpb").read_bytes()
    return FileDescriptorSet.FromString(descriptors).file[0]


@pytest.fixture(scope="module")
def build_schema() -> ModuleType:
    pytest.importorskip("grpc_tools", reason="grpcio-tools, which carries protoc, is not installed")
    spec = importlib.util.spec_from_file_location("build_schema", ROOT / "tools" / "build_schema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(file: FileDescriptorProto) -> Iterator[Row]:
    """The schema in the form of the tables."""

    def enum_rows(enum, scope: str) -> Iterator[Row]:
        for value in enum.value:
            yield row(scope + enum.name, value.name, value.number, "enum", "", "", False)

    def row(message: str, name: str, number: int, label: str, kind: str, default: str, packed: bool) -> Row:
        keys = ("message", "field", "number", "label", "type", "default", "packed")
        values = (message, name, str(number), label, kind, default, "packed" if packed else "")
        return dict(zip(keys, values, strict=True))

    def message_rows(message: DescriptorProto, scope: str) -> Iterator[Row]:
        path = scope + message.name
        for enum in message.enum_type:
            yield from enum_rows(enum, f"{path}.")
        for nested in message.nested_type:
            yield from message_rows(nested, f"{path}.")
        for field in message.field:
            label = FieldDescriptorProto.Label.Name(field.label).removeprefix("LABEL_").lower()
            kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
            kind = field.type_name.removeprefix(f".{file.package}.") or kind
            yield row(path, field.name, field.number, label, kind, field.default_value, field.options.packed)

    for enum in file.enum_type:
        yield from enum_rows(enum, "")
    for message in file.message_type:
        yield from message_rows(message, "")


def by_name(rows: list[Row]) -> dict[tuple[str, str], Row]:
    return {(row["message"], row["field"]): row for row in rows}


def test_the_committed_files_are_what_the_tool_builds(build_schema):
    built = build_schema.build()
    assert built[build_schema.STUBS] == build_schema.STUBS.read_bytes()
    # Another protoc may write the same descriptors in other bytes.
    committed = FileDescriptorSet.FromString(build_schema.DESCRIPTORS.read_bytes())
    assert FileDescriptorSet.FromString(built[build_schema.DESCRIPTORS]) == committed


def test_check_tells_a_stale_file_and_writes_nothing(build_schema, tmp_path, monkeypatch, capsys):
    stubs = tmp_path / "messages.pyi"
    stubs.write_text("old")
    monkeypatch.setattr(build_schema, "ROOT", tmp_path)
    monkeypatch.setattr(build_schema, "STUBS", stubs)
    monkeypatch.setattr(build_schema, "DESCRIPTORS", tmp_path / "netspec.binpb")
    monkeypatch.setattr("sys.argv", ["build_schema.py", "--check"])
    assert build_schema.main() == 1
    assert stubs.read_text() == "old"
    assert capsys.readouterr().out.splitlines() == ["stale: netspec.binpb", "stale: messages.pyi"]

    monkeypatch.setattr("sys.argv", ["build_schema.py"])
    assert build_schema.main() == 0
    monkeypatch.setattr("sys.argv", ["build_schema.py", "--check"])
    assert build_schema.main() == 0


def test_every_message_and_enum_is_documented(build_schema):
    (file,) = build_schema.describe(build_schema.PROTO, comments=True).file
    documented = {tuple(at.path) for at in file.source_code_info.location if at.leading_comments.strip()}

    def undocumented(message: DescriptorProto, path: tuple[int, ...]) -> Iterator[str]:
        if path not in documented:
            yield message.name
        for i, nested in enumerate(message.nested_type):
            yield from undocumented(nested, (*path, 3, i))
        for i, enum in enumerate(message.enum_type):
            if (*path, 4, i) not in documented:
                yield f"{message.name}.{enum.name}"

    assert [name for i, m in enumerate(file.message_type) for name in undocumented(m, (4, i))] == []
    assert all((5, i) in documented for i in range(len(file.enum_type)))


def test_caffes_schema_is_here(file):
    ours = by_name(rows_of(file))
    wrong = [row for row in table("caffe") if ours.get((row["message"], row["field"])) != row]
    assert wrong == []


def test_the_spatial_transformer_forks_schema_is_here(file):
    ours = by_name(rows_of(file))
    for row in table("stn-fork"):
        mine = ours[row["message"], row["field"]]
        assert {key: mine[key] for key in ("label", "type", "default")} == {
            key: row[key] for key in ("label", "type", "default")
        }
        if row["message"] == "LayerParameter":
            assert int(mine["number"]) in OWN_NUMBERS
        else:
            assert mine["number"] == row["number_in_fork"]


def test_the_schema_of_every_other_fork_is_here(file):
    ours = by_name(rows_of(file))
    in_caffe = {row["message"] for row in table("caffe")}
    rows = table("other-forks")
    assert {row["fork"] for row in rows} == {"ssd", "faster-rcnn", "pspnet", "nvidia"}
    keys = ("label", "type", "default")
    for row in rows:
        mine = ours.get((row["message"], row["field"]))
        assert mine is not None, row
        assert {key: mine[key] for key in keys} == {key: row[key] for key in keys}, row
        if row["message"] not in in_caffe or row["message"] in STORED or row["label"] == "enum":
            assert mine["number"] == row["number_in_fork"], row


def test_numbers_of_our_own_collide_with_nobody(file):
    caffe = by_name(table("caffe"))
    forks = [row for row in table("stn-fork") + table("other-forks") if row["label"] != "enum"]
    taken = Counter((row["message"], int(row["number_in_fork"])) for row in forks)
    taken.update((row["message"], int(row["number"])) for row in caffe.values() if row["label"] != "enum")
    shared_messages = {message for message, _ in caffe}
    added = {
        (row["message"], row["field"]): int(row["number"])
        for row in rows_of(file)
        if row["label"] != "enum"
        and row["message"] in shared_messages
        and (row["message"], row["field"]) not in caffe
    }
    for (message, field), number in added.items():
        # What is stored keeps the number of the one fork that uses it.
        owners = 1 if message in STORED and number not in OWN_NUMBERS else 0
        assert taken[message, number] == owners, (message, field)
        assert owners or number in OWN_NUMBERS, (message, field)
    assert {message for (message, _), number in added.items() if number not in OWN_NUMBERS} == STORED
    # Each block is filled without gaps.
    for message in shared_messages:
        own = sorted(number for (of, _), number in added.items() if of == message and number in OWN_NUMBERS)
        assert own == list(OWN_NUMBERS[: len(own)]), message


def test_a_layer_is_open_to_extensions_that_no_field_is_in(file):
    (layer,) = [message for message in file.message_type if message.name == "LayerParameter"]
    (free,) = layer.extension_range
    assert (free.start, free.end) == (800000, 2**29)
    assert max(field.number for field in layer.field) < free.start


def test_defaults_read_back():
    layer = LayerParameter()
    assert layer.pooling_param.pool == PoolingParameter.MAX
    assert layer.st_param.to_compute_dU is True
    assert layer.spatial_transformer_param.first_bottom_diff is True
    assert layer.multibox_loss_param.mining_type == MultiBoxLossParameter.MAX_NEGATIVE
    assert getattr(layer.elu_param, "lambda") == 1
    assert layer.forward_math == FLOAT == 1
    assert SolverState().minimum_loss == pytest.approx(1e38)
    assert layer.cluttered_digits_param.source == "strokes"
    assert layer.cluttered_digits_param.translation == -1
    assert FillerParameter().type == "constant"
    assert NetState().phase == TEST
    assert SolverParameter().momentum2 == pytest.approx(0.999)
    assert not SolverParameter().HasField("momentum2")


def test_enum_values_are_integers():
    assert (TRAIN, TEST) == (0, 1)
    assert Phase.Name(TEST) == "TEST"
    assert PoolingParameter.PoolMethod.Value("AVE") == PoolingParameter.AVE == 1
    assert LayerParameter(pooling_param={"pool": "AVE"}).pooling_param.pool == PoolingParameter.AVE


def test_a_required_field_is_missed():
    assert ClipParameter(min=0).FindInitializationErrors() == ["max"]
    assert ClipParameter(min=0, max=1).IsInitialized()


def test_messages_survive_the_wire_copy_and_pickle():
    state = SolverState(trainer=TrainerState(data_position=[DataPosition(layer="data", position=7)]))
    net = NetParameter(layer=[LayerParameter(name="st", st_param={"output_H": 40})])
    for message in (state, net, net.layer[0].st_param, state.trainer.data_position[0]):
        assert type(message).FromString(message.SerializeToString()) == message
        assert copy.deepcopy(message) == message
        assert pickle.loads(pickle.dumps(message)) == message


def test_another_pool_may_define_the_same_names():
    other = FileDescriptorProto(name="netspec.proto", package="netspec", syntax="proto2")
    field = other.message_type.add(name="NetParameter").field.add(name="other", number=1)
    field.label, field.type = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.TYPE_INT32
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(other.SerializeToString())
    theirs = GetMessageClass(pool.FindMessageTypeByName("netspec.NetParameter"))
    assert [field.name for field in theirs.DESCRIPTOR.fields] == ["other"]
    assert theirs is not NetParameter
    assert NetParameter(name="ours").name == "ours"


def test_the_stubs_name_what_exists():
    tree = ast.parse((ROOT / "netspec" / "schema" / "messages.pyi").read_text())
    net = NetParameter()
    stand_ins = {"Message": net, "Repeated": net.input, "RepeatedMessages": net.layer, "EnumType": Phase}
    for stub in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        thing = stand_ins[stub.name] if stub.name in stand_ins else getattr(messages, stub.name)()
        names = [node.name for node in stub.body if isinstance(node, ast.FunctionDef)]
        names += [node.target.id for node in stub.body if isinstance(node, ast.AnnAssign)]
        assert [name for name in names if not hasattr(thing, name)] == [], stub.name
