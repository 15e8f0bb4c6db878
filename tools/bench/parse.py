"""How long parsing and binding with spans takes, beside protobuf's own text_format on the same text.

    python tools/bench/parse.py

Both are timed in turns within one run, because only then is their ratio worth anything on a busy machine.
"""

from collections.abc import Callable
from statistics import median
from time import perf_counter

from google.protobuf import text_format

from netspec.schema.document import load_document
from netspec.schema.messages import NetParameter
from netspec.text.source import Source

ROUNDS = 9

STAGE = """
layer {{
  name: "conv{i}"
  type: "Convolution"
  bottom: "{bottom}"
  top: "conv{i}"
  param {{ lr_mult: 1 decay_mult: 1 }}
  param {{ lr_mult: 2 decay_mult: 0 }}
  convolution_param {{
    num_output: {channels}
    kernel_size: 3
    pad: 1
    weight_filler {{
      type: "gaussian"
      std: 0.01
    }}
    bias_filler {{
      type: "constant"
      value: 0.1
    }}
  }}
}}
layer {{
  name: "relu{i}"
  type: "ReLU"
  bottom: "conv{i}"
  top: "conv{i}"  # in place
}}
layer {{
  name: "pool{i}"
  type: "Pooling"
  bottom: "conv{i}"
  top: "pool{i}"
  pooling_param {{
    pool: MAX
    kernel_size: 2
    stride: 2
  }}
}}
"""


def net(lines: int) -> str:
    """A net of convolutions, rectifiers and poolings, of at least so many lines."""
    stages = -(-lines // (STAGE.count("\n") - 1))
    bottoms = ["data", *(f"pool{i}" for i in range(stages))]
    return "".join(STAGE.format(i=i, bottom=bottoms[i], channels=16 + i % 64)[1:] for i in range(stages))


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def main() -> None:
    for lines in (2_600, 20_000):
        text = net(lines)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(seconds(lambda text=text: load_document(Source("net.prototxt", text), NetParameter)))
            theirs.append(seconds(lambda text=text: text_format.Parse(text, NetParameter())))
        print(
            f"{text.count(chr(10)):>6} lines, {len(text) / 1000:.0f} kB: {median(ours):.3f} s, "
            f"{median(ours) / median(theirs):.2f} times text_format's {median(theirs):.3f} s"
        )


if __name__ == "__main__":
    main()
